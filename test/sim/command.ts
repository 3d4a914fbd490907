import type { Crypto } from '../../src/crypto/crypto.js';
import { selectCrypto } from '../../src/crypto/select.js';
import { loadLibc } from '../../src/system/linux/libc.js';
import type { CreateDevice } from './end.js';
import { Violation } from './invariant.js';
import { parseOptions, repeatCommand, USAGE, type CommandOptions } from './options.js';
import { formatReport } from './report.js';
import { Simulation } from './simulation.js';

/** The output of the command, and what it runs. */
export interface Surroundings {
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
  /** Monotonic ms. */
  readonly clock: () => number;
  readonly createDevice?: CreateDevice;
}

/** `npm run sim`. Returns the exit code: 1 if an invariant was violated, 2 for wrong usage. */
export async function runCommand(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { print, printError } = surroundings;
  const options = parseOptions(args);
  if (typeof options === 'string') {
    printError(`${options}\n\n${USAGE}`);
    return 2;
  }
  if (options.isHelp) {
    print(USAGE);
    return 0;
  }
  const crypto = await selectCrypto(await loadLibc());
  print(`${options.seeds.length} × ${options.hours} h, packets by ${crypto.packetBackend}`);
  const failures = options.seeds.filter((seed) => !runSeed(seed, options, crypto, surroundings));
  return failures.length > 0 ? 1 : 0;
}

function runSeed(
  seed: number,
  options: CommandOptions,
  crypto: Crypto,
  surroundings: Surroundings,
): boolean {
  const { print, printError, clock, createDevice } = surroundings;
  const { hours, traceLength } = options;
  const began = clock();
  const simulation = new Simulation({
    seed,
    hours,
    crypto,
    traceLength,
    ...(createDevice && { createDevice }),
  });
  try {
    print(formatReport(simulation.run(), (clock() - began) / 1000));
    return true;
  } catch (error) {
    for (const line of simulation.trace) printError(`    ${line}`);
    const text = error instanceof Violation ? error.message : String((error as Error).stack);
    printError(`seed ${seed}: FAILED\n  ${text}\n  repeat: ${repeatCommand(options, seed)}`);
    return false;
  }
}
