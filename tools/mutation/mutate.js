/**
 * Runs mutation tests on a file or folder in src: `npm run mutate -- src/wireguard`. Changes each
 * file in one place at a time, and expects its mirror tests to fail: for bbr.ts, these are
 * bbr.test.ts, tests by subject such as bbr-undo.test.ts, and tests of several files that list
 * bbr.ts after `@mirrors` at the beginning. A file without mirror tests uses all tests in its
 * folder. Files of WireGuard also use its conformance tests. A large folder takes hours. With `--resume`, a file reuses an earlier result if neither
 * the file nor its tests have changed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import config from '../../stryker.config.mjs';

const USAGE = 'usage: npm run mutate -- [--resume] FILE|FOLDER    (under src, say src/wireguard)';
const CONFORMANCE = 'test/wireguard/conformance/*.test.ts';
const STATUSES = ['Killed', 'Timeout', 'Survived', 'NoCoverage', 'RuntimeError'];

const root = join(import.meta.dirname, '../..');
process.chdir(root);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { resume: { type: 'boolean', default: false } },
});
const files = sourceFiles(positionals);
if (files === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  await mutateAll(files);
}

/** Returns the TypeScript files that the arguments select; undefined if they do not select any. */
function sourceFiles(parameters) {
  const [parameter] = parameters;
  if (parameters.length !== 1 || parameter === undefined) return undefined;
  const path = relative(root, join(root, parameter));
  if (!/^src(\/|$)/.test(path) || !existsSync(path)) return undefined;
  const found = statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true }).map((name) => join(path, name))
    : [path];
  const sources = found.filter((name) => /(?<!\.d)\.ts$/.test(name)).sort();
  return sources.length > 0 ? sources : undefined;
}

async function mutateAll(sources) {
  const begin = performance.now();
  const results = [];
  const failed = [];
  for (const source of sources) {
    try {
      results.push((values.resume && earlierResult(source)) || (await mutateFile(source)));
    } catch {
      // Stryker has already printed the reason. Usually, a test fails even without a mutation.
      failed.push(source);
    }
  }
  const total = totalOf(results);
  console.log(table([...results, total]));
  console.log(`${Math.round((performance.now() - begin) / 1000)} s`);
  const { low } = config.thresholds;
  if (failed.length > 0) console.error(`not mutated: ${failed.join(', ')}`);
  if (total.score < low) {
    console.error(`${total.score.toFixed(1)} % of the mutants were killed: ${low} % have to be`);
  }
  if (failed.length > 0 || total.score < low) process.exitCode = 1;
}

function reportOf(source) {
  return join('reports/mutation', source.replace(/\.ts$/, '.json'));
}

/**
 * Returns an earlier run's result; undefined if no result exists, or if the file or one of its
 * tests is newer.
 */
function earlierResult(source) {
  const report = reportOf(source);
  if (!existsSync(report)) return undefined;
  const { mtimeMs } = statSync(report);
  const isNewer = (path) => !path.includes('*') && statSync(path).mtimeMs > mtimeMs;
  if ([source, ...testsOf(source)].some(isNewer)) return undefined;
  const { mutants } = JSON.parse(readFileSync(report, 'utf8')).files[source] ?? { mutants: [] };
  return scored(source, mutants);
}

/** Mutates one file and counts its mutants by outcome. */
async function mutateFile(source) {
  const testMatch = testsOf(source).map((test) => `<rootDir>/${test}`);
  const report = reportOf(source);
  mkdirSync(dirname(report), { recursive: true });
  const stryker = new Stryker({
    mutate: [source],
    jest: { ...config.jest, config: { testMatch } },
    jsonReporter: { fileName: report },
  });
  console.log(`\n${source}`);
  return scored(source, await stryker.runMutationTest());
}

/**
 * Returns the tests that mirror a source file, otherwise all tests in the mirrored folder, and the
 * conformance tests.
 */
function testsOf(source) {
  const conformance = source.startsWith('src/wireguard/') ? [CONFORMANCE] : [];
  return [...mirrorsOf(source), ...conformance];
}

function mirrorsOf(source) {
  const folder = dirname(source).replace(/^src\b/, 'test');
  const subject = basename(source, '.ts');
  // For example, cubic-curve.test.ts mirrors cubic-curve.ts, not cubic.ts.
  const mirrorsAnother = (name) =>
    existsSync(join(dirname(source), name.replace(/(\.user)?\.test\.ts$/, '.ts')));
  const isMirror = (name) =>
    name === `${subject}.test.ts` ||
    name === `${subject}.user.test.ts` ||
    (name.startsWith(`${subject}-`) && name.endsWith('.test.ts') && !mirrorsAnother(name));
  const tests = (existsSync(folder) ? readdirSync(folder) : []).filter((name) =>
    name.endsWith('.test.ts'),
  );
  const names = (name) => mirrored(join(folder, name)).includes(basename(source));
  const mirrors = tests.filter((name) => isMirror(name) || names(name)).sort();
  return (mirrors.length > 0 ? mirrors : ['*.test.ts']).map((name) => join(folder, name));
}

/** Returns the source files that a test lists after `@mirrors`. */
function mirrored(test) {
  const head = readFileSync(test, 'utf8').slice(0, 1_000);
  return /@mirrors ([^*]+)/.exec(head)?.[1].trim().split(/\s+/) ?? [];
}

function totalOf(results) {
  return counted('total', (status) => results.reduce((sum, result) => sum + result[status], 0));
}

function scored(name, mutants) {
  return counted(name, (wanted) => mutants.filter(({ status }) => status === wanted).length);
}

function counted(name, count) {
  const counts = Object.fromEntries(STATUSES.map((status) => [status, count(status)]));
  const detected = counts.Killed + counts.Timeout;
  const valid = detected + counts.Survived + counts.NoCoverage;
  return { name, ...counts, score: valid === 0 ? 100 : (100 * detected) / valid };
}

function table(results) {
  const columns = ['score', 'killed', 'timeout', 'survived', 'uncovered', 'invalid'];
  const lines = results.map((result) => {
    const cells = [result.score.toFixed(1), ...STATUSES.map((status) => String(result[status]))];
    return cells.map((cell) => cell.padStart(10)).join('') + `  ${result.name}`;
  });
  return ['', columns.map((column) => column.padStart(10)).join(''), ...lines].join('\n');
}
