import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { TurnClock } from '../../../bench/support/turn-clock.js';
import { describeWith } from '../../support/runner/requirements.js';

interface Turns {
  id: number;
  count: number;
  longest: number;
  p999: number;
  over: number;
}

/**
 * Uses the CPU for at least this long, because wall-clock time includes other processes. Call it in an
 * immediate: a timer can fire before the first wait, and the clock starts only then.
 */
const BUSY = `function busy(ms) {
  const used = () => { const { user, system } = process.cpuUsage(); return user + system; };
  for (const start = used(); used() - start < ms * 1_000;);
}`;

describeWith(['linux', 'cc'], 'the clock of turns', () => {
  let folder: string;
  let clock: TurnClock;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-turns-'));
    clock = new TurnClock(folder);
  });
  afterEach(() => {
    clock.close();
    rmSync(folder, { recursive: true });
  });

  /** Returns the turns of the main thread of a program, and of its other threads. */
  function turnsOf(program: string) {
    const around = clock.around([process.execPath, '-e', BUSY + program]) as string[];
    const [command, ...parameters] = around;
    const { pid, status } = spawnSync(command!, parameters);
    expect(status).toBe(0);
    const threads: Turns[] = clock.read();
    const main = threads.find(({ id }) => id === pid);
    return { main: main!, others: threads.filter(({ id }) => id !== pid) };
  }

  it('finds a turn of much CPU time, and none in a turn that waits', () => {
    expect(() => clock.check()).not.toThrow();
  });

  it('counts each turn over the limit, and all turns', () => {
    const turns = 6;
    const { main } = turnsOf(`let left = ${turns}; const next = () => {
      if (left-- === 0) return;
      busy(30);
      setImmediate(next);
    };
    setImmediate(next);`);
    expect(main.over).toBe(turns);
    expect(main.count).toBeGreaterThanOrEqual(turns);
    // The longest of so few turns is also the quantile.
    expect(main.p999).toBe(main.longest);
  });

  it('finds the quantile of many turns', () => {
    // Only one of 1,500 turns is long.
    const { main } = turnsOf(`let left = 1_500; const next = () => {
      if (left === 200) busy(60);
      if (--left > 0) setTimeout(next, 0);
    };
    next();`);
    expect(main.longest).toBeGreaterThan(20);
    expect(main.p999).toBeLessThan(20);
  });

  it('counts the turn of a worker only in the worker, while the main thread waits', () => {
    const { main, others } = turnsOf(`
      const { Worker } = require('node:worker_threads');
      const flags = new Int32Array(new SharedArrayBuffer(8));
      const work = \`setImmediate(() => {
        const flags = require('node:worker_threads').workerData;
        Atomics.wait(flags, 0, 0);
        busy(200);
        Atomics.store(flags, 1, 1);
        Atomics.notify(flags, 1);
        setImmediate(() => undefined);
      });\`;
      new Worker(busy.toString() + work, { eval: true, workerData: flags }).on('online', () => {
        Atomics.store(flags, 0, 1);
        Atomics.notify(flags, 0);
        Atomics.wait(flags, 1, 0);
      });`);
    const longest = Math.max(...others.map((thread) => thread.longest));
    expect(longest).toBeGreaterThan(100);
    expect(main.longest).toBeLessThan(longest / 2);
  });

  it('forgets the turns before a reset', () => {
    turnsOf(`setImmediate(() => { busy(30); setImmediate(() => undefined); });`);
    expect(clock.read()).not.toEqual([]);
    clock.reset();
    expect(clock.read()).toEqual([]);
  });
});
