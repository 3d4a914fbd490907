/** The pool over real tunnels, in virtual time: twenty sandboxes find a SIM each, and keep it. */
import { text } from 'node:stream/consumers';

import { SandboxDialer } from '../../../src/lambda/sandbox-dialer.js';
import type { Dialer } from '../../../src/proxy/dialer.js';
import { abortListeners } from '../../support/abort-listeners.js';
import { atLength, itInRelease } from '../../support/runner/tier.js';
import { type Sandbox, Sandboxes, SERVICE, type SandboxesOptions } from '../../pool/sandboxes.js';

const TARGET = { host: SERVICE, port: 80 };

async function started(count: number, options: SandboxesOptions, stagger = 0): Promise<Sandboxes> {
  const world = new Sandboxes(options);
  await world.open();
  for (let serial = 0; serial < count; serial++) {
    await world.start();
    if (stagger > 0) await world.pass(stagger);
  }
  return world;
}

/** The invariant of each case: accepted messages have arrived, and once. */
async function closeIntact(world: Sandboxes): Promise<void> {
  expect(world.lost).toEqual([]);
  expect(world.twice).toEqual([]);
  await world.close();
}

const STARTS: readonly (readonly [how: string, seed: number, stagger: number])[] = [
  ['one after the other', 3, 700],
  ['at once', 1, 0],
];

it.each(STARTS.slice(0, atLength({ short: 1, long: 2 })))(
  'twenty sandboxes that start %s each have their own of forty SIMs within 120 s (seed %i)',
  async (_, seed, stagger) => {
    const world = await started(20, { seed, sims: 40, interval: 2_000 }, stagger);
    await world.pass(120_000 - 20 * stagger);
    expect(world.alone).toBe(20);
    // Open connections had time to finish at a move.
    expect(world.sandboxes.flatMap(({ failed }) => failed)).toEqual([]);
    expect(world.sandboxes.every(({ tunnel }) => tunnel.isSettled)).toBe(true);
    await closeIntact(world);
  },
  60_000,
);

it('eight sandboxes keep their SIMs for as long as they run', async () => {
  const world = await started(8, { seed: 4, sims: 16, interval: 2_000 });
  await world.pass(120_000);
  const sims = world.sandboxes.map(({ tunnel }) => tunnel.sim);
  const { moves } = world;
  expect(world.alone).toBe(8);
  await world.pass(atLength({ short: 60_000, long: 600_000 }));
  expect(world.sandboxes.map(({ tunnel }) => tunnel.sim)).toEqual(sims);
  expect(world.moves).toBe(moves);
  await closeIntact(world);
}, 60_000);

it('a sandbox that was frozen for 10 minutes tries its own SIM first, and leaves it if it is in use', async () => {
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
  // It has the remaining SIM, and no other sandbox has moved.
  expect(frozen.tunnel.sim).toBe(leaving.tunnel.sim);
  expect(users.map(({ tunnel }) => tunnel.moves)).toEqual(before);
  await closeIntact(world);
}, 60_000);

itInRelease(
  'a sandbox that was frozen keeps its SIM if it detects no rival',
  async () => {
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
  },
  60_000,
);

it('six sandboxes on three SIMs share them: messages take turns, and moves are rare', async () => {
  const world = await started(6, { seed: 7, sims: 3, interval: 2_000 });
  await world.pass(240_000);
  const { moves } = world;
  await world.pass(240_000);
  // Rounds of two moves, separated by pauses of a minute and more.
  expect(world.moves - moves).toBeLessThanOrEqual(6 * 2 * 3);
  for (const { accepted, failed } of world.sandboxes) {
    expect(accepted.length).toBeGreaterThan(50);
    expect(failed.length).toBeLessThan(10);
  }
  await closeIntact(world);
}, 60_000);

/** Sends a message, and reads the answer to its end. */
async function exchange(dialer: Dialer, message: string): Promise<string> {
  const stream = await dialer.dial(TARGET);
  stream.end(message);
  return text(stream);
}

/** The request of an invocation, as the extension makes it: within 3 s, or not at all. */
async function request(world: Sandboxes, dialer: SandboxDialer): Promise<string> {
  let outcome = 'nothing';
  dialer.renewPatience();
  dialer.dial(TARGET).then(
    (stream) => {
      outcome = 'connected';
      stream.destroy();
    },
    (error: unknown) => (outcome = String(error)),
  );
  await world.pass(4_000);
  return outcome;
}

/** The extension's dialer over the tunnel of a sandbox that posts nothing by itself. */
async function extension(world: Sandboxes, first?: number) {
  await world.open();
  const { tunnel } = await world.start({ isIdle: true, first });
  const dialer = new SandboxDialer(3_000, world.clock, world.wallClock);
  dialer.open(tunnel);
  return { tunnel, dialer };
}

