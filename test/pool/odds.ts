/**
 * `npm run pool:odds -- --sandboxes 20 --sims 40 --seeds 50 --interval 1000`: how likely all sandboxes
 * have a SIM of their own after so many seconds, in virtual time. Prints a row for
 * docs/decisions/0014-one-sim-per-sandbox.md.
 */
import { parseArgs } from 'node:util';

import { Sandboxes } from './sandboxes.js';

const MOMENTS = [15, 30, 60, 90, 120];

const { values } = parseArgs({
  options: {
    sandboxes: { type: 'string', default: '20' },
    sims: { type: 'string', default: '40' },
    seeds: { type: 'string', default: '20' },
    /** Approximate milliseconds between two messages of one sandbox. */
    interval: { type: 'string', default: '1000' },
    /** Milliseconds between the starts of two sandboxes. */
    stagger: { type: 'string', default: '0' },
  },
});
const [count, sims, seeds, interval, stagger] = [
  values.sandboxes,
  values.sims,
  values.seeds,
  values.interval,
  values.stagger,
].map(Number) as [number, number, number, number, number];

const settled: number[] = [];
let [moves, failed, accepted, lost] = [0, 0, 0, 0];
for (let seed = 1; seed <= seeds; seed++) {
  const world = new Sandboxes({ seed, sims, interval });
  await world.open();
  for (let serial = 0; serial < count; serial++) {
    await world.start();
    if (stagger > 0) await world.pass(stagger);
  }
  let aloneFrom = 0;
  for (let second = 1; second <= MOMENTS.at(-1)!; second++) {
    await world.pass(1_000);
    if (world.alone < count) aloneFrom = second;
  }
  settled.push(aloneFrom);
  moves += world.moves;
  failed += world.sandboxes.reduce((sum, sandbox) => sum + sandbox.failed.length, 0);
  accepted += world.sandboxes.reduce((sum, sandbox) => sum + sandbox.accepted.length, 0);
  lost += world.lost.length;
  await world.close();
}
const odds = MOMENTS.map((moment) => {
  const share = settled.filter((aloneFrom) => aloneFrom < moment).length / seeds;
  return `${moment} s ${Math.round(share * 100)} %`;
});
const perSandbox = (moves / seeds / count).toFixed(1);
console.log(
  `${count} on ${sims}, each ${interval} ms, ${stagger} ms apart, ${seeds} seeds: all alone after ${odds.join(', ')}; ` +
    `${perSandbox} moves each; ${accepted} accepted, ${failed} refused, ${lost} lost`,
);
