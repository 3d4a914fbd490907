/** The pool over real tunnels, in virtual time: twenty sandboxes find a SIM each, and keep it. */
import { type Sandbox, Sandboxes, type SandboxesOptions } from '../pool/sandboxes.js';

async function started(count: number, options: SandboxesOptions, stagger = 0): Promise<Sandboxes> {
  const world = new Sandboxes(options);
  await world.open();
  for (let serial = 0; serial < count; serial++) {
    await world.start();
    if (stagger > 0) await world.pass(stagger);
  }
  return world;
}

/** What holds in each case: what was accepted has arrived, and once. */
async function closeIntact(world: Sandboxes): Promise<void> {
  expect(world.lost).toEqual([]);
  expect(world.twice).toEqual([]);
  await world.close();
}

it.each([
  ['at once', 1, 0],
  ['one after the other', 3, 700],
])(
  'twenty sandboxes that start %s are alone on forty SIMs in 120 s (seed %i)',
  async (_, seed, stagger) => {
    const world = await started(20, { seed, sims: 40, interval: 2_000 }, stagger);
    await world.pass(120_000 - 20 * stagger);
    expect(world.alone).toBe(20);
    // What was under way at a move had the time to end.
    expect(world.sandboxes.flatMap(({ failed }) => failed)).toEqual([]);
    expect(world.sandboxes.every(({ tunnel }) => tunnel.isSettled)).toBe(true);
    await closeIntact(world);
  },
  60_000,
);

it('eight keep theirs for 10 minutes', async () => {
  const world = await started(8, { seed: 4, sims: 16, interval: 2_000 });
  await world.pass(120_000);
  const sims = world.sandboxes.map(({ tunnel }) => tunnel.sim);
  const { moves } = world;
  expect(world.alone).toBe(8);
  await world.pass(600_000);
  expect(world.sandboxes.map(({ tunnel }) => tunnel.sim)).toEqual(sims);
  expect(world.moves).toBe(moves);
  await closeIntact(world);
}, 60_000);

it('who was frozen for 10 minutes tries its own SIM first, and leaves it to whom it finds there', async () => {
  const world = await started(3, { seed: 5, sims: 4, interval: 1_000 });
  await world.pass(60_000);
  const [frozen, leaving, staying] = world.sandboxes as [Sandbox, Sandbox, Sandbox];
  const own = frozen.tunnel.sim;
  frozen.freeze();
  const users = [staying, await world.start(), await world.start()];
  await world.pass(540_000);
  leaving.stop();
  expect(users.map(({ tunnel }) => tunnel.sim)).toContain(own);
  const before = users.map(({ tunnel }) => tunnel.moves);
  frozen.thaw();
  expect(frozen.tunnel.sim).toBe(own);
  await world.pass(60_000);
  // It has the one that was left, and nobody else has moved.
  expect(frozen.tunnel.sim).toBe(leaving.tunnel.sim);
  expect(users.map(({ tunnel }) => tunnel.moves)).toEqual(before);
  await closeIntact(world);
}, 60_000);

it('who was frozen and finds nobody stays', async () => {
  const world = await started(3, { seed: 6, sims: 6, interval: 1_000 });
  await world.pass(60_000);
  const sims = world.sandboxes.map(({ tunnel }) => tunnel.sim);
  const accepted = world.sandboxes[0]!.accepted.length;
  world.sandboxes[0]!.freeze();
  await world.pass(600_000);
  world.sandboxes[0]!.thaw();
  await world.pass(10_000);
  expect(world.sandboxes[0]!.accepted.length).toBeGreaterThan(accepted + 3);
  await world.pass(60_000);
  expect(world.sandboxes.map(({ tunnel }) => tunnel.sim)).toEqual(sims);
  await closeIntact(world);
}, 60_000);

it('six sandboxes on three SIMs share them: messages take turns, and moves are rare', async () => {
  const world = await started(6, { seed: 7, sims: 3, interval: 2_000 });
  await world.pass(240_000);
  const { moves } = world;
  await world.pass(240_000);
  // Rounds of two moves, between pauses of a minute and more.
  expect(world.moves - moves).toBeLessThanOrEqual(6 * 2 * 3);
  for (const { accepted, failed } of world.sandboxes) {
    expect(accepted.length).toBeGreaterThan(50);
    expect(failed.length).toBeLessThan(10);
  }
  await closeIntact(world);
}, 60_000);
