/**
 * A short simulation, and proof that each invariant detects the faults that it is responsible for.
 */
import { createNodeCrypto } from '../../src/crypto/node.js';
import { selectCrypto } from '../../src/crypto/select.js';
import { loadLibc } from '../../src/system/linux/libc.js';
import { atLength } from '../support/runner/tier.js';
import { BROKEN_DEVICES } from './broken-devices.js';
import { runCommand } from './command.js';
import { Violation } from './invariant.js';
import { parseOptions } from './options.js';
import { planHour } from './plan.js';
import { Simulation, type SimulationOptions } from './simulation.js';

const crypto = await selectCrypto(await loadLibc());

function violationOf(options: Omit<SimulationOptions, 'crypto'>): Violation | undefined {
  try {
    new Simulation({ ...options, crypto }).run();
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
}

const HOURS = atLength({ short: 1, long: 2 });

it.each(atLength({ short: [1], long: [1, 2, 3] }))(
  'seed %i runs for its hours without violations',
  (seed) => {
    const { figures, hoursWithTraffic } = new Simulation({ seed, hours: HOURS, crypto }).run();
    expect(hoursWithTraffic).toBeGreaterThanOrEqual(1);
    expect(figures['packets-delivered']).toBeGreaterThan(5_000);
    expect(figures.recoveries).toBeGreaterThan(0);
  },
);

it('rekeys in an hour of steady traffic as the formula predicts', () => {
  const options = { seed: 4, hours: HOURS, crypto, kinds: ['steady'] as const };
  const { figures } = new Simulation(options).run();
  expect(figures['steady-hours']).toBe(HOURS);
  expect(figures.rekeys).toBe(figures['rekeys-by-formula']);
  // A rekey slightly more than every 120 s, for 57.5 minutes of each hour.
  expect(Math.floor(figures.rekeys! / HOURS)).toBe(28);
});

it('observes wiped keys and an hour of silence', () => {
  const scenario = { persistentKeepalives: { alice: 0, bob: 0 } };
  const kinds = ['steady', 'idle'] as const;
  const { figures } = new Simulation({ seed: 5, hours: 2, crypto, kinds, scenario }).run();
  expect(figures['silent-hours']).toBe(1);
  expect(figures['keys-zeroed']).toBeGreaterThanOrEqual(4);
});

it('observes persistent keepalives at their interval', () => {
  const scenario = { persistentKeepalives: { alice: 25_000, bob: 0 } };
  const kinds = ['steady', 'idle'] as const;
  const { figures } = new Simulation({ seed: 5, hours: 2, crypto, kinds, scenario }).run();
  expect(figures['silent-hours']).toBe(0);
  expect(figures['keepalives-on-time']).toBeGreaterThan(100);
});

it('runs identically each time, on both backends', () => {
  const run = (backend: typeof crypto): string =>
    new Simulation({ seed: 6, hours: 1, crypto: backend }).run().digest;
  expect(run(createNodeCrypto())).toBe(run(crypto));
});

it('plans each hour independently of the length of the run, and never two idle hours in a row', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const kinds = Array.from({ length: 24 }, (_, index) => planHour(seed, index).kind);
    expect(kinds[0]).not.toBe('idle');
    kinds.forEach((kind, index) => {
      if (kind === 'idle') expect(kinds[index - 1]).not.toBe('idle');
    });
    expect(new Set(kinds).size).toBe(7);
  }
});

it('plans traffic in half of the hours', () => {
  const violation = violationOf({ seed: 1, hours: 2, kinds: ['idle'] });
  expect(violation?.invariant).toBe('traffic');
});

describe('a device that', () => {
  it.each(BROKEN_DEVICES)('$fault is detected', (broken) => {
    const { createDevice, kind, scenario, invariant, says } = broken;
    const kinds = kind === 'idle' ? (['steady', 'idle'] as const) : [kind];
    const options = { seed: 7, hours: 6, kinds, createDevice, ...(scenario && { scenario }) };
    const violation = violationOf(options);
    expect(violation?.message).toMatch(says);
    expect(violation?.invariant).toBe(invariant);
    expect(violation?.message).toMatch(/seed 7, virtual time \d\d:\d\d:\d\d\.\d{3}/);
  });
});

describe('the command', () => {
  async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
    const out: string[] = [];
    const err: string[] = [];
    const status = await runCommand(args, {
      print: (line) => out.push(line),
      printError: (line) => err.push(line),
      clock: () => 0,
      createDevice: BROKEN_DEVICES[0]!.createDevice,
    });
    return { status, out: out.join('\n'), err: err.join('\n') };
  }

  it('prints how to reproduce a failure, and the trace before it', async () => {
    const { status, err } = await run('--hours', '3', '--seed', '8', '--trace', '5');
    expect(status).toBe(1);
    expect(err).toContain('repeat: npm run sim -- --hours 3 --seed 8');
    expect(err).toContain('alice');
  });

  it.each([
    ['--hours', '0'],
    ['--hours', 'x'],
    ['--seed', '-1'],
    ['--seed', '1', '--seed', 'two'],
    ['--from-seed', ''],
    ['--seeds', '0'],
    ['--trace', '1.5'],
    ['--nonsense'],
    ['argument'],
  ])('rejects %s %s', async (...args) => {
    const { status, out, err } = await run(...args);
    expect(status).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('Usage: npm run sim');
  });

  it('prints its usage', async () => {
    const { status, out } = await run('--help');
    expect(status).toBe(0);
    expect(out).toContain('--from-seed A');
  });

  it('accepts single seeds and ranges', () => {
    expect(parseOptions(['--seed', '5', '--from-seed', '10', '--seeds', '3'])).toMatchObject({
      hours: 24,
      seeds: [5, 10, 11, 12],
    });
    expect(parseOptions([])).toMatchObject({ hours: 24, seeds: [1] });
  });
});
