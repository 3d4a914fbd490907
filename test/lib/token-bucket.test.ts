import { TokenBucket } from '../../src/lib/token-bucket.js';

function taken(bucket: TokenBucket, tries: number, now: number): number {
  let count = 0;
  for (let index = 0; index < tries; index++) if (bucket.take(now)) count++;
  return count;
}

it('allows the burst, then the rate, and saves no more than the burst', () => {
  const bucket = new TokenBucket(10, 5, 0);
  expect(taken(bucket, 10, 0)).toBe(5);
  expect(taken(bucket, 10, 99)).toBe(0);
  expect(taken(bucket, 10, 200)).toBe(2);
  expect(taken(bucket, 100, 100_000)).toBe(5);
});

it('accepts a token back, but saves no more than the burst', () => {
  const bucket = new TokenBucket(10, 5, 0);
  bucket.giveBack();
  expect(taken(bucket, 10, 0)).toBe(5);
  bucket.giveBack();
  expect(taken(bucket, 10, 0)).toBe(1);
});
