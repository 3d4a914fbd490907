/** Functions of several runtimes with the extension, and the messages that reach SORACOM. */
import { readFileSync } from 'node:fs';

import { WIREGUARD_GO_ARC_SERVER, wireGuardGoArcServer } from '../../support/pairs/arc-servers.js';
import { awsNodeFunction, nodeFunction, pythonFunction } from '../../support/lambda/main.js';
import { answerOf, LambdaLab, logged } from '../../support/foreign/lambda-lab.js';
import { describeWith, LAMBDA_SANDBOX } from '../../support/runner/requirements.js';

const lab = new LambdaLab();
afterAll(() => lab.close());
beforeAll(() => lab.start(), 120_000);
afterEach(() => lab.closeSandboxes());

async function expectColdAndWarm(where: LambdaLab): Promise<void> {
  const sandbox = await where.sandbox({ freezeBetweenInvokes: true });
  for (const count of [1, 2, 3]) {
    const { response, error } = await sandbox.invoke({ node: count });
    expect(error).toBeUndefined();
    expect(answerOf(response)).toEqual({ statusCode: 201, body: '' });
  }
  const { processes } = await sandbox.shutdown();
  expect(processes.find(({ name }) => name === 'arctun')).toMatchObject({ exitCode: 0 });
  expect(await where.messages()).toEqual(
    expect.arrayContaining([{ node: 1 }, { node: 2 }, { node: 3 }]),
  );
}

describeWith(
  [...LAMBDA_SANDBOX, 'python3'],
  'a function posts to localhost, and the message reaches SORACOM',
  () => {
    it('in Node.js, cold and warm, frozen in between', () => expectColdAndWarm(lab));

    it('in Python', async () => {
      const sandbox = await lab.sandbox(pythonFunction());
      const { error } = await sandbox.invoke({ python: 1 });
      expect(error).toBeUndefined();
      expect(await lab.messages()).toContainEqual({ python: 1 });
    });

    it('while it is loaded, before it is invoked', async () => {
      const sandbox = await lab.sandbox(nodeFunction('module-scope'));
      const { response } = await sandbox.invoke({ late: 1 });
      expect(JSON.parse(response!)).toEqual({
        early: { statusCode: 201, body: '' },
        now: { statusCode: 201, body: '' },
      });
      expect(await lab.messages()).toContainEqual({ from: 'module scope' });
    });
  },
);

describeWith(
  [...LAMBDA_SANDBOX, ...WIREGUARD_GO_ARC_SERVER],
  'with wireguard-go as the Arc server',
  () => {
    const foreign = new LambdaLab();
    afterAll(() => foreign.close());
    beforeAll(() => foreign.start(wireGuardGoArcServer), 120_000);

    it('the message of a function in Node.js arrives, cold and warm, frozen in between', () =>
      expectColdAndWarm(foreign));
  },
);

describeWith(['lambda-runtime-client'], 'on AWS’s runtime', () => {
  it('a function in Node.js posts to localhost', async () => {
    const sandbox = await lab.sandbox(awsNodeFunction('message'));
    const { response, error } = await sandbox.invoke({ aws: 1 });
    expect(error).toBeUndefined();
    expect(answerOf(response)).toEqual({ statusCode: 201, body: '' });
    expect(await lab.messages()).toContainEqual({ aws: 1 });
  });
});

describeWith(LAMBDA_SANDBOX, 'another type of environment', () => {
  it('a managed instance shares one tunnel among concurrent invocations', async () => {
    const sandbox = await lab.sandbox({ initializationType: 'lambda-managed-instances' });
    await sandbox.initialized();
    const results = await Promise.all([1, 2, 3].map((managed) => sandbox.invoke({ managed })));
    expect(results.map(({ response }) => answerOf(response).statusCode)).toEqual([201, 201, 201]);
    expect(logged(sandbox, /^handshake complete$/)).toHaveLength(1);
    expect(await lab.messages()).toEqual(
      expect.arrayContaining([{ managed: 1 }, { managed: 2 }, { managed: 3 }]),
    );
  });

  it('a function with provisioned concurrency is ready long before it is invoked', async () => {
    const sandbox = await lab.sandbox({ initializationType: 'provisioned-concurrency' });
    await sandbox.initialized();
    expect(logged(sandbox, /^handshake complete$/)).toHaveLength(1);
    const { response } = await sandbox.invoke({ provisioned: 1 });
    expect(answerOf(response).statusCode).toBe(201);
  });
});

it('requests its first event after the handshake, and the runtime starts before it', async () => {
  const sandbox = await lab.sandbox();
  await sandbox.initialized();
  const steps = [
    'extension registered: arctun',
    'runtime started: runtime',
    'extension next: arctun',
    'init done',
  ];
  expect(sandbox.order.filter((step) => steps.includes(step))).toEqual(steps);
  const [ready] = logged(sandbox, /^ready$/);
  const { listenMs, registerMs, handshakeMs, readyMs } = ready as Record<string, number>;
  expect(listenMs).toBeLessThanOrEqual(registerMs!);
  expect(registerMs).toBeLessThanOrEqual(handshakeMs!);
  expect(handshakeMs).toBeLessThanOrEqual(readyMs!);
});

it('logs no events, bodies or keys, at any level', async () => {
  const sandbox = await lab.sandbox({ settings: { ARCTUN_LOG_LEVEL: 'trace' } });
  await sandbox.invoke({ secret: 'of the function' });
  await sandbox.shutdown();
  const text = sandbox.output('arctun');
  expect(text).toContain('"msg":"ready"');
  expect(text).not.toContain('of the function');
  const { privateKey } = JSON.parse(readFileSync(lab.arcJson, 'utf8')) as { privateKey: string };
  expect(text).not.toContain(privateKey);
});

it('accepts the configuration as text and as base64, too', async () => {
  const text = readFileSync(lab.arcJson, 'utf8');
  for (const value of [
    text,
    Buffer.from(text).toString('base64'),
    JSON.stringify([JSON.parse(text)]),
  ]) {
    const sandbox = await lab.sandbox({ settings: { ARCTUN_CONFIG: value } });
    const { response } = await sandbox.invoke({ inline: value.length });
    expect(answerOf(response).statusCode).toBe(201);
    await lab.closeSandboxes();
  }
});
