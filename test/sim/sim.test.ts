/** A short simulation, and proof that each invariant detects a fault. */
import { createNodeCrypto } from '../../src/crypto/node.js';
import { selectCrypto } from '../../src/crypto/select.js';
import { loadLibc } from '../../src/system/linux/libc.js';
import { atLength } from '../support/runner/tier.js';
import { FAULTS } from './faulty-devices.js';
import { Violation } from './invariant.js';
import { Simulation } from './simulation.js';

const crypto = await selectCrypto(await loadLibc());

it.each(atLength({ short: [1], long: [1, 2, 3] }))(
  'seed %i runs for its hours without violations, on both backends alike',
  (seed) => {
    const run = (backend: typeof crypto) =>
      new Simulation({ seed, hours: 1, crypto: backend }).run();
    const { figures, hoursWithTraffic, digest } = run(crypto);
    expect(hoursWithTraffic).toBe(1);
    expect(figures['packets-delivered']).toBeGreaterThan(5_000);
    expect(figures.recoveries).toBeGreaterThan(0);
    expect(run(createNodeCrypto()).digest).toBe(digest);
  },
);

it('rekeys as the formula predicts, wipes keys, and is silent for an idle hour', () => {
  const scenario = { persistentKeepalives: { alice: 0, bob: 0 } };
  const kinds = ['steady', 'idle'] as const;
  const { figures } = new Simulation({ seed: 5, hours: 2, crypto, kinds, scenario }).run();
  // A rekey slightly more than every 120 s, for 57.5 minutes.
  expect([figures.rekeys, figures['rekeys-by-formula']]).toEqual([28, 28]);
  expect(figures['silent-hours']).toBe(1);
  expect(figures['keys-zeroed']).toBeGreaterThanOrEqual(4);
});

describe('a device that', () => {
  it.each(FAULTS)('$fault is detected', ({ invariant, kind, seed = 7, ...options }) => {
    const kinds = kind === 'idle' ? (['steady', 'idle'] as const) : [kind];
    const simulation = new Simulation({ seed, hours: 6, crypto, kinds, ...options });
    let violation;
    try {
      simulation.run();
    } catch (error) {
      violation = error;
    }
    expect(violation).toBeInstanceOf(Violation);
    expect(violation).toMatchObject({ invariant });
  });
});
