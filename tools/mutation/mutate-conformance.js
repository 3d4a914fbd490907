/**
 * Breaks each rule of docs/explanation/wireguard-conformance.md in a copy of the repository, and
 * expects the rule's tests to fail: `npm run mutate:conformance`, or `npm run mutate:conformance --
 * 5 12 c` for some rows. test/wireguard/conformance/mutations.json lists the mutations.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import { problemsOf, readConformance, titlePattern } from '../conformance/conformance.js';

const LEFT_OUT = ['node_modules', '.git', 'dist', 'build', 'coverage', 'reports', '.stryker-tmp'];

/**
 * In milliseconds; longer than any test file takes. A mutation whose tests never end counts as
 * killed.
 */
const LONGEST_RUN = 300_000;

const root = join(import.meta.dirname, '../..');
const chosen = process.argv.slice(2);
const conformance = readConformance(root);
const problems = problemsOf(conformance);
const mutations = conformance.mutations.filter(
  ({ name }) => chosen.length === 0 || chosen.includes(name),
);
for (const problem of problems) console.error(problem);
if (problems.length > 0 || mutations.length === 0) process.exitCode = 1;
else mutateAll();

function mutateAll() {
  const copy = mkdtempSync(join(tmpdir(), 'arctun-mutations-'));
  try {
    cpSync(root, copy, {
      recursive: true,
      filter: (path) => !LEFT_OUT.includes(relative(root, path)),
    });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    if (!passesUnchanged(copy)) return;
    const begin = performance.now();
    const survivors = mutations.filter((mutation) => !isKilled(copy, mutation));
    const seconds = Math.round((performance.now() - begin) / 1_000);
    console.log(
      `${mutations.length - survivors.length} of ${mutations.length} killed, ${seconds} s`,
    );
    if (survivors.length > 0) process.exitCode = 1;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Checks that the tests pass without changes, because failing tests would kill every mutation. */
function passesUnchanged(copy) {
  const files = [...new Set(mutations.map(({ test }) => test))];
  const { passed, failed } = runTests(copy, files, []);
  if (passed > 0 && failed === 0) return true;
  console.error(`${failed} tests fail and ${passed} pass without a mutation`);
  process.exitCode = 1;
  return false;
}

function isKilled(copy, { name, file, find, replace, test }) {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
  const { failed, broken } = runTests(copy, [test], ['-t', titlePattern(name)]);
  writeFileSync(path, text);
  // If a test file cannot be loaded, that does not count as a failed test.
  const killed = failed > 0 && !broken;
  console.log(`${name.padStart(2)}  ${file}  ${killed ? 'killed' : 'SURVIVED'}`);
  if (!killed) console.log(`    ${find}\n    became ${replace}`);
  return killed;
}

function runTests(copy, files, options) {
  const jest = join(copy, 'node_modules/jest/bin/jest.js');
  // Use timeout(1), which also ends jest's workers, because a mutation may make one of them run
  // forever.
  const run = spawnSync(
    'timeout',
    [
      '--signal=KILL',
      String(LONGEST_RUN / 1_000),
      process.execPath,
      '--experimental-vm-modules',
      jest,
      '--json',
      '--silent',
      '--runTestsByPath',
      ...files,
      ...options,
    ],
    { cwd: copy, encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  if (run.signal === 'SIGKILL') return { passed: 0, failed: 1, broken: false };
  const result = JSON.parse(run.stdout);
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests,
    broken: result.numRuntimeErrorTestSuites > 0,
  };
}
