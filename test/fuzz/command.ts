import type { Crypto } from '../../src/crypto/crypto.js';
import { selectCrypto } from '../../src/crypto/select.js';
import { loadLibc } from '../../src/system/linux/libc.js';
import { FuzzError, runFuzz, type FuzzReport, type Shot } from './fuzz.js';
import type { CreateDevice } from './target.js';
import { parseOptions, USAGE, type CommandOptions } from './options.js';

/** The output of the command, and its measurements. */
export interface Surroundings {
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** Bytes of heap in use after a collection. */
  readonly heapUsed: () => number;
  readonly createDevice?: CreateDevice;
}

const CHECKPOINTS = [0.1, 0.5, 1];

/**
 * The limit in bytes for heap growth from 10 % of the run to 50 % and to 100 %. It detects a leak
 * of 10 bytes per datagram in a million datagrams, and tolerates code that the JavaScript engine
 * compiles meanwhile.
 */
export const MEMORY_BAND = 3 * 1024 * 1024;

/** `npm run fuzz`. Returns the exit code: 1 if the device failed, 2 for wrong usage. */
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
  return options.only === undefined
    ? fuzz(options, crypto, surroundings)
    : show(options, options.only, crypto, surroundings);
}

function fuzz(options: CommandOptions, crypto: Crypto, surroundings: Surroundings): number {
  const { print, printError, clock, heapUsed, createDevice } = surroundings;
  const heap: number[] = [];
  const began = clock();
  try {
    const report = runFuzz({
      ...options,
      crypto,
      ...(createDevice && { createDevice }),
      checkpoints: CHECKPOINTS,
      onCheckpoint: () => heap.push(heapUsed()),
    });
    print(format(report, options.seed, (clock() - began) / 1000));
  } catch (error) {
    if (!(error instanceof FuzzError)) throw error;
    printError(`${error.message}\n  repeat: ${repeatCommand(options.seed, error.index)}`);
    return 1;
  }
  const text = heap.map((bytes) => (bytes / 1024 / 1024).toFixed(2)).join(', ');
  print(`  heap at 10, 50, 100 %: ${text} MiB`);
  const growth = Math.max(...heap) - heap[0]!;
  if (growth <= MEMORY_BAND) return 0;
  printError(`memory grew by ${growth} bytes, ${MEMORY_BAND} are allowed`);
  return 1;
}

/** The command line that shows a datagram again. */
function repeatCommand(seed: number, index: number): string {
  return `npm run fuzz -- --seed ${seed} --only ${index}`;
}

/** Repeats the run up to the datagram, and prints it with its result. */
function show(
  options: CommandOptions,
  index: number,
  crypto: Crypto,
  { print, printError, createDevice }: Surroundings,
): number {
  let shown: Shot | undefined;
  try {
    runFuzz({
      runs: index + 1,
      seed: options.seed,
      crypto,
      ...(createDevice && { createDevice }),
      onShot: (shot) => {
        if (shot.index === index) shown = { ...shot, bytes: shot.bytes.slice() };
      },
    });
  } catch (error) {
    if (!(error instanceof FuzzError)) throw error;
    if (shown !== undefined) print(describe(shown));
    printError(error.message);
    return 1;
  }
  if (shown !== undefined) print(`${describe(shown)}\nand so it did`);
  return 0;
}

function describe({ index, caseName, bytes, source, expectation }: Shot): string {
  const named =
    'deliver' in expectation
      ? `to deliver ${expectation.deliver.length} bytes from the ${expectation.from}`
      : JSON.stringify(expectation);
  const hex = Buffer.from(bytes).toString('hex');
  return `datagram ${index} (${caseName}) from ${source}, ${bytes.length} bytes:\n${hex}\nhas ${named}`;
}

function format(report: FuzzReport, seed: number, seconds: number): string {
  const { fired, cases, byCase, byExpectation, virtualSeconds } = report;
  const lines = [
    `seed ${seed}: clean, ${fired} datagrams in ${cases} cases, ${seconds.toFixed(1)} s ` +
      `(${virtualSeconds.toFixed(0)} s of virtual time)`,
    '  outcomes, as expected:',
    ...sorted(byExpectation),
    '  by case:',
    ...sorted(byCase),
  ];
  return lines.join('\n');
}

function sorted(counts: ReadonlyMap<string, number>): string[] {
  return [...counts]
    .sort((left, right) => right[1] - left[1])
    .map(([name, count]) => `  ${String(count).padStart(9)}  ${name}`);
}
