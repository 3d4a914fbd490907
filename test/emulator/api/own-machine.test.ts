import { networkInterfaces } from 'node:os';

import { isOwnMachine } from '../../../src/emulator/api/own-machine.js';

const OWN = ['127.0.0.1', '192.0.2.5', '2001:db8::5', 'fe80::5'];

it.each([
  '127.0.0.1',
  '127.9.9.9',
  '::1',
  '::ffff:127.0.0.1',
  '192.0.2.5',
  '::ffff:192.0.2.5',
  '2001:db8::5',
  'fe80::5%eth0',
])('recognizes %s as this machine', (address) => {
  expect(isOwnMachine(address, OWN)).toBe(true);
});

it.each(['192.0.2.6', '::ffff:192.0.2.6', '2001:db8::6', 'fe80::6%eth0', '::', undefined])(
  'recognizes %s as another machine',
  (address) => {
    expect(isOwnMachine(address, OWN)).toBe(false);
  },
);

it('knows the addresses of this machine', () => {
  const addresses = Object.values(networkInterfaces()).flatMap((each = []) => each);
  for (const { address } of addresses) expect(isOwnMachine(address)).toBe(true);
  expect(isOwnMachine('192.0.2.6')).toBe(false);
});
