import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { planRuns } from '../../../bench/support/plan.js';
import { median, Results } from '../../../bench/support/results.js';
import { report } from '../../../bench/support/table.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-results-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly key: string;
  readonly name: string;
  readonly stack: string;
}

function plan(scenes: string[], repeats: number): Run[] {
  return planRuns(scenes, repeats) as Run[];
}

const PATH = { up: { queue: { median: 1, p95: 2 }, dropped: 0 } };

/** Every run of the table made; `rateOf` says how it ended. */
function filled(label: string, rateOf: (run: Run) => number) {
  const results = new Results(join(folder, 'build', 'runs.jsonl'), label);
  for (const run of plan(['table'], 1)) {
    results.add({ ...run, rate: rateOf(run), path: PATH });
  }
  return results;
}

it('continues after an interruption, even in the middle of a line', () => {
  const file = join(folder, 'runs.jsonl');
  const [first, second] = plan(['table'], 1) as [Run, Run];
  new Results(file, 'abc').add({ ...first, rate: 1 });
  appendFileSync(file, `{"key":"${second.key}","lab`);
  const again = new Results(file, 'abc');
  expect([again.has(first.key), again.has(second.key)]).toEqual([true, false]);
  again.add({ ...second, rate: 2 });
  expect(new Results(file, 'abc').size).toBe(2);
});

it('ignores measurements of another version', () => {
  const file = join(folder, 'runs.jsonl');
  const [run] = plan(['table'], 1) as [Run];
  new Results(file, 'abc').add({ ...run, rate: 1 });
  expect(new Results(file, 'def').has(run.key)).toBe(false);
});

it('alternates arctun and the kernel, and runs everything once before it repeats a run', () => {
  const runs = plan(['table', 'fairness', 'post'], 2);
  expect(runs.map(({ stack }) => stack)).toEqual(
    runs.map((_, index) => (index % 2 === 0 ? 'kernel' : 'ours')),
  );
  expect(new Set(runs.map(({ key }) => key)).size).toBe(runs.length);
  expect(plan(['table'], 1)).toHaveLength(2 * 2 * 3 * 4 * 2);
});

it('compares medians', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([1, 2, 3, 10])).toBe(2.5);
});

it.each([
  ['a good table', 92, 81, true],
  ['one bad cell', 92, 79, false],
  ['a bad mean', 89, 89, false],
])('judges %s', (_name, most, one, isGood) => {
  const results = filled('abc', ({ name, stack }) => {
    if (stack === 'kernel') return 100;
    return name === 'table up bbr 50ms loss1%' ? one : most;
  });
  const judged = report(results);
  expect(judged.isGood).toBe(isGood);
  expect(judged.text).toContain(`worst ${(Math.min(most, one) / 100).toFixed(2)}`);
});
