import { tunnelOverrides } from '../../../src/cli/flags/tunnel-flags.js';

const NOTHING = {
  mtu: undefined,
  'persistent-keepalive': undefined,
  'additional-allowed-ips': undefined,
};

it('overrides nothing by default, and accepts 0', () => {
  const nothing = { mtu: undefined, persistentKeepalive: undefined, additionalAllowedIps: [] };
  expect(tunnelOverrides(NOTHING)).toEqual(nothing);
  expect(tunnelOverrides({ ...NOTHING, mtu: 1380, 'persistent-keepalive': 0 })).toEqual({
    ...nothing,
    mtu: 1380,
    persistentKeepalive: 0,
  });
});

const allowedIps = (...values: string[]) =>
  tunnelOverrides({ ...NOTHING, 'additional-allowed-ips': values }).additionalAllowedIps;

it('reads networks, also several in one value', () => {
  expect(allowedIps(' 10.1.2.3/8 ,fd00::1/64 ', '198.51.100.1/32')).toEqual([
    ...['10.0.0.0/8', 'fd00::/64', '198.51.100.1/32'],
  ]);
});

it.each([
  ['10.0.0.0/8,', '""'],
  ['10.0.0.0/8, example.com/8', '"example.com/8"'],
])('refuses --additional-allowed-ips %s, and names %s', (value, item) => {
  const what = `cannot use --additional-allowed-ips=${value}`;
  expect(() => allowedIps('192.0.2.0/24', value)).toThrow(
    expect.objectContaining({ kind: 'usage', what, why: `${item} is not a CIDR` }) as Error,
  );
});
