import { atLength } from '../support/runner/tier.js';
import { Sandboxes } from './sandboxes.js';

const COUNT = atLength({ short: 4, long: 20 });
const SECONDS = atLength({ short: 60, long: 120 });

it(`gives each of ${COUNT} sandboxes its own SIM of ${2 * COUNT} within ${SECONDS} s, and loses nothing`, async () => {
  const world = new Sandboxes({ seed: 1, sims: 2 * COUNT, interval: 1_000 });
  await world.open();
  for (let serial = 0; serial < COUNT; serial++) await world.start();
  for (let second = 0; second < SECONDS; second += 5) await world.pass(5_000);
  expect(world.alone).toBe(COUNT);
  expect(world.lost).toEqual([]);
  expect(world.twice).toEqual([]);
  for (const { accepted } of world.sandboxes) expect(accepted.length).toBeGreaterThan(SECONDS / 4);
  await world.close();
});
