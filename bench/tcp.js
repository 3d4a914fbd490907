/**
 * Compares arctun's TCP with the kernel's over wireguard-go, alternating on one relay: `npm run
 * bench:tcp`. docs/reference/benchmarks.md describes what is measured. Completed runs are not
 * repeated, so the benchmark can be stopped at any time.
 */
import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Lab } from './support/lab.js';
import { Measurement } from './support/measure.js';
import { planRuns } from './support/plan.js';
import { Results } from './support/results.js';
import { report } from './support/table.js';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/**
 * The limit in ms for the 99th percentile of the relay's lateness. A run that exceeds it is
 * discarded, because it would measure the machine instead of the TCP implementations.
 */
const LATEST = 8;

/** The number of attempts before a discarded run is skipped. */
const ATTEMPTS = 3;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    repeats: { type: 'string' },
    scenes: { type: 'string', default: 'table,fairness,post' },
    direction: { type: 'string' },
    control: { type: 'string' },
    rtt: { type: 'string' },
    impairment: { type: 'string' },
    label: { type: 'string' },
    file: { type: 'string' },
    report: { type: 'boolean', default: false },
    busy: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds ?? (values.quick ? 3 : 20));
const repeats = Number(values.repeats ?? (values.quick ? 1 : 5));
const file = values.file ?? `${REPOSITORY}build/bench/tcp-${seconds}s.jsonl`;
const results = new Results(file, values.label ?? commit());

function commit() {
  const git = (...parameters) =>
    execFileSync('git', ['-C', REPOSITORY, ...parameters], { encoding: 'utf8' }).trim();
  const head = git('rev-parse', '--short', 'HEAD');
  return git('status', '--porcelain', '--', 'src') === '' ? head : `${head}+changes`;
}

/** Whether a comma-separated filter contains a value; a missing filter matches everything. */
function isChosen(list, value) {
  return list === undefined || list.split(',').includes(String(value));
}

const runs = planRuns(values.scenes.split(','), repeats).filter(
  ({ direction, algorithm, roundTrip, impairment, scene }) =>
    isChosen(values.direction, direction) &&
    isChosen(values.control, algorithm) &&
    (scene !== 'table' || isChosen(values.rtt, roundTrip)) &&
    (scene !== 'table' || isChosen(values.impairment, impairment)),
);
const missing = values.report ? [] : runs.filter(({ key }) => !results.has(key));
console.error(
  `${results.label}: ${missing.length} of ${runs.length} runs are missing from ${file}`,
);

let left = 0;
if (missing.length > 0) {
  const lab = await Lab.start({ throughRelay: true });
  try {
    const measurement = new Measurement(lab, seconds * 1000);
    for (const [index, plan] of missing.entries()) {
      const progress = `${index + 1}/${missing.length} ${plan.key}`;
      const result = await measure(measurement, plan, progress);
      if (result === undefined) {
        left++;
        continue;
      }
      results.add({ ...plan, ...result, load: loadavg()[0] });
      const value = result.rate?.toFixed(1) ?? `${(result.milliseconds / 1000).toFixed(2)} s`;
      console.error(`${progress}: ${value}`);
    }
  } finally {
    lab.close();
  }
}

async function measure(measurement, plan, progress) {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const result = await measurement.run(plan);
    const late = Math.max(result.path.up.lateness.p99, result.path.down.lateness.p99);
    if (late <= LATEST || values.busy) return { ...result, late };
    console.error(`${progress}: the machine is busy: the relay was ${late} ms late`);
  }
  return undefined;
}

const { text, isGood } = report(results);
console.log(
  `${results.label}, ${seconds} s each, medians of up to ${repeats}; ours / the kernel's\n`,
);
console.log(text);
if (left > 0) {
  console.log(
    `${left} runs were skipped because the machine was too busy: start the benchmark again, or add --busy.`,
  );
}
process.exit(isGood ? 0 : 1);
