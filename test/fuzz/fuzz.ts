/** The run: cases drawn by weight, in sequence, against one device. */
import type { Crypto } from '../../src/crypto/crypto.js';
import { Random } from '../sim/random.js';
import { COOKIES } from './cases/cookies.js';
import { COUNTERS, PACKETS } from './cases/data.js';
import { GARBAGE } from './cases/garbage.js';
import { INITIATIONS, RESPONSES } from './cases/handshakes.js';
import { LOAD } from './cases/load.js';
import { MUTANTS } from './cases/mutants.js';
import { FuzzFailure, type Expectation } from './expectation.js';
import { Target, type CreateDevice } from './target.js';
import type { FuzzCase } from './cases/case.js';
import { Device } from '../../src/wireguard/device.js';
import { DROP_REASONS } from '../../src/wireguard/drop-reason.js';

export const CASES: readonly FuzzCase[] = [
  ...GARBAGE,
  ...INITIATIONS,
  ...RESPONSES,
  ...COOKIES,
  ...PACKETS,
  ...COUNTERS,
  ...MUTANTS,
  ...LOAD,
];

const TOTAL_WEIGHT = CASES.reduce((sum, { weight }) => sum + weight, 0);

/** The number of cases after which packets are exchanged through the sessions that must survive. */
const EXCHANGE_EVERY = 500;

export interface FuzzOptions {
  /** The minimum number of datagrams. */
  readonly runs: number;
  readonly seed: number;
  readonly crypto: Crypto;
  /** Called once when each of these shares of the datagrams has been fired. */
  readonly checkpoints?: readonly number[];
  readonly onCheckpoint?: (share: number) => void;
  readonly createDevice?: CreateDevice;
  /** Called with each datagram before it is fired. */
  readonly onShot?: (shot: Shot) => void;
}

export interface Shot {
  /** The index of the datagram, from 0. */
  readonly index: number;
  readonly caseName: string;
  readonly bytes: Uint8Array;
  readonly source: string;
  readonly expectation: Expectation;
}

export interface FuzzReport {
  readonly fired: number;
  readonly cases: number;
  /** Datagrams by case. */
  readonly byCase: ReadonlyMap<string, number>;
  /** Datagrams by their expectation, all of which were met. */
  readonly byExpectation: ReadonlyMap<string, number>;
  readonly virtualSeconds: number;
}

/** A datagram had an unexpected result. */
export class FuzzError extends Error {
  readonly index: number;

  constructor(seed: number, index: number, caseName: string, cause: Error) {
    const what = cause instanceof FuzzFailure ? cause.message : String(cause.stack);
    super(`seed ${seed}, datagram ${index} (${caseName}): ${what}`);
    this.name = 'FuzzError';
    this.index = index;
  }
}

/** @throws FuzzError if a datagram has an unexpected result */
export function runFuzz(options: FuzzOptions): FuzzReport {
  const { runs, seed, crypto, onCheckpoint } = options;
  const createDevice = options.createDevice ?? ((device) => new Device(device));
  const target = new Target(seed, crypto, createDevice);
  const byCase = new Map<string, number>();
  const checkpoints = [...(options.checkpoints ?? [])];
  let caseName = 'setting up';
  target.onShot = (bytes, source, expectation) => {
    const from = `${source.address} port ${source.port}`;
    options.onShot?.({ index: target.fired, caseName, bytes, source: from, expectation });
  };
  let cases = 0;
  try {
    target.renew();
    while (target.fired < runs) {
      const random = new Random(seed, cases++);
      const chosen = choose(random);
      caseName = chosen.name;
      const before = target.fired;
      chosen.play(target, random);
      byCase.set(chosen.name, (byCase.get(chosen.name) ?? 0) + target.fired - before);
      caseName = 'between cases';
      // Slower than the queue drains, so that only a case that intends it causes load.
      target.pass(random.between(3, 6));
      target.renew();
      if (cases % EXCHANGE_EVERY === 0) target.exchange(random);
      while (checkpoints.length > 0 && target.fired >= checkpoints[0]! * runs) {
        onCheckpoint?.(checkpoints.shift()!);
      }
    }
    target.exchange(new Random(seed, cases));
    compareTotals(target);
  } catch (error) {
    throw new FuzzError(seed, Math.max(0, target.fired - 1), caseName, error as Error);
  }
  return {
    fired: target.fired,
    cases,
    byCase,
    byExpectation: target.expected,
    virtualSeconds: target.elapsed / 1000,
  };
}

function choose(random: Random): FuzzCase {
  let point = (random.uint32() / 2 ** 32) * TOTAL_WEIGHT;
  for (const fuzzCase of CASES) {
    point -= fuzzCase.weight;
    if (point < 0) return fuzzCase;
  }
  return CASES[0]!;
}

/** Checks that the device's counters are exactly the expected ones in total. */
function compareTotals(target: Target): void {
  for (const reason of DROP_REASONS) {
    const expected = target.expected.get(reason) ?? 0;
    const counted = target.device.drops.of(reason);
    if (counted !== expected) {
      throw new FuzzFailure(`${reason} was counted ${counted} times, ${expected} expected`);
    }
  }
}
