/** Cases based on the kernel's selftest/ratelimiter.c. */
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { RateLimiter } from '../../../src/wireguard/handshake/rate-limiter.js';

function burst(limiter: RateLimiter, address: string, now: number, count = 10): number {
  let allowed = 0;
  for (let index = 0; index < count; index++) {
    if (limiter.allow(parseIpAddress(address)!, now)) allowed++;
  }
  return allowed;
}

it('allows five at once, then one per 50 ms', () => {
  const limiter = new RateLimiter();
  expect(burst(limiter, '192.0.2.1', 0)).toBe(5);
  expect(burst(limiter, '192.0.2.1', 49)).toBe(0);
  expect(burst(limiter, '192.0.2.1', 50)).toBe(1);
  expect(burst(limiter, '192.0.2.1', 150)).toBe(2);
  expect(burst(limiter, '192.0.2.1', 1_000)).toBe(5);
});

it('allows 20 a second on average', () => {
  const limiter = new RateLimiter();
  let allowed = 0;
  for (let now = 0; now < 10_000; now += 5) allowed += burst(limiter, '192.0.2.1', now, 1);
  expect(allowed).toBe(5 + 199);
});

it('separates sources: IPv4 by address, IPv6 by /64', () => {
  const limiter = new RateLimiter();
  expect(burst(limiter, '192.0.2.1', 0)).toBe(5);
  expect(burst(limiter, '192.0.2.2', 0)).toBe(5);
  expect(burst(limiter, '2001:db8::1', 0)).toBe(5);
  expect(burst(limiter, '2001:db8::ffff:1:2:3', 0)).toBe(0);
  expect(burst(limiter, '2001:db8:0:1::1', 0)).toBe(5);
  expect(burst(limiter, '::ffff:192.0.2.1', 0)).toBe(5);
  expect(burst(limiter, '::ffff:192.0.2.2', 0)).toBe(5);
});

it.each([
  ['::1', '::2'],
  ['::ff00:0:1', '::ff00:0:2'],
  ['::ff:0:1', '::ff:0:2'],
  ['2001:db8::ffff:192.0.2.1', '2001:db8::ffff:192.0.2.2'],
  ['0:0:0:0:1:ffff:192.0.2.1', '0:0:0:0:1:ffff:192.0.2.2'],
])('%s and %s are one source, since neither is a mapped IPv4 address', (first, second) => {
  const limiter = new RateLimiter();
  expect(burst(limiter, first, 0)).toBe(5);
  expect(burst(limiter, second, 0)).toBe(0);
});

it('separates sources that are not addresses', () => {
  const limiter = new RateLimiter();
  const [first, second] = ['gateway-01', 'gateway-02'].map((text) =>
    new TextEncoder().encode(text),
  );
  for (let index = 0; index < 5; index++) expect(limiter.allow(first!, 0)).toBe(true);
  expect(limiter.allow(first!, 0)).toBe(false);
  expect(limiter.allow(second!, 0)).toBe(true);
});

it('remembers a bounded number of sources, and forgets them after a second', () => {
  const limiter = new RateLimiter();
  for (let index = 0; index < 10_000; index++) {
    limiter.allow(Uint8Array.of(10, 0, index >> 8, index), 0);
  }
  expect(limiter.size).toBe(8_192);
  expect(burst(limiter, '192.0.2.1', 999)).toBe(0);
  expect(burst(limiter, '192.0.2.1', 1_000)).toBe(5);
  expect(limiter.size).toBe(1);
});