describe('a SIM that gets no answer', () => {
  it('is replaced by one that answers, by each request that waits for a handshake', async () => {
    const world = new Sandboxes({ seed: 8, sims: 4, interval: 2_000, terminated: 3 });
    const { tunnel, dialer } = await extension(world, 3);
    const outcomes: string[] = [];
    for (let serial = 0; serial < 5; serial++) outcomes.push(await request(world, dialer));
    expect(outcomes.slice(3)).toEqual(['connected', 'connected']);
    expect(tunnel.sim).toBe(0);
    await closeIntact(world);
  });

  it('is replaced after the third failed wait if it was answered before', async () => {
    const world = new Sandboxes({ seed: 9, sims: 2, interval: 2_000 });
    const { tunnel, dialer } = await extension(world, 0);
    expect(await request(world, dialer)).toBe('connected');
    world.terminate(0);
    await world.pass(200_000);
    const sims: number[] = [];
    for (let serial = 0; serial < 3; serial++) {
      await request(world, dialer);
      sims.push(tunnel.sim);
    }
    expect(sims).toEqual([0, 0, 1]);
    expect(await request(world, dialer)).toBe('connected');
    await closeIntact(world);
  });

  it('has time to answer: requests too late to wait do not count', async () => {
    const world = new Sandboxes({ seed: 8, sims: 9, interval: 2_000, terminated: 9 });
    const { tunnel, dialer } = await extension(world);
    await request(world, dialer);
    for (let serial = 0; serial < 20; serial++) {
      dialer.dial(TARGET).catch(() => undefined);
      await world.pass(40);
    }
    expect(tunnel.moves).toBe(1);
    await closeIntact(world);
  });

  it('does not cause endless moves: if none is answered, there is one round, and a pause', async () => {
    const world = new Sandboxes({ seed: 10, sims: 3, interval: 2_000, terminated: 3 });
    const { tunnel, dialer } = await extension(world);
    for (let serial = 0; serial < 150; serial++) await request(world, dialer);
    // Ten minutes: rounds of two moves, with pauses of 1, 2, 4 and 8 minutes.
    expect(tunnel.moves).toBeGreaterThan(2);
    expect(tunnel.moves).toBeLessThanOrEqual(2 * 4);
    await closeIntact(world);
  });
});

describe('a move', () => {
  /** A sandbox that waits for a slow answer, and detects a rival on its SIM meanwhile: it moves. */
  async function moving() {
    const world = new Sandboxes({ seed: 14, sims: 2, interval: 2_000 });
    const { tunnel } = await extension(world, 0);
    let begun = 0;
    tunnel.onMoving(() => begun++);
    const outcomes: string[] = [];
    const post = (message: string, { tunnel: { dialer: of } }: Pick<Sandbox, 'tunnel'>): void => {
      exchange(of, message).then(
        (answer) => outcomes.push(`${message}: ${answer}`),
        (error: unknown) => outcomes.push(`${message}: ${String(error)}`),
      );
    };
    post('slow', { tunnel });
    await world.pass(500);
    const rival = await world.start({ isIdle: true, first: 0 });
    post('rival', rival);
    await world.pass(500);
    for (let serial = 0; begun === 0; serial++) {
      post(`${serial}`, { tunnel });
      await world.pass(1_100);
    }
    return { world, tunnel, outcomes };
  }

  it('lets open connections finish', async () => {
    const { world, tunnel, outcomes } = await moving();
    await world.pass(10_000);
    expect(tunnel.moves).toBe(1);
    expect(outcomes).toContain('slow: 200');
    expect(outcomes.filter((outcome) => !outcome.endsWith(': 200'))).toEqual([]);
    await closeIntact(world);
  });

  it('leaves the tunnel on its SIM if it fails, loses no message, and is retried', async () => {
    const { world, tunnel, outcomes } = await moving();
    const reconfigure = tunnel.tunnel.reconfigure.bind(tunnel.tunnel);
    let refused = 0;
    tunnel.tunnel.reconfigure = () => {
      refused++;
      return Promise.reject(new Error('address: EPERM'));
    };
    const post = (message: string): void => {
      exchange(tunnel.dialer, message).then(
        (answer) => outcomes.push(`${message}: ${answer}`),
        (error: unknown) => outcomes.push(`${message}: ${String(error)}`),
      );
    };
    // The message waits for the move.
    post('waiting');
    await world.pass(10_000);
    expect(refused).toBe(1);
    expect([tunnel.sim, tunnel.moves]).toEqual([0, 0]);
    expect(outcomes).toContain('waiting: 200');

    tunnel.tunnel.reconfigure = reconfigure;
    const rival = await world.start({ isIdle: true, first: 0 });
    for (let serial = 0; tunnel.moves === 0 && serial < 100; serial++) {
      const stream = exchange(rival.tunnel.dialer, `rival ${serial}`);
      stream.catch(() => undefined);
      post(`after ${serial}`);
      await world.pass(1_100);
    }
    expect([tunnel.sim, tunnel.moves]).toEqual([1, 1]);
    await world.pass(10_000);
    expect(outcomes.filter((outcome) => !outcome.endsWith(': 200'))).toEqual([]);
    await closeIntact(world);
  });

  it('leaves no listener on the signal of a dial that waits for it', async () => {
    const { world, tunnel } = await moving();
    const patience = new AbortController();
    const dials = Array.from({ length: 5 }, () => tunnel.dialer.dial(TARGET, patience.signal));
    await world.pass(40);
    expect(abortListeners(patience)).toBe(5);
    await world.pass(10_000);
    for (const stream of await Promise.all(dials)) stream.destroy();
    expect(abortListeners(patience)).toBe(0);
    await world.close();
  });

  it('does not delay a request beyond its timeout', async () => {
    const { world, tunnel } = await moving();
    let reason: unknown;
    const patience = new AbortController();
    tunnel.dialer.dial(TARGET, patience.signal).catch((error: unknown) => (reason = error));
    await world.pass(100);
    patience.abort(new Error('late'));
    await world.pass(40);
    expect(tunnel.moves).toBe(0);
    expect(reason).toEqual(new Error('late'));
    await world.close();
  });

  it('does not keep a tunnel from closing', async () => {
    const { world, tunnel } = await moving();
    let isClosed = false;
    void tunnel.close({ gracePeriod: 0 }).then(() => (isClosed = true));
    await world.pass(200);
    expect(isClosed).toBe(true);
    expect(tunnel.moves).toBe(0);
    await world.close();
  });
});
