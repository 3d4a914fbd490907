/** `npm run smoke lambda` with a fake AWS CLI that records its arguments. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { unzipSync } from 'fflate';

import { Processes, REPOSITORY, type TestProcess } from '../../support/processes.js';
import { findSecrets } from '../../support/secret-search.js';
import { until } from '../../support/until.js';

const SMOKE = [process.execPath, `${REPOSITORY}tools/smoke/smoke-lambda.js`];
const FAKE = `${REPOSITORY}test/support/fakes/fake-aws.js`;
const ROLE = 'arn:aws:iam::123456789012:role/smoke-role';
const ARC_JSON = {
  privateKey: 'L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=',
  publicKey: 'sQ3kNvoSxwU5cYQkY8R1vWcTtZ9nPsb4eMZ0Ww1b5mE=',
  simId: '8942310022000012345',
  arcSessionStatus: {
    arcClientPeerIpAddress: '10.21.32.43',
    arcServerEndpoint: '198.51.100.7:11010',
  },
};

/** The signature of an entry in the central directory of a zip file. */
const ENTRY = Buffer.from('PK\u0001\u0002');

const processes = new Processes();
let folder: string;

afterAll(() => processes.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-smoke-lambda-'));
  symlinkSync(FAKE, join(folder, 'aws'));
  symlinkSync(process.execPath, join(folder, 'node'));
  writeFileSync(join(folder, 'arc.json'), JSON.stringify(ARC_JSON), { mode: 0o600 });
  writeFileSync(join(folder, 'layer.zip'), 'layer');
});
afterEach(() => rmSync(folder, { recursive: true }));

const FLAGS = ['--yes', '--role', ROLE, '--layer', 'layer.zip'];

function start(flags: readonly string[] = FLAGS, env: NodeJS.ProcessEnv = {}): TestProcess {
  const fake = {
    // No other folder, so that a run that outlives a failed test does not find the real AWS CLI.
    PATH: folder,
    FAKE_AWS_LOG: join(folder, 'log'),
    FAKE_AWS_STATE: join(folder, 'state'),
    TMPDIR: folder,
  };
  return processes.start([...SMOKE, ...flags], { cwd: folder, env: { ...fake, ...env } });
}

/** Returns the commands of the AWS CLI so far, without the output format. */
function commands(): string[][] {
  const path = join(folder, 'log');
  if (!existsSync(path)) return [];
  // What follows the last newline is empty, or a line that is being written.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as string[]).map((words) => words.slice(0, -2));
}

const named = (name: string) => commands().filter(([, command]) => command === name);
const state = () =>
  JSON.parse(readFileSync(join(folder, 'state'), 'utf8')) as {
    exists?: boolean;
    layers: number[];
    package?: string;
  };

function report(): string {
  const [name = ''] = readdirSync(folder).filter((each) => each.endsWith('.md'));
  expect(name).toMatch(/^arctun-smoke-lambda-20[\dTZ-]+\.md$/);
  return readFileSync(join(folder, name), 'utf8');
}

it('publishes, creates, invokes 20 times, deletes everything, and reports the durations', async () => {
  const { code, stderr } = await start().finished;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(named('publish-layer-version')).toEqual([
    [
      ...['lambda', 'publish-layer-version', '--layer-name', 'arctun-smoke'],
      ...['--compatible-architectures', 'x86_64', '--zip-file', 'fileb://layer.zip'],
    ],
  ]);
  expect(named('create-function')).toEqual([
    [
      ...['lambda', 'create-function', '--function-name', 'arctun-smoke'],
      ...['--runtime', 'nodejs22.x', '--architectures', 'x86_64', '--role', ROLE],
      ...['--handler', 'index.handler', '--zip-file'],
      expect.stringMatching(/^fileb:\/\/\/.*\.zip$/) as string,
      ...['--layers', 'arn:aws:lambda:eu-central-1:123456789012:layer:arctun-smoke:7'],
      ...['--memory-size', '256', '--timeout', '10'],
    ],
  ]);
  expect(named('invoke')).toHaveLength(20);
  expect(named('update-function-configuration').map((words) => words.at(-1))).toEqual(
    [1, 2, 3, 4, 5].map((round) => `Variables={ARCTUN_SMOKE_ROUND=${round}}`),
  );
  expect(state()).toMatchObject({ exists: false, layers: [] });
  const text = report();
  expect(text).toMatch(/first in an environment: init \| median 300\.25 ms.*\(5 values\)/);
  expect(text).toMatch(/first in an environment: handshakeMs of the extension \| median 80 ms/);
  expect(text).toMatch(/later: duration \| median 20\.5 ms.*\(15 values\)/);
  expect(text).toMatch(/failed invocations \| 0 of 20/);
  const secrets = {
    ...ARC_JSON,
    ...ARC_JSON.arcSessionStatus,
    role: ROLE,
    account: '123456789012',
  };
  const texts = Object.entries(secrets).filter(([, value]) => typeof value === 'string');
  expect(findSecrets(text, Object.fromEntries(texts) as Record<string, string>)).toEqual([]);
  expectPackage(Buffer.from(state().package!, 'base64'));
  // No file with the key remains on this machine.
  expect(readdirSync(folder).filter((name) => name.startsWith('arctun-smoke-'))).toHaveLength(1);
}, 120_000);

