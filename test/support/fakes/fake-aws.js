#!/usr/bin/env node
/**
 * A stand-in for the AWS CLI: records its arguments in the file FAKE_AWS_LOG, keeps a function and a
 * layer in the file FAKE_AWS_STATE, and fails with an error if its command contains one of the texts in
 * FAKE_AWS_FAULTS, which are separated by commas. A command that contains FAKE_AWS_HANGS runs until
 * its reader ends.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';

const { FAKE_AWS_LOG: log, FAKE_AWS_STATE: path, FAKE_AWS_FAULTS: faults = '' } = process.env;
const words = process.argv.slice(2);
const { FAKE_AWS_HANGS: hangs = '' } = process.env;
const isHanging = isFaulty(hangs);
if (isHanging) process.on('SIGINT', () => undefined);
appendFileSync(log, `${JSON.stringify(words)}\n`);
const state = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { layers: [] };
const command = words.slice(0, 2).join(' ');
const valueOf = (flag) => words[words.indexOf(flag) + 1];

const REPORT =
  'REPORT RequestId: 1\tDuration: 20.5 ms\tBilled Duration: 21 ms\tMemory Size: 256 MB\tMax Memory Used: 99 MB\t';
const READY = '{"msg":"ready","listenMs":30,"registerMs":36,"handshakeMs":80,"readyMs":82}\n';

function fail(name) {
  process.stderr.write(
    `\nAn error occurred (${name}) when calling the operation: arn:aws:iam::123456789012:role/smoke\n`,
  );
  process.exit(254);
}

function run() {
  switch (command) {
    case 'lambda publish-layer-version':
      if (!existsSync(valueOf('--zip-file').replace('fileb://', ''))) fail('NoSuchFile');
      state.layers.push(7);
      return { LayerVersionArn: 'arn:aws:lambda:eu-central-1:123456789012:layer:arctun-smoke:7' };
    case 'lambda list-layer-versions':
      return { LayerVersions: state.layers.map((Version) => ({ Version })) };
    case 'lambda delete-layer-version':
      state.layers = state.layers.filter(
        (version) => version !== Number(valueOf('--version-number')),
      );
      return undefined;
    case 'lambda create-function':
      state.package = readFileSync(valueOf('--zip-file').replace('fileb://', '')).toString(
        'base64',
      );
      state.exists = true;
      return {};
    case 'lambda delete-function':
      if (!state.exists) fail('ResourceNotFoundException');
      state.exists = false;
      return undefined;
    case 'lambda update-function-configuration':
      state.isNew = true;
      return {};
    case 'lambda invoke':
      return invoke();
    case 'logs delete-log-group':
      return fail('ResourceNotFoundException');
    default:
      return command === 'lambda put-function-concurrency' ? {} : undefined;
  }
}

function invoke() {
  writeFileSync(words.at(-3), '{"statusCode":201,"body":""}');
  const init = state.isNew ? `Init Duration: 300.25 ms\t` : '';
  const text = `${state.isNew ? READY : ''}START\nEND\n${REPORT}${init}\n`;
  state.isNew = false;
  return {
    StatusCode: 200,
    LogResult: Buffer.from(text).toString('base64'),
    ExecutedVersion: '$LATEST',
  };
}

function isFaulty(text) {
  return text !== '' && words.join(' ').includes(text);
}

if (faults.split(',').some(isFaulty)) fail('AccessDeniedException');
if (isHanging) {
  process.stdout.on('error', () => process.exit(1));
  for (;;) {
    process.stdout.write(' ');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
const answer = run();
writeFileSync(path, JSON.stringify(state));
if (answer !== undefined) process.stdout.write(`${JSON.stringify(answer)}\n`);
