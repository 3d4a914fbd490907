/** The steps on AWS Lambda, with a fake AWS CLI in this process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { FunctionRun } from '../../../tools/smoke/lambda/function-run.js';
import { lambdaSteps } from '../../../tools/smoke/lambda/lambda-steps.js';
import { runSteps } from '../../../tools/smoke/steps.js';

const stop = new AbortController().signal;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-steps-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** @param invoke returns the output of `aws lambda invoke` */
async function resultsOf(invoke: (count: number) => object, answer = '{"statusCode":201}') {
  let invocations = 0;
  const answerPath = join(folder, 'answer.json');
  const run = {
    settings: { arch: 'arm64', layer: 'layer.zip', role: 'role' },
    layerSize: 1,
    answerPath,
    writePackage: () => 'function.zip',
    deletePackage: () => undefined,
    forget: () => undefined,
    aws: ([, command]: readonly string[]) => {
      if (command === 'publish-layer-version') return Promise.resolve({ LayerVersionArn: 'layer' });
      if (command !== 'invoke') return Promise.resolve(undefined);
      writeFileSync(answerPath, answer);
      return Promise.resolve(invoke(++invocations));
    },
  } as unknown as FunctionRun;
  const results = await runSteps(
    lambdaSteps(run, () => undefined),
    { stop },
  );
  return { invocations, result: results.find(({ title }) => title === 'Invoke the function') };
}

const logOf = (init: string) => ({
  LogResult: Buffer.from(`REPORT RequestId: 1\tDuration: 2 ms\t${init}\n`).toString('base64'),
});

it('counts the invocations that failed, and reports the answer of the first', async () => {
  const failing = () => ({ FunctionError: 'Unhandled', ...logOf('Init Duration: 300 ms\t') });
  const { invocations, result } = await resultsOf(failing, '{"errorMessage":"503: not-ready"}');
  expect(invocations).toBe(20);
  expect(result).toMatchObject({
    outcome: 'failed',
    reason: 'Unhandled: {"errorMessage":"503: not-ready"}',
  });
  expect(result?.facts).toContainEqual(['failed invocations', '20 of 20']);
});

it('fails if an environment was not new', async () => {
  const { result } = await resultsOf(() => logOf(''));
  expect(result).toMatchObject({ outcome: 'failed' });
  expect(result?.reason).toContain('has no Init Duration');
});

it('passes if each round begins in a new environment', async () => {
  const { result } = await resultsOf((count) =>
    logOf(count % 4 === 1 ? 'Init Duration: 300 ms\t' : ''),
  );
  expect(result).toMatchObject({ outcome: 'passed' });
});