/** The sample, and an arc.json that the extension's user may read. */
function expectPackage(bytes: Buffer): void {
  const files = unzipSync(bytes);
  expect(Object.keys(files)).toEqual(['index.mjs', 'arc.json']);
  expect(JSON.parse(Buffer.from(files['arc.json']!).toString())).toEqual(ARC_JSON);
  const sample = readFileSync(`${REPOSITORY}deploy/lambda/function/index.mjs`);
  expect(Buffer.from(files['index.mjs']!)).toEqual(sample);
  // The external attributes in the central directory of the zip file.
  for (let at = bytes.indexOf(ENTRY); at >= 0; at = bytes.indexOf(ENTRY, at + 1)) {
    expect((bytes.readUInt32LE(at + 38) >>> 16) & 0o777).toBe(0o644);
  }
}

it('deletes everything after a failure, and reports it without the account', async () => {
  const { code } = await start(FLAGS, { FAKE_AWS_FAULTS: 'lambda invoke' }).finished;
  expect(code).toBe(1);
  expect(state()).toMatchObject({ exists: false, layers: [] });
  const text = report();
  expect(text).toMatch(/\| Invoke the function \| failed \| .*AccessDeniedException/);
  expect(text).not.toContain('123456789012');
});

it('shows how to delete what it could not delete, and the next run does', async () => {
  // These runs are short, because each command takes a process.
  const env = { FAKE_AWS_FAULTS: 'delete-layer-version,create-function' };
  const { code, stderr } = await start(FLAGS, env).finished;
  expect(code).toBe(1);
  expect(stderr).toContain('aws lambda delete-layer-version --layer-name arctun-smoke');
  expect(state().layers).toEqual([7]);
  for (const name of readdirSync(folder)) if (name.endsWith('.md')) rmSync(join(folder, name));
  await start(FLAGS, { FAKE_AWS_FAULTS: 'publish-layer-version' }).finished;
  expect(state().layers).toEqual([]);
  expect(report()).toMatch(/Delete what earlier runs left behind\n\n.*\n.*\n\| deleted \| 1 \|/);
}, 120_000);

it.each([
  ['', false],
  [', also if the reader of its output has ended', true],
])('after SIGINT, deletes what it has created%s', async (_, isClosed) => {
  const run = start();
  await run.output(/passed +Publish the layer/, 'stderr');
  if (isClosed) run.child.stderr!.destroy();
  run.kill('SIGINT');
  const { code } = await run.finished;
  expect(state().layers).toEqual([]);
  expect(state().exists ?? false).toBe(false);
  expect(code).toBe(130);
});

describe("the file with the SIM's key", () => {
  /** The files in the folders of the runs. */
  const localFiles = () =>
    readdirSync(folder)
      .filter((name) => /^arctun-smoke-\w{6}$/.test(name))
      .flatMap((name) => readdirSync(join(folder, name)));

  it('does not remain if the run is killed after the creation of the function', async () => {
    const run = start(FLAGS, { FAKE_AWS_HANGS: 'put-function-concurrency' });
    await until(() => named('put-function-concurrency').length > 0);
    run.kill('SIGKILL');
    await run.finished;
    expect(localFiles()).not.toContain('function.zip');
  });

  it('does not remain after a second SIGINT during the creation of the function', async () => {
    const run = start(FLAGS, { FAKE_AWS_HANGS: 'create-function' });
    await until(() => localFiles().includes('function.zip') && named('create-function').length > 0);
    // A second signal that arrives with the first is ignored.
    const turn = async () => {
      run.kill('SIGINT');
      await pause(200);
    };
    await until(() => !run.running, { turn });
    const { code, stderr } = await run.finished;
    expect(code).toBe(130);
    expect(stderr).toContain('Something may remain on AWS.');
    expect(localFiles()).toEqual([]);
  });
});

it.each([
  [['--yes', '--layer', 'layer.zip'], 2, '--role must be the ARN of a role'],
  [[...FLAGS, '--arch', 'mips'], 2, '--arch must be x86_64 or arm64'],
  [FLAGS.slice(1), 2, 'Add --yes to confirm'],
  [[...FLAGS, '--config', 'missing.json'], 1, 'cannot read missing.json'],
  [['--yes', '--role', ROLE], 1, 'Run: npm run package layers'],
])('refuses %j before any command', async (flags, exit, message) => {
  const { code, stderr } = await start(flags).finished;
  expect(code).toBe(exit);
  expect(stderr).toContain(message);
  expect(commands()).toEqual([]);
});

it('reports that the AWS CLI is missing', async () => {
  rmSync(join(folder, 'aws'));
  const { code } = await start().finished;
  expect(code).toBe(1);
  expect(report()).toMatch(/Publish the layer \| failed \| .*aws ENOENT/);
});
