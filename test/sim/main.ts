/** `npm run harness sim`: runs the simulation for one or more seeds, and prints how to repeat a failure. */
import { selectCrypto } from '../../src/crypto/select.js';
import { loadLibc } from '../../src/system/linux/libc.js';
import { readNumbers } from './command-line.js';
import { Violation } from './invariant.js';
import { formatReport } from './report.js';
import { Simulation } from './simulation.js';

const USAGE = `Usage: npm run harness sim -- [--hours N] [--seed N] [--seeds N] [--trace N]

Runs two WireGuard devices and a bad network in virtual time, and checks the invariants of the
protocol at each step. A failure prints the command that repeats it.

  --hours N   virtual hours for each seed (default 24)
  --seed N    the first seed (default 1)
  --seeds N   how many seeds in a row (default 1)
  --trace N   after a failure, the last N events (default 30)`;

const { hours, seed, seeds, trace } = readNumbers(USAGE, {
  hours: 24,
  seed: 1,
  seeds: 1,
  trace: 30,
});
const crypto = await selectCrypto(await loadLibc());
console.log(`${seeds} × ${hours} h, packets by ${crypto.packetBackend}`);
for (let each = seed; each < seed + seeds; each++) run(each);

function run(each: number): void {
  const began = performance.now();
  const simulation = new Simulation({ seed: each, hours, crypto, traceLength: trace });
  try {
    console.log(formatReport(simulation.run(), (performance.now() - began) / 1000));
  } catch (error) {
    for (const line of simulation.trace) console.error(`    ${line}`);
    const text = error instanceof Violation ? error.message : String((error as Error).stack);
    console.error(`seed ${each}: FAILED\n  ${text}`);
    console.error(`  repeat: npm run harness sim -- --hours ${hours} --seed ${each}`);
    process.exitCode = 1;
  }
}
