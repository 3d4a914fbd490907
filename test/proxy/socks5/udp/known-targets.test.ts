import { KnownTargets } from '../../../../src/proxy/socks5/udp/known-targets.js';

const address = (index: number) => Uint8Array.of(10, 0, index >> 8, index & 0xff);
const IPV6 = new Uint8Array(16).fill(1);

it('lets only those hosts answer to which the client has sent', () => {
  const targets = new KnownTargets();
  targets.note(address(1), 0);
  targets.note(IPV6, 0);
  expect(targets.mayAnswer(address(1), 1)).toBe(true);
  expect(targets.mayAnswer(IPV6.slice(), 1)).toBe(true);
  expect(targets.mayAnswer(address(2), 1)).toBe(false);
  expect(targets.mayAnswer(new Uint8Array(16), 1)).toBe(false);
});

it('forgets a host after 60 s without a datagram in either direction', () => {
  const targets = new KnownTargets();
  targets.note(address(1), 0);
  expect(targets.mayAnswer(address(1), 59_999)).toBe(true);
  expect(targets.mayAnswer(address(1), 119_998)).toBe(true);
  expect(targets.mayAnswer(address(1), 179_998)).toBe(false);
});

it('keeps the 256 hosts that were used last', () => {
  const targets = new KnownTargets();
  for (let index = 0; index < 256; index++) targets.note(address(index), index);
  targets.note(address(0), 256);
  targets.note(address(1000), 257);
  expect(targets.mayAnswer(address(0), 258)).toBe(true);
  expect(targets.mayAnswer(address(1), 258)).toBe(false);
  expect(targets.mayAnswer(address(2), 258)).toBe(true);
  expect(targets.mayAnswer(address(1000), 258)).toBe(true);
});
