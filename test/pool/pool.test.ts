import { Sandboxes } from './sandboxes.js';

describe('twenty sandboxes on forty SIMs', () => {
  it.each([1])(
    'are each alone within 120 s, and stay so, seed %i',
    async (seed) => {
      const world = new Sandboxes({ seed, sims: 40, interval: 1_000 });
      await world.open();
      for (let n = 0; n < 20; n++) await world.start();
      const t0 = Date.now();
      for (let t = 0; t < 120; t += 5) {
        await world.pass(5_000);
        console.log(
          t + 5,
          world.alone,
          world.moves,
          Date.now() - t0,
          world.sandboxes.filter((s) => s.tunnel.isSettled).length,
        );
      }
      console.log(
        world.lost.length,
        world.twice.length,
        world.sandboxes.flatMap((s) => s.failed),
        world.sandboxes.reduce((s, x) => s + x.accepted.length, 0),
        Math.max(...world.sandboxes.flatMap((s) => s.latencies)),
      );
      await world.close();
    },
    300_000,
  );
});
