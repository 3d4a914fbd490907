/** Failures around a function, and their effects, as in the table of docs/reference/lambda-settings.md. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { type LambdaSandbox, nodeFunction } from '../../support/lambda/main.js';
import { answerOf, freePort, LambdaLab, logged } from '../../support/foreign/lambda-lab.js';
import { until } from '../../support/until.js';
import {
  describeWith,
  LAMBDA_PRIVATE_ROOT,
  LAMBDA_SANDBOX,
} from '../../support/runner/requirements.js';
import { itInRelease } from '../../support/runner/tier.js';

const lab = new LambdaLab();
afterAll(() => lab.close());
beforeAll(() => lab.start(), 120_000);
afterEach(() => lab.closeSandboxes());

const EXTENSION = 'arctun';
const OTHER_KEY = 'ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=';

/** A function's request, which gets 503 with this reason. */
async function refused(sandbox: LambdaSandbox, pattern: RegExp): Promise<void> {
  const { response, error } = await sandbox.invoke({ message: 1 });
  expect(error).toBeUndefined();
  const { statusCode, body } = answerOf(response);
  expect(statusCode).toBe(503);
  const answer = JSON.parse(body) as { error: { reason: string; message: string } };
  expect(answer.error.reason).toBe('not-ready');
  expect(answer.error.message).toMatch(pattern);
}

/** The init fails, and Lambda receives this reason. */
async function initFails(sandbox: LambdaSandbox, type: string): Promise<void> {
  expect(await sandbox.initialized()).toMatchObject({ status: 'error' });
  const told = sandbox.steps.find(({ step }) => step === 'extension init error');
  expect(told?.detail).toBe(type);
  await sandbox.said(EXTENSION, /the extension is exiting/);
}

async function send(sandbox: LambdaSandbox): Promise<number> {
  const { response, error } = await sandbox.invoke({ message: 1 });
  expect(error).toBeUndefined();
  return answerOf(response).statusCode;
}

async function delivered(sandbox: LambdaSandbox): Promise<void> {
  expect(await send(sandbox)).toBe(201);
}

describeWith(LAMBDA_SANDBOX, 'a dead peer', () => {
  const settings = { ARCTUN_LAMBDA_WAIT: '0.5' };
  beforeEach(() => lab.platform.process.kill('SIGSTOP'));
  afterEach(() => lab.platform.process.kill('SIGCONT'));

  it('lets the function run, and answers 503 until the peer is back', async () => {
    const sandbox = await lab.sandbox({ settings });
    expect(await sandbox.initialized()).toMatchObject({ status: 'success' });
    await refused(sandbox, /has not answered|no answer/);
    expect(logged(sandbox, /^no tunnel: /)).toHaveLength(1);
    lab.platform.process.kill('SIGCONT');
    await sandbox.said(EXTENSION, /"msg":"handshake complete"/);
    await delivered(sandbox);
  });

  itInRelease('fails the init if configured', async () => {
    const fail = { ...settings, ARCTUN_LAMBDA_ON_FAILURE: 'fail' };
    const sandbox = await lab.sandbox({ settings: fail });
    await initFails(sandbox, 'Extension.HandshakeTimeout');
  });
});

describeWith(LAMBDA_SANDBOX, 'a peer that dies after the first message', () => {
  /** Milliseconds: the longest wait for a peer that a setting allows. */
  const WAIT = 9_000;

  itInRelease(
    'is reported to the function before its three seconds, and the wait, are over',
    async () => {
      const sandbox = await lab.sandbox({ settings: { ARCTUN_LAMBDA_WAIT: String(WAIT / 1_000) } });
      await delivered(sandbox);
      lab.platform.process.kill('SIGSTOP');
      try {
        // The extension answers 0.3 s before the end, which may be too short for a busy machine.
        const limits = { timeoutMs: 3_000, graceMs: 17_000 };
        const { response, error, runtimeMs } = await sandbox.invoke({ message: 2 }, limits);
        expect(error).toBeUndefined();
        expect(runtimeMs).toBeLessThan(WAIT);
        const { statusCode, body } = answerOf(response);
        expect(statusCode).toBe(504);
        expect(JSON.parse(body)).toMatchObject({ error: { reason: 'timeout' } });
      } finally {
        lab.platform.process.kill('SIGCONT');
      }
      // A handshake that began while the peer was stopped is repeated after 5 s, which is later than
      // the end of the first invocation.
      await until(async () => (await send(sandbox)) === 201, { what: 'a message is delivered' });
    },
  );
});

