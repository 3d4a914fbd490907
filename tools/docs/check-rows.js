/**
 * Fails if a name in the code does not have a row in the reference: an environment variable, an error
 * reason, a reason for silence, a metric or a log field. Also fails if a row's name is not in the code.
 */
import { fileURLToPath } from 'node:url';

import { hasPassed, savePass, stateOf } from './state.js';

const VERDICT = 'build/check/rows.txt';
const INPUTS = /^(src|commands|docs\/reference|tools\/docs)\/|^(tsconfig|package-lock)\.json$/;

/** Variables of Node.js and the shell, which arctun only passes on or replaces if they are missing. */
const FOREIGN = ['HOME', 'PATH', 'SHELL', 'NODE_OPTIONS'];
/** Variables that a library reads. */
const OF_LIBRARIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'];
/** Fields that the logger adds to each line. */
const OF_LOGGER = ['level', 'time', 'msg'];

process.chdir(fileURLToPath(new URL('../../', import.meta.url)));
const state = stateOf((path) => INPUTS.test(path));
// Loads TypeScript only if something has changed.
const { codeBelow, namesInCode, rowsOf } = hasPassed(VERDICT, state)
  ? {}
  : await import('./code-names.js');
if (!hasPassed(VERDICT, state)) {
  const root = `${process.cwd()}/`;
  const types = ['FailureReason', 'Silence'];
  const { fields, variables, metrics, members } = namesInCode(
    root,
    codeBelow(root, ['src', 'commands']),
    types,
  );
  compare('environment variable', [...named(OF_LIBRARIES), ...variables], 'variable', {
    pages: ['environment.md', 'lambda-settings.md'],
    ignored: FOREIGN,
  });
  compare('reason', members.FailureReason, '`reason`', { pages: ['errors.md'] });
  compare('reason for silence', members.Silence, '`silence`', { pages: ['errors.md'] });
  compare('metric', metrics, 'metric', { pages: ['metrics.md'] });
  compare('log field', [...named(OF_LOGGER), ...fields], 'field', { pages: ['logs.md'] });
  if (process.exitCode === undefined) savePass(VERDICT, state);
}

function compare(kind, names, header, { pages, ignored = [] }) {
  const paths = pages.map((page) => `docs/reference/${page}`);
  const rows = paths.flatMap((path) => rowsOf(path, header).map((row) => ({ path, ...row })));
  const listed = new Set([...ignored, ...rows.map(({ name }) => name)]);
  const missing = new Map(names.map(({ name, place }) => [name, place]));
  for (const [name, place] of missing) {
    if (!listed.has(name))
      fail(`${place}: the ${kind} "${name}" is missing in ${paths.join(' or ')}`);
  }
  for (const { name, path, line } of rows) {
    if (!missing.has(name))
      fail(`${path}:${line}: the code does not contain the ${kind} "${name}"`);
  }
}

function named(names) {
  return names.map((name) => ({ name, place: 'tools/docs/check-rows.js' }));
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}
