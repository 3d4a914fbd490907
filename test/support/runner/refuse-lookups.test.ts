import dns from 'node:dns';

import { refuseLookups } from './refuse-lookups.js';

let restore: (() => void) | undefined;
afterEach(() => restore?.());

it('refuses names that would be queried, also if another module looks them up', async () => {
  restore = refuseLookups();
  expect(() => dns.lookup('uni.soracom.io', () => undefined)).toThrow(
    'a query for uni.soracom.io would leave this machine',
  );
  await expect(fetch('http://uni.soracom.io/')).rejects.toMatchObject({
    cause: { message: 'a query for uni.soracom.io would leave this machine' },
  });
  expect(() => dns.promises.lookup('uni.soracom.io')).toThrow('would leave this machine');
});

it('passes on addresses, localhost, and names that do not exist in DNS', async () => {
  restore = refuseLookups();
  expect(await dns.promises.lookup('127.0.0.1')).toMatchObject({ address: '127.0.0.1' });
  expect(await dns.promises.lookup('localhost')).toHaveProperty('address');
  await expect(dns.promises.lookup(`${'x'.repeat(64)}.test`)).rejects.toMatchObject({
    syscall: 'getaddrinfo',
  });
});

it('restores the functions', () => {
  const { lookup } = dns;
  refuseLookups()();
  expect(dns.lookup).toBe(lookup);
});
