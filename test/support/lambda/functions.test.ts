/** The functions used to test the extension, on each runtime: they post to localhost. */
import { describeWith, LAMBDA_PRIVATE_ROOT, LAMBDA_SANDBOX } from '../runner/requirements.js';
import { freePort, Sandboxes, toldBy } from './probe.js';
import { awsNodeFunction, nodeFunction, pythonFunction, shellFunction } from './apis/runtimes.js';
import type { SandboxOptions } from './sandbox-plan.js';

const EVENT = { key1: 10.2, key2: 0, key3: 5 };
const ANSWERED = { statusCode: 201, body: JSON.stringify({ got: EVENT }) };

const sandboxes = new Sandboxes();

afterEach(() => sandboxes.close());

/** Invokes the function twice, with an extension that listens. */
async function invokeTwice(options: Partial<SandboxOptions>): Promise<unknown> {
  const port = await freePort();
  const env = { MESSAGE_PORT: String(port) };
  const sandbox = await sandboxes.start({ probe: { port } }, { ...options, env });
  await sandbox.invoke(EVENT);
  const { response, error } = await sandbox.invoke(EVENT);
  expect(error).toBeUndefined();
  expect(toldBy(sandbox, 'probe', 'message').slice(-2)).toEqual([EVENT, EVENT]);
  return JSON.parse(response!);
}

describeWith(LAMBDA_SANDBOX, 'functions', () => {
  it('in Node.js', async () => {
    expect(await invokeTwice(nodeFunction('message'))).toEqual(ANSWERED);
  });

  it('in Node.js, from module scope', async () => {
    const early = { statusCode: 201, body: '{"got":{"from":"module scope"}}' };
    const answer = await invokeTwice(nodeFunction('module-scope'));
    expect(answer).toEqual({ early, now: ANSWERED });
  });

  it('report that no program listens', async () => {
    const env = { MESSAGE_PORT: String(await freePort()) };
    const sandbox = await sandboxes.start({ probe: {} }, { ...nodeFunction('message'), env });
    const { error } = await sandbox.invoke(EVENT);
    expect(error).toMatchObject({ errorType: expect.stringContaining('Error') as string });
  });
});

describeWith([...LAMBDA_SANDBOX, 'python3'], 'a function in Python', () => {
  it('posts its events', async () => {
    expect(await invokeTwice(pythonFunction())).toEqual(ANSWERED);
  });
});

describeWith([...LAMBDA_SANDBOX, 'bash', 'curl'], 'a function in bash', () => {
  it('posts its events', async () => {
    expect(await invokeTwice(shellFunction())).toEqual({ got: EVENT });
  });
});

describeWith([...LAMBDA_SANDBOX, 'lambda-runtime-client'], 'AWS’s own runtime client', () => {
  it('posts the events of a function', async () => {
    expect(await invokeTwice(awsNodeFunction('message'))).toEqual(ANSWERED);
  });

  it('posts from module scope', async () => {
    expect(await invokeTwice(awsNodeFunction('module-scope'))).toMatchObject({ now: ANSWERED });
  });

  it('reports the error of a function, and what could not be loaded', async () => {
    const sandbox = await sandboxes.start({ probe: {} }, awsNodeFunction('echo'));
    expect(await sandbox.invoke({ do: 'fail' })).toMatchObject({
      error: { errorType: 'TypeError', errorMessage: 'as asked' },
    });
    const absent = { ...awsNodeFunction('echo'), handler: 'absent.handler' };
    const broken = await sandboxes.start({}, absent);
    expect(await broken.initialized()).toMatchObject({
      error: { errorType: 'Runtime.ImportModuleError' },
    });
  });
});

describeWith(
  [...LAMBDA_PRIVATE_ROOT, 'lambda-runtime-client'],
  'AWS’s own runtime client in a root of the sandbox’s own',
  () => {
    it('posts the events of a function', async () => {
      const options = { ...awsNodeFunction('message'), privateRoot: true, uid: 993 };
      expect(await invokeTwice(options)).toEqual(ANSWERED);
    });
  },
);
