import { StrangerLimit } from '../../../src/wireguard/handshake/stranger-limit.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';

const endpoint = (address: string) => ({ address, port: 1 });
const FLOOD = endpoint('203.0.113.66');
const OTHER = endpoint('192.0.2.1');

function allowed(limit: StrangerLimit, source = FLOOD, hasMac2 = false, now = 0, tries = 30_000) {
  let count = 0;
  for (let index = 0; index < tries; index++) if (limit.allow(source, hasMac2, now)) count++;
  return count;
}

it('allows 2,048 messages at once, 16 more from the same group, and then 2,016 per second', () => {
  const limit = new StrangerLimit(seededEntropy(1));
  expect(allowed(limit)).toBe(2_048 + 16);
  expect(allowed(limit, FLOOD, false, 500)).toBe(1_000 + 8);
});

it('allows others 16 messages although one source uses up the shared limit', () => {
  const limit = new StrangerLimit(seededEntropy(1));
  allowed(limit);
  expect(allowed(limit, OTHER)).toBe(16);
});

it('counts an IPv6 /64 as one source', () => {
  const limit = new StrangerLimit(seededEntropy(1));
  allowed(limit, endpoint('2001:db8:0:1::1'));
  expect(allowed(limit, endpoint('2001:db8:0:1:ffff::2'))).toBe(0);
});

it('puts sources into other groups after a second', () => {
  const limit = new StrangerLimit(seededEntropy(1));
  const used = endpoint('198.51.100.0');
  const sharesGroup = Array.from({ length: 20 }, (_, second) => {
    allowed(limit, used, false, second * 1_000);
    return allowed(limit, OTHER, false, second * 1_000, 16) < 16;
  });
  expect(sharesGroup).toContain(false);
  expect(sharesGroup.lastIndexOf(true)).toBeLessThan(19);
});

it('limits messages with a mac2 separately, unless the mac2 is valid', () => {
  const limit = new StrangerLimit(seededEntropy(1));
  allowed(limit);
  for (let count = 0; count < 10_000; count++) {
    expect(limit.allow(FLOOD, true, 0)).toBe(true);
    limit.provedMac2();
  }
  expect(allowed(limit, FLOOD, true)).toBe(1_024);
});
