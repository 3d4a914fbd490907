import type { Context } from '../../../../src/cli/context.js';
import { readMessage } from '../../../../src/cli/run/messages/message.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const NOTHING = {
  via: 'http' as const,
  file: undefined,
  method: undefined,
  path: undefined,
  'content-type': undefined,
  header: undefined,
};

let reads: string[];
let terminal: boolean;
const context = {
  stdinIsTerminal: () => terminal,
  readStdin: () => Promise.resolve(bytes('from stdin')),
  readFile: (path: string) => {
    reads.push(path);
    return Promise.resolve(bytes('from a file'));
  },
} as unknown as Context;

beforeEach(() => {
  reads = [];
  terminal = false;
});

it('is by default a POST of JSON to /', async () => {
  expect(await readMessage('{}', NOTHING, context)).toEqual({
    via: 'http',
    request: {
      method: 'POST',
      path: '/',
      headers: [['Content-Type', 'application/json']],
      body: bytes('{}'),
    },
  });
});

it('accepts a method, path, media type and headers', async () => {
  const choice = {
    ...NOTHING,
    method: 'PUT',
    path: '/a?b=1',
    'content-type': 'text/plain',
    header: ['X-One: 1'],
  };
  expect(await readMessage('x', choice, context)).toMatchObject({
    request: {
      method: 'PUT',
      path: '/a?b=1',
      headers: [
        ['X-One', '1'],
        ['Content-Type', 'text/plain'],
      ],
    },
  });
});

it('keeps a media type from a header', async () => {
  const choice = { ...NOTHING, header: ['content-type: a/b'] };
  expect(await readMessage('x', choice, context)).toMatchObject({
    request: { headers: [['content-type', 'a/b']] },
  });
});

it.each(['tcp', 'udp'] as const)('sends only the bytes over %s', async (via) => {
  expect(await readMessage('21.5', { ...NOTHING, via }, context)).toEqual({
    via,
    payload: bytes('21.5'),
  });
});

it.each([
  [{ method: 'PUT' }, '--method'],
  [{ method: 'POST', header: ['A: b'] }, '--method, --header'],
])('refuses %j with --via udp', async (change, named) => {
  const reading = readMessage('x', { ...NOTHING, via: 'udp', ...change }, context);
  await expect(reading).rejects.toMatchObject({
    kind: 'usage',
    what: `cannot use ${named} with --via udp`,
  });
});

it('reads a file, standard input for -, and standard input by default', async () => {
  const payload = async (argument: string | undefined, file: string | undefined) => {
    const message = await readMessage(argument, { ...NOTHING, via: 'tcp', file }, context);
    return message.via === 'http' ? undefined : new TextDecoder().decode(message.payload);
  };
  expect(await payload(undefined, 'a.json')).toBe('from a file');
  expect(reads).toEqual(['a.json']);
  expect(await payload(undefined, undefined)).toBe('from stdin');
  terminal = true;
  expect(await payload(undefined, '-')).toBe('from stdin');
  await expect(payload(undefined, undefined)).rejects.toMatchObject({
    kind: 'usage',
    what: 'no message to send',
  });
  await expect(payload('x', 'a.json')).rejects.toMatchObject({ kind: 'usage' });
});

it.each(['@reading.json', '@-', '-'])('refuses %s, which curl would read', async (argument) => {
  await expect(readMessage(argument, NOTHING, context)).rejects.toMatchObject({
    kind: 'usage',
    what: `cannot send ${argument}`,
  });
  expect(reads).toEqual([]);
});

it('accepts an empty message only with --method', async () => {
  const empty = { ...context, readStdin: () => Promise.resolve(bytes('')) } as unknown as Context;
  const error = { kind: 'usage', message: 'no message to send: the message is empty' };
  for (const via of ['http', 'tcp', 'udp'] as const) {
    await expect(readMessage('', { ...NOTHING, via }, context)).rejects.toMatchObject(error);
    await expect(readMessage(undefined, { ...NOTHING, via }, empty)).rejects.toMatchObject(error);
  }
  const request = { method: 'GET', body: bytes('') };
  expect(await readMessage('', { ...NOTHING, method: 'GET' }, context)).toMatchObject({ request });
});

it.each([
  [{ path: '/a b' }, '--path must begin with "/"'],
  [{ method: 'P T' }, '--method must be an HTTP method'],
])('refuses %j', async (change, why) => {
  const error = await readMessage('x', { ...NOTHING, ...change }, context).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ kind: 'usage', what: 'cannot create the request' });
  expect((error as Error).message).toContain(why);
});
