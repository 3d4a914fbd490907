import { tunnelOverrides } from '../../../src/cli/flags/override-flags.js';

const NOTHING = {
  mtu: undefined,
  'persistent-keepalive': undefined,
  'additional-allowed-ips': undefined,
};

function allowedIps(value: string | readonly string[]) {
  return tunnelOverrides({ ...NOTHING, 'additional-allowed-ips': value }).additionalAllowedIps;
}

it('overrides nothing by default', () => {
  expect(tunnelOverrides(NOTHING)).toEqual({
    mtu: undefined,
    persistentKeepalive: undefined,
    additionalAllowedIps: [],
  });
});

it('accepts 0 as a value', () => {
  expect(tunnelOverrides({ ...NOTHING, mtu: 1380, 'persistent-keepalive': 0 })).toMatchObject({
    mtu: 1380,
    persistentKeepalive: 0,
  });
});

it.each([
  ['10.1.2.3/8', ['10.0.0.0/8']],
  [' 10.0.0.0/8 ,fd00::1/64 ', ['10.0.0.0/8', 'fd00::/64']],
  [
    ['10.0.0.0/8,192.0.2.0/24', '198.51.100.1/32'],
    ['10.0.0.0/8', '192.0.2.0/24', '198.51.100.1/32'],
  ],
])('reads --additional-allowed-ips %j', (value, cidrs) => {
  expect(allowedIps(value)).toEqual(cidrs);
});

it.each([
  ['10.0.0.0/8,', '""'],
  ['', '""'],
  ['10.0.0.0/8, 10.0.0.1', '"10.0.0.1"'],
  ['10.0.0.0/33', '"10.0.0.0/33"'],
  ['example.com/8', '"example.com/8"'],
])('refuses --additional-allowed-ips %s, and names %s', (value, item) => {
  expect(() => allowedIps(['192.0.2.0/24', value])).toThrow(
    `cannot use --additional-allowed-ips=${value}: ${item} is not a CIDR`,
  );
  expect(() => allowedIps(value)).toThrow(expect.objectContaining({ kind: 'usage' }) as Error);
});
