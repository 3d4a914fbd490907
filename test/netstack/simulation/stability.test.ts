import { type ManyStreamsResult, runManyStreams } from '../../support/many-streams.js';

/** 50 streams each way at 2 % loss through 20 Mbit/s with 40 ms of round trip. */
function run(congestion: 'bbr' | 'cubic', duration: number): ManyStreamsResult {
  return runManyStreams({
    connections: 50,
    warmUp: 10_000,
    duration,
    link: { congestion, loss: 0.02, rate: 2500, delay: 20, seed: 5 },
  });
}

it('lets 50 streams each way share a bad link fairly, and none stand still (cubic)', () => {
  const result = run('cubic', 40_000);
  expect(result).toMatchObject({ isEstablished: true, wrong: 0 });
  expect(result.longestStall).toBeLessThan(3);
  expect(Math.max(...result.unfairness)).toBeLessThan(2);
  expect(Math.min(...result.goodput)).toBeGreaterThan(0.9 * 2500);
  expect(result.bufferBytes.at(-1)).toBeLessThan(1.1 * result.bufferBytes[0]!);
});

// BBR never has less than four segments in flight: 50 of them are more than the link and its queue
// hold, so that a fifth of all is lost.
it('keeps them all alive also where they are too many for it (bbr)', () => {
  const result = run('bbr', 20_000);
  expect(result).toMatchObject({ isEstablished: true, wrong: 0 });
  expect(result.longestStall).toBeLessThan(5);
  expect(Math.min(...result.goodput)).toBeGreaterThan(0.9 * 2500);
  expect(result.bufferBytes.at(-1)).toBeLessThan(1.1 * result.bufferBytes[0]!);
});