describeWith(LAMBDA_SANDBOX, 'a configuration', () => {
  itInRelease.each([
    [
      'with a wrong key',
      () => lab.variant('wrong-key', { session: { arcServerPeerPublicKey: OTHER_KEY } }),
      /no answer|has not answered/,
    ],
    [
      'without a session',
      () => lab.variant('no-session', { arcSessionStatus: undefined }),
      /arcSessionStatus/,
    ],
    ['that is not there', () => join(lab.folder, 'nothing.json'), /nothing\.json/],
    ['that is no JSON', () => lab.extension, /cannot use/],
  ])('is reported to each request and in the log if it is %s', async (_, config, pattern) => {
    const settings = { ARCTUN_CONFIG: config(), ARCTUN_LAMBDA_WAIT: '0.5' };
    const sandbox = await lab.sandbox({ settings });
    await refused(sandbox, pattern);
    expect(logged(sandbox, /^no tunnel: /)).toHaveLength(1);
  });

  it('causes an error that lists the possible sources if it is missing', async () => {
    const sandbox = await lab.sandbox({ settings: { ARCTUN_CONFIG: '' } });
    await refused(sandbox, /arc\.json/);
  });

  itInRelease('fails the init if configured', async () => {
    const settings = { ARCTUN_CONFIG: '/nothing.json', ARCTUN_LAMBDA_ON_FAILURE: 'fail' };
    const sandbox = await lab.sandbox({ settings });
    await initFails(sandbox, 'Extension.ConfigInvalid');
  });

  itInRelease('is reported by the name of the invalid setting', async () => {
    const sandbox = await lab.sandbox({ settings: { ARCTUN_FORWARD_TO: 'uni.soracom.io:' } });
    await refused(sandbox, /ARCTUN_FORWARD_TO/);
  });
});

describeWith(LAMBDA_SANDBOX, 'a port', () => {
  itInRelease(
    'fails the init if it is in use, whatever the policy: requests would reach another server',
    async () => {
      const other = createServer();
      const port = await freePort();
      await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
      const sandbox = await lab.sandbox({ settings: { ARCTUN_LAMBDA_PORT: String(port) } });
      await initFails(sandbox, 'Extension.PortUnavailable');
      other.close();
      expect(sandbox.output(EXTENSION)).toContain(`cannot listen on port ${port}`);
    },
  );
});

describeWith(LAMBDA_SANDBOX, 'a function', () => {
  itInRelease('has a restarted extension after it did not end in time', async () => {
    const sandbox = await lab.sandbox(nodeFunction('echo'));
    await sandbox.initialized();
    const { error, reset } = await sandbox.invoke({ do: 'hang' }, { timeoutMs: 1_000 });
    expect(error).toMatchObject({ errorType: 'Sandbox.Timedout' });
    // It ended by itself, before Lambda would have killed it.
    const ended = reset?.processes.find(({ name }) => name === EXTENSION);
    expect(ended).toMatchObject({ exitCode: 0 });
    expect((await sandbox.invoke({ fine: 1 })).error).toBeUndefined();
    expect(logged(sandbox, /^ready$/)).toHaveLength(2);
  });

  it('has a restarted extension after it crashed', async () => {
    const sandbox = await lab.sandbox({ ...nodeFunction('echo'), timeoutMs: 20_000 });
    const { error } = await sandbox.invoke({ do: 'crash' });
    expect(error).toBeDefined();
    expect((await sandbox.invoke({ fine: 1 })).error).toBeUndefined();
    expect(logged(sandbox, /^ready$/)).toHaveLength(2);
  });

  itInRelease('fails once if its extension is killed, and then has a restarted one', async () => {
    const sandbox = await lab.sandbox();
    await delivered(sandbox);
    const [extension] = sandbox.processes.filter(({ name }) => name === EXTENSION);
    process.kill(extension!.pid, 'SIGKILL');
    const { error } = await sandbox.invoke({ message: 2 });
    expect(error).toMatchObject({ errorType: 'Extension.Crash' });
    await delivered(sandbox);
  });
});

describeWith(
  LAMBDA_SANDBOX,
  'NODE_OPTIONS of the function that are invalid for an extension',
  () => {
    itInRelease('prevent the thin layer, and therefore the function, from starting', async () => {
      const sandbox = await lab.sandbox({ env: { NODE_OPTIONS: '--require /nonexistent' } });
      const { error } = await sandbox.invoke({ message: 1 });
      expect(error).toMatchObject({ errorType: 'Extension.Crash' });
      expect(sandbox.output(EXTENSION)).toContain('/nonexistent');
    });
  },
);

describeWith(
  [...LAMBDA_PRIVATE_ROOT, 'memory-cgroup'],
  'an environment like that of Lambda',
  () => {
    const environment = () => ({
      privateRoot: true,
      uid: 993,
      memoryLimitMb: 128,
      extensions: [{ name: EXTENSION, file: lab.thinExtension }],
    });

    itInRelease('works with a read-only disk, another user, and 128 MB in total', async () => {
      const settings = { ARCTUN_CONFIG: readFileSync(lab.arcJson, 'utf8') };
      const sandbox = await lab.sandbox({ ...environment(), settings });
      await delivered(sandbox);
      const { processes } = await sandbox.shutdown();
      expect(processes.find(({ name }) => name === EXTENSION)).toMatchObject({ exitCode: 0 });
    });

    itInRelease(
      'has an arc.json that only its owner can read: the log explains what to do',
      async () => {
        const sandbox = await lab.sandbox({ ...environment(), visible: [lab.arcJson] });
        await refused(sandbox, /permission/i);
        const [line] = logged(sandbox, /^no tunnel: /);
        expect(JSON.stringify(line)).toContain('chmod 644');
      },
    );
  },
);
