import { jest } from '@jest/globals';

import { ExtensionsApi } from '../../src/lambda/extensions-api.js';
import { HttpAnswers } from './http-responses.js';

const BASE = '/2020-01-01/extension';

let lambda: HttpAnswers;
let api: ExtensionsApi;

beforeEach(async () => {
  lambda = new HttpAnswers();
  await lambda.open();
  api = new ExtensionsApi(`127.0.0.1:${lambda.port}`, 'arctun');
});

afterEach(() => lambda.close());

async function register(): Promise<void> {
  lambda.give(200, '{}', { 'Lambda-Extension-Identifier': 'id-1' });
  await api.register(['INVOKE', 'SHUTDOWN'], () => undefined);
  lambda.asked.length = 0;
}

function giveEvent(event: unknown): void {
  lambda.give(200, typeof event === 'string' ? event : JSON.stringify(event));
}

describe('register', () => {
  it('sends the name of the extension and its events', async () => {
    lambda.give(200, '{}', { 'Lambda-Extension-Identifier': 'id-1' });
    await api.register(['SHUTDOWN'], () => undefined);
    const [{ method, url, headers, body } = {}] = lambda.asked;
    expect([method, url]).toEqual(['POST', `${BASE}/register`]);
    expect(headers).toMatchObject({
      'lambda-extension-name': 'arctun',
      'content-type': 'application/json',
    });
    expect(headers).not.toHaveProperty('lambda-extension-identifier');
    expect(JSON.parse(body ?? '')).toEqual({ events: ['SHUTDOWN'] });
  });

  it('reports that the request was sent before the answer arrives', async () => {
    let answer: () => void = () => undefined;
    const isAsked = new Promise<void>((resolve) => {
      lambda.answer = (response) => {
        answer = () => void response.setHeader('Lambda-Extension-Identifier', 'id-1').end();
        resolve();
      };
    });
    let registered: Promise<void> | undefined;
    await new Promise<void>((onSent) => void (registered = api.register([], onSent)));
    await isAsked;
    answer();
    await registered;
  });

  it.each([{}, { 'Lambda-Extension-Identifier': '' }])(
    'fails if the answer has no identifier: %j',
    async (headers) => {
      lambda.give(200, '{}', headers);
      await expect(api.register([], () => undefined)).rejects.toMatchObject({
        name: 'UserError',
        why: 'the response does not contain an identifier',
      });
    },
  );

  it('fails with the message of Lambda', async () => {
    lambda.give(403, '{"errorType":"Extension.InvalidExtensionName"}\n');
    await expect(api.register([], () => undefined)).rejects.toMatchObject({
      name: 'UserError',
      kind: 'failed',
      message:
        "a call to Lambda's Extensions API failed (register): status 403: " +
        '{"errorType":"Extension.InvalidExtensionName"}',
    });
  });

  it('fails if no program listens, without having sent anything', async () => {
    await lambda.close();
    const onSent = jest.fn();
    const registered = api.register([], onSent);
    await expect(registered).rejects.toMatchObject({ name: 'UserError' });
    expect(onSent).not.toHaveBeenCalled();
  });
});

