/** `npm run harness fuzz`: fires datagrams, measures memory, and prints how to repeat a failure. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { selectCrypto } from '../../src/crypto/select.js';
import { loadLibc } from '../../src/system/linux/libc.js';
import { readNumbers } from '../sim/command-line.js';
import { FuzzError, runFuzz, type FuzzReport, type Shot } from './fuzz.js';

const USAGE = `Usage: npm run harness fuzz -- [--runs N] [--seed N] [--only INDEX]

Fires mutated and random datagrams at a WireGuard device that has sessions in both roles. The result
of each is known, and is compared exactly: drop counters, packets delivered, answers sent. Memory is
measured at 10, 50 and 100 %. A failure prints the command that repeats it.

  --runs N       datagrams (default 1000000)
  --seed N       the seed of all random numbers (default 1)
  --only INDEX   runs up to datagram INDEX, and shows that one`;

/**
 * The limit in bytes for heap growth from 10 % of the run to 50 % and to 100 %. It detects a leak
 * of 10 bytes per datagram in a million datagrams, and tolerates code that the JavaScript engine
 * compiles meanwhile.
 */
const MEMORY_BAND = 3 * 1024 * 1024;

// Without a forced collection, the heap size does not show a leak.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const { runs, seed, only } = readNumbers(USAGE, { runs: 1_000_000, seed: 1, only: -1 });
const crypto = await selectCrypto(await loadLibc());
try {
  if (only < 0) fuzz();
  else show();
} catch (error) {
  if (!(error instanceof FuzzError)) throw error;
  console.error(
    `${error.message}\n  repeat: npm run harness fuzz -- --seed ${seed} --only ${error.index}`,
  );
  process.exitCode = 1;
}

function fuzz(): void {
  const heap: number[] = [];
  const onCheckpoint = (): void => {
    collect();
    collect();
    heap.push(process.memoryUsage().heapUsed);
  };
  const began = performance.now();
  const report = runFuzz({ runs, seed, crypto, checkpoints: [0.1, 0.5, 1], onCheckpoint });
  console.log(format(report, (performance.now() - began) / 1000));
  const text = heap.map((bytes) => (bytes / 1024 / 1024).toFixed(2)).join(', ');
  console.log(`  heap at 10, 50, 100 %: ${text} MiB`);
  const growth = Math.max(...heap) - heap[0]!;
  if (growth <= MEMORY_BAND) return;
  console.error(`memory grew by ${growth} bytes, ${MEMORY_BAND} are allowed`);
  process.exitCode = 1;
}

/** Repeats the run up to one datagram, and prints it. */
function show(): void {
  const onShot = (shot: Shot): void => {
    if (shot.index === only) console.log(describe(shot));
  };
  runFuzz({ runs: only + 1, seed, crypto, onShot });
}

function describe({ index, caseName, bytes, source, expectation }: Shot): string {
  const expected =
    'deliver' in expectation
      ? `${expectation.deliver.length} bytes delivered from the ${expectation.from}`
      : JSON.stringify(expectation);
  const hex = Buffer.from(bytes).toString('hex');
  return `datagram ${index} (${caseName}) from ${source}, ${bytes.length} bytes:\n${hex}\nexpected: ${expected}`;
}

function format(report: FuzzReport, seconds: number): string {
  const { fired, cases, byCase, byExpectation, virtualSeconds } = report;
  return [
    `seed ${seed}: clean, ${fired} datagrams in ${cases} cases, ${seconds.toFixed(1)} s ` +
      `(${virtualSeconds.toFixed(0)} s of virtual time)`,
    '  outcomes, as expected:',
    ...sorted(byExpectation),
    '  by case:',
    ...sorted(byCase),
  ].join('\n');
}

function sorted(counts: ReadonlyMap<string, number>): string[] {
  return [...counts]
    .sort((left, right) => right[1] - left[1])
    .map(([name, count]) => `  ${String(count).padStart(9)}  ${name}`);
}
