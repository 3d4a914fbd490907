import { type ManyStreamsResult, runManyStreams } from '../../support/pairs/many-streams.js';
import { atLength } from '../../support/runner/tier.js';

/** Streams in each direction. A short run uses fewer streams and a proportionally slower link. */
const STREAMS = atLength({ short: 5, long: 50 });
/** Bytes a millisecond. */
const RATE = STREAMS * 50;

/** At 2 % loss and a round trip of 40 ms; 50 streams share 20 Mbit/s. */
function run(congestion: 'bbr' | 'cubic', duration: number): ManyStreamsResult {
  return runManyStreams({
    connections: STREAMS,
    warmUp: 10_000,
    duration,
    link: { congestion, loss: 0.02, rate: RATE, delay: 20, seed: 5 },
  });
}

it('streams in both directions share a bad link fairly without stalling (cubic)', () => {
  const result = run('cubic', 20_000);
  expect(result).toMatchObject({ isEstablished: true, wrong: 0 });
  expect(result.longestStall).toBeLessThan(3);
  expect(Math.max(...result.unfairness)).toBeLessThan(2);
  expect(Math.min(...result.goodput)).toBeGreaterThan(0.9 * RATE);
  expect(result.bufferBytes.at(-1)).toBeLessThan(1.1 * result.bufferBytes[0]!);
});

// BBR never has less than four segments in flight. All streams together exceed the link and its
// queue, so that a fifth of all segments is lost.
it('all streams survive even if they are too many for the link (bbr)', () => {
  const result = run('bbr', 10_000);
  expect(result).toMatchObject({ isEstablished: true, wrong: 0 });
  expect(result.longestStall).toBeLessThan(5);
  expect(Math.min(...result.goodput)).toBeGreaterThan(0.9 * RATE);
  expect(result.bufferBytes.at(-1)).toBeLessThan(1.1 * result.bufferBytes[0]!);
});
