import { dnsListen, hostNames } from '../../../../src/cli/flags/listeners/name-flags.js';
import { thrownBy } from '../../../proxy/support/thrown.js';

it('reads names from repeated flags, or from one variable', () => {
  expect([...hostNames({ hosts: ['A.test.=192.0.2.1', 'b_1.test=fd00::1', 'a.test=192.0.2.2'] })])
    // One name may have several addresses.
    .toEqual([
      ['a.test', ['192.0.2.1', '192.0.2.2']],
      ['b_1.test', ['fd00::1']],
    ]);
  expect(hostNames({ hosts: ['a=192.0.2.1, b=192.0.2.2'] }).size).toBe(2);
  expect(hostNames({ hosts: undefined }).size).toBe(0);
});

it.each([
  '=192.0.2.1',
  'a.test=b.test',
  'a..test=192.0.2.1',
  `${'a'.repeat(64)}=192.0.2.1`,
  `${'a.'.repeat(127)}=192.0.2.1`.replace('a.a.', 'aaaa.'),
  'a.test=192.0.2.1,',
])('refuses %s', (value) => {
  expect(thrownBy(() => hostNames({ hosts: [value] }))).toMatchObject({
    kind: 'usage',
    what: `cannot use --hosts=${value}`,
    why: expect.stringContaining('must have the form NAME=ADDRESS') as string,
  });
});

it('reads the address of the DNS listener', () => {
  const read = (text: string | undefined, isOpen = false) =>
    dnsListen({ 'dns-listen': text, 'allow-open': isOpen });
  expect(read('5353')).toEqual({ host: '127.0.0.1', port: 5353 });
  expect(read(undefined)).toBeUndefined();
  expect(read('')).toBeUndefined();
  expect(thrownBy(() => read('0.0.0.0:53'))).toMatchObject({
    kind: 'usage',
    what: 'cannot listen on 0.0.0.0 (--dns-listen)',
    why: expect.stringContaining('look up names as this SIM') as string,
  });
  expect(read('0.0.0.0:53', true)).toEqual({ host: '0.0.0.0', port: 53 });
});
