/** The steps of the smoke test on AWS Lambda. */
import { readFileSync } from 'node:fs';

import { CommandError } from '../commands.js';
import { NotPossible } from '../steps.js';
import { NAME } from './function-run.js';
import { readInvocation, spread } from './invocation-log.js';

/** @typedef {import('./function-run.js').FunctionRun} FunctionRun */
/** @typedef {import('../steps.js').Step} Step */

/** 20 invocations: each round begins with a new environment. */
const ROUNDS = 5;
const INVOCATIONS_OF_ROUND = 4;

const FUNCTION = ['--function-name', NAME];
const LAYER = ['--layer-name', NAME];
const RUNTIME = 'nodejs22.x';
const MEMORY = '256';
const TIMEOUT = '10';

/**
 * @param {FunctionRun} run
 * @param {(text: string) => void} show
 * @returns {Step[]}
 */
export function lambdaSteps(run, show) {
  return [
    step('Delete what earlier runs left behind', 120, (tools) => deleteAll(run, tools)),
    step('Publish the layer', 300, (tools) => publish(run, tools)),
    step('Create the function', 400, (tools) => create(run, tools)),
    step('Reserve a concurrency of 1', 60, (tools) => reserve(run, tools)),
    step('Invoke the function', 900, (tools) => invokeAll(run, tools)),
    { ...step('Delete everything', 120, (tools) => cleanUp(run, tools, show)), always: true },
  ];
}

function step(title, limit, run) {
  return { title, limit, run };
}

/** @param {FunctionRun} run */
async function publish(run, { note, signal }) {
  const { arch, layer } = run.settings;
  run.mayRemain = true;
  const flags = ['--compatible-architectures', arch, '--zip-file', `fileb://${layer}`];
  const published = await run.aws(['lambda', 'publish-layer-version', ...LAYER, ...flags], signal);
  run.layerArn = published.LayerVersionArn;
  note('architecture', arch);
  note('size of the layer', `${run.layerSize} bytes`);
}

/** @param {FunctionRun} run */
async function create(run, { note, signal }) {
  if (run.layerArn === undefined) throw new NotPossible('the layer was not published');
  const { arch, role } = run.settings;
  try {
    const flags = [
      ...['--runtime', RUNTIME, '--architectures', arch, '--role', role],
      ...['--handler', 'index.handler', '--zip-file', `fileb://${run.writePackage()}`],
      ...['--layers', run.layerArn, '--memory-size', MEMORY, '--timeout', TIMEOUT],
    ];
    await run.aws(['lambda', 'create-function', ...FUNCTION, ...flags], signal);
  } finally {
    run.deletePackage();
  }
  await run.aws(['lambda', 'wait', 'function-active-v2', ...FUNCTION], signal);
  run.isCreated = true;
  note('runtime', RUNTIME);
  note('memory', `${MEMORY} MB`);
}

/** An account with a low limit cannot reserve anything; the invocations are not concurrent anyway. */
async function reserve(run, { signal }) {
  requireFunction(run);
  const flags = ['--reserved-concurrent-executions', '1'];
  await run.aws(['lambda', 'put-function-concurrency', ...FUNCTION, ...flags], signal);
}

/** @param {FunctionRun} run */
async function invokeAll(run, { note, signal }) {
  requireFunction(run);
  const first = [];
  const later = [];
  for (let round = 1; round <= ROUNDS; round++) {
    // A function with another environment starts in a new sandbox.
    const variables = ['--environment', `Variables={ARCTUN_SMOKE_ROUND=${round}}`];
    await run.aws(['lambda', 'update-function-configuration', ...FUNCTION, ...variables], signal);
    await run.aws(['lambda', 'wait', 'function-updated-v2', ...FUNCTION], signal);
    first.push(await invoke(run, signal));
    for (let more = 1; more < INVOCATIONS_OF_ROUND; more++) later.push(await invoke(run, signal));
  }
  noteInvocations('first in an environment', first, note);
  noteInvocations('later', later, note);
  const failures = [...first, ...later].flatMap(({ failure }) => failure ?? []);
  note('failed invocations', `${failures.length} of ${first.length + later.length}`);
  if (failures.length > 0) throw new Error(failures[0]);
  if (first.some(({ init }) => init === undefined)) {
    throw new Error('a first invocation has no Init Duration: it was not in a new environment');
  }
}

async function invoke(run, signal) {
  const flags = [
    ...['--cli-binary-format', 'raw-in-base64-out', '--log-type', 'Tail'],
    ...['--payload', '{"arctun":"smoke test"}'],
  ];
  const path = run.answerPath;
  const command = ['lambda', 'invoke', ...FUNCTION, ...flags, path];
  const { FunctionError, LogResult = '' } = await run.aws(command, signal);
  const log = Buffer.from(LogResult, 'base64').toString('utf8');
  const answer = readFileSync(path, 'utf8');
  const failure = FunctionError === undefined ? undefined : `${FunctionError}: ${answer}`;
  return { ...readInvocation(log), failure };
}

function noteInvocations(name, invocations, note) {
  const all = (member) => invocations.map((invocation) => invocation[member]);
  note(`${name}: duration`, spread(all('duration'), 'ms'));
  note(`${name}: billed`, spread(all('billed'), 'ms'));
  note(`${name}: init`, spread(all('init'), 'ms'));
  note(`${name}: most memory`, spread(all('memory'), 'MB'));
  const times = new Set(invocations.flatMap(({ ready }) => Object.keys(ready)));
  for (const time of times) {
    note(
      `${name}: ${time} of the extension`,
      spread(
        invocations.map(({ ready }) => ready[time]),
        'ms',
      ),
    );
  }
}

async function deleteAll(run, { note, signal }) {
  const logGroup = ['--log-group-name', `/aws/lambda/${NAME}`];
  let deleted = 0;
  if (await wasDeleted(run, ['lambda', 'delete-function', ...FUNCTION], signal)) deleted++;
  const { LayerVersions: versions = [] } =
    (await run.aws(['lambda', 'list-layer-versions', ...LAYER], signal)) ?? {};
  for (const { Version } of versions) {
    const flags = ['--version-number', String(Version)];
    await run.aws(['lambda', 'delete-layer-version', ...LAYER, ...flags], signal);
    deleted++;
  }
  if (await wasDeleted(run, ['logs', 'delete-log-group', ...logGroup], signal)) deleted++;
  note('deleted', deleted);
}

/** @returns {Promise<boolean>} false if the resource does not exist */
async function wasDeleted(run, command, signal) {
  try {
    await run.aws(command, signal);
    return true;
  } catch (error) {
    const isMissing =
      error instanceof CommandError && /ResourceNotFoundException/.test(error.finished.stderr);
    if (isMissing) return false;
    throw error;
  }
}

async function cleanUp(run, tools, show) {
  run.forget();
  if (!run.mayRemain) throw new NotPossible('nothing was created');
  try {
    await deleteAll(run, tools);
    run.mayRemain = false;
  } catch (error) {
    show(['Something may remain on AWS. Delete it:', ...run.deleteCommands].join('\n  '));
    throw error;
  }
}

function requireFunction(run) {
  if (!run.isCreated) throw new NotPossible('the function was not created');
}
