/**
 * `npm run streams [-- MINUTES [Mbit/s]]`: 50 streams in each direction over a line with 2 % loss.
 */
import { runManyStreams } from '../support/pairs/many-streams.js';

const CONNECTIONS = 50;
const LONGEST_STALL = 3;
const UNFAIRNESS = 2;
const GROWTH = 1.1;

const [minutes = '10', rate = '100'] = process.argv.slice(2);
const bytesPerMs = (Number(rate) * 1e6) / 8 / 1000;

for (const congestion of ['bbr', 'cubic'] as const) {
  const began = performance.now();
  const result = runManyStreams({
    connections: CONNECTIONS,
    warmUp: 10_000,
    duration: Number(minutes) * 60_000,
    link: { congestion, loss: 0.02, rate: bytesPerMs, delay: 20, queueDelay: 50, seed: 1 },
  });
  const { longestStall, longestStallTime, unfairness, goodput, bufferBytes, wrong } = result;
  const [first = 0, last = 0] = [bufferBytes[0], bufferBytes.at(-1)];
  const share = goodput.map((octets) => `${((octets / bytesPerMs) * 100).toFixed(1)} %`);
  console.log(
    `${congestion}: ${CONNECTIONS} streams each way, ${minutes} min of ${rate} Mbit/s, RTT 40 ms, 2 % lost\n` +
      `  longest stall ${longestStall.toFixed(2)} RTO (${longestStallTime.toFixed(0)} ms)\n` +
      `  fastest by slowest ${unfairness.map((ratio) => ratio.toFixed(2)).join(' there, ')} back\n` +
      `  of the rate ${share.join(' there, ')} back\n` +
      `  buffers ${bufferBytes.map((octets) => (octets / 2 ** 20).toFixed(1)).join(', ')} MiB at most in each quarter\n` +
      `  ${((performance.now() - began) / 1000).toFixed(0)} s`,
  );
  const isGood =
    result.isEstablished &&
    wrong === 0 &&
    longestStall < LONGEST_STALL &&
    Math.max(...unfairness) < UNFAIRNESS &&
    last < GROWTH * first;
  if (!isGood) process.exitCode = 1;
}