describe('next', () => {
  beforeEach(register);

  it('sends the identifier', async () => {
    giveEvent({ eventType: 'INVOKE', deadlineMs: 1_795_598_556_355, requestId: 'r' });
    await expect(api.next()).resolves.toEqual({ type: 'INVOKE', deadlineMs: 1_795_598_556_355 });
    const [{ method, url, headers } = {}] = lambda.asked;
    expect([method, url]).toEqual(['GET', `${BASE}/event/next`]);
    expect(headers).toMatchObject({ 'lambda-extension-identifier': 'id-1', connection: 'close' });
  });

  it.each([
    [{ shutdownReason: 'SPINDOWN' }, 'spindown'],
    [{ shutdownReason: 'SandboxTerminated' }, 'sandboxterminated'],
    [{ shutdownReason: 7 }, ''],
    [{}, ''],
  ])('accepts a shutdown for any reason: %j', async (members, reason) => {
    giveEvent({ eventType: 'SHUTDOWN', deadlineMs: 5, ...members });
    await expect(api.next()).resolves.toEqual({ type: 'SHUTDOWN', reason, deadlineMs: 5 });
  });

  it.each([
    '',
    'null',
    '[]',
    '"INVOKE"',
    '{"eventType":"INVOKE"',
    '{"eventType":"INVOKE"}',
    '{"eventType":"INVOKE","deadlineMs":"5"}',
    '{"eventType":"SHUTDOWN","deadlineMs":null}',
    '{"eventType":"SHUTDOWN","deadlineMs":1e999}',
    '{"eventType":"invoke","deadlineMs":5}',
    '{"eventType":"SNAPSHOT","deadlineMs":5}',
  ])('does not accept %s as an event', async (body) => {
    giveEvent(body);
    await expect(api.next()).rejects.toMatchObject({
      name: 'UserError',
      message:
        "a call to Lambda's Extensions API failed (event/next): the response is not an event",
    });
  });

  it('waits without a timeout', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const answered = new Promise<() => void>((resolve) => {
      lambda.answer = (response) =>
        resolve(() => void response.end('{"eventType":"INVOKE","deadlineMs":5}'));
    });
    const next = api.next();
    const answer = await answered;
    expect(timers).not.toHaveBeenCalled();
    timers.mockRestore();
    answer();
    await next;
  });

  it('fails on an answer that does not end', async () => {
    let isGone: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => void (isGone = resolve));
    lambda.answer = (response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more).on('close', isGone);
      more();
    };
    await expect(api.next()).rejects.toThrow('the response is longer than 1048576 bytes');
    await gone;
  });

  it('fails if the answer breaks off', async () => {
    lambda.answer = (response) => {
      response.writeHead(200, { 'Content-Length': 100 }).write('{"eventType"', () => {
        response.destroy();
      });
    };
    await expect(api.next()).rejects.toMatchObject({ name: 'UserError' });
  });

  it('shows only the beginning of a refusal', async () => {
    lambda.give(500, 'x'.repeat(100_000));
    const failure = await api.next().catch((error: unknown) => error as Error);
    expect((failure as Error).message.length).toBeLessThan(500);
  });
});

describe.each([
  ['initError', 'init/error'],
  ['exitError', 'exit/error'],
] as const)('%s', (call, path) => {
  beforeEach(register);

  it('sends the type in the header and in the body', async () => {
    lambda.give(202, '{"status":"OK"}');
    await api[call]({ type: 'Extension.ConfigInvalid', message: 'no arc.json' });
    const [{ method, url, headers, body } = {}] = lambda.asked;
    expect([method, url]).toEqual(['POST', `${BASE}/${path}`]);
    expect(headers).toMatchObject({
      'lambda-extension-identifier': 'id-1',
      'lambda-extension-function-error-type': 'Extension.ConfigInvalid',
    });
    expect(JSON.parse(body ?? '')).toEqual({
      errorMessage: 'no arc.json',
      errorType: 'Extension.ConfigInvalid',
      stackTrace: [],
    });
  });

  it('fails if Lambda refuses it', async () => {
    lambda.give(403, '');
    const told = api[call]({ type: 'Extension.Crash', message: '' });
    await expect(told).rejects.toMatchObject({ why: 'status 403' });
  });

  it('gives up if Lambda does not answer, because the process is about to end', async () => {
    lambda.answer = () => undefined;
    const told = api[call]({ type: 'Extension.Crash', message: '' });
    await expect(told).rejects.toMatchObject({ why: 'no response within 1000 ms' });
  });
});

it('reaches Lambda at an IPv6 address', async () => {
  await lambda.close();
  lambda = new HttpAnswers();
  await lambda.open('::1');
  lambda.give(200, '', { 'Lambda-Extension-Identifier': 'id-1' });
  await new ExtensionsApi(`[::1]:${lambda.port}`, 'arctun').register([], () => undefined);
  expect(lambda.asked).toHaveLength(1);
});
