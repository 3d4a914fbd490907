import { ApiError } from '../../../src/soracom/api-error.js';
import { bootstrapArc, KEY_MAY_BE_REPLACED } from '../../../src/soracom/krypton/krypton.js';
import { cut, json, RecordingServer, silence, type Answer } from '../recording-server.js';

const CALL = 'POST /v1/provisioning/soracom/arc/bootstrap';
const KEY = 'IBEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7n8=';

let server: RecordingServer;
beforeEach(async () => {
  server = await RecordingServer.start();
});
afterEach(() => server.close());

async function call(answer: Answer, options: { timeoutMs?: number; path?: string } = {}) {
  server.answers.set(CALL, answer);
  const { path = '', ...rest } = options;
  try {
    return await bootstrapArc({ endpoint: `${server.url}${path}`, userAgent: 'arctun/1', ...rest });
  } catch (error) {
    return error as ApiError;
  }
}

it('sends the request of soratun, without credentials', async () => {
  const body = await call(json({ arcClientPeerPrivateKey: KEY }), { path: '/' });
  expect(body).not.toBeInstanceOf(Error);
  expect(String(body)).toBe('<redacted>');
  expect((body as { expose(): string }).expose()).toBe(`{"arcClientPeerPrivateKey":"${KEY}"}`);
  expect(server.calls).toEqual([CALL]);
  const [request] = server.requests;
  expect(request?.body).toBe('{}');
  expect(request?.headers).toMatchObject({
    'content-type': 'application/json',
    'x-soracom-lang': 'en',
    'user-agent': 'arctun/1',
  });
  const names = Object.keys(request?.headers ?? {}).join(' ');
  expect(names).not.toMatch(/authorization|api-key|token/);
});

it.each([
  [401, 'Check that the route to Krypton uses the SORACOM Air connection', false],
  [403, 'Check that the route to Krypton uses the SORACOM Air connection', false],
  [404, 'krypton.soracom.io:8036', false],
  [500, 'Try again in a few minutes', true],
  [302, 'redirect', true],
])('explains what to do about HTTP %d', async (code, advice, mayBeDone) => {
  const error = await call(json({ code: 'KRY0001', message: 'no' }, code));
  expect(error).toMatchObject({ kind: 'api', failure: 'refused', status: code });
  expect(error).toMatchObject({ code: 'KRY0001', why: `HTTP ${code}, KRY0001: no` });
  expect((error as ApiError).next.includes(KEY_MAY_BE_REPLACED)).toBe(mayBeDone);
  expect((error as ApiError).next.join()).toContain(advice);
  expect((error as ApiError).next.join()).not.toMatch(/auth key|createSim/);
});

it.each<[string, Answer, number | undefined]>([
  ['is cut off', cut, undefined],
  ['does not come', silence, 3_000],
])('reports that the key may have changed if the answer %s', async (_, answer, timeoutMs) => {
  const error = await call(answer, timeoutMs === undefined ? {} : { timeoutMs });
  expect(error).toBeInstanceOf(ApiError);
  expect((error as ApiError).next).toContain(KEY_MAY_BE_REPLACED);
  expect(server.calls).toEqual([CALL]);
});

it('reports that nothing was sent if it cannot connect', async () => {
  const { url } = server;
  await server.close();
  const error = await bootstrapArc({ endpoint: url, userAgent: 'x' }).catch((e: unknown) => e);
  expect(error).toMatchObject({ failure: 'connection' });
  expect((error as ApiError).next[0]).toBe(
    'Start `arctun emulator`. To use SORACOM, do not set --endpoint or ARCTUN_KRYPTON_ENDPOINT.',
  );
  expect((error as ApiError).next.join()).toContain(
    'Check that the route to Krypton uses the SORACOM Air connection',
  );
  expect((error as ApiError).next).not.toContain(KEY_MAY_BE_REPLACED);
  server = await RecordingServer.start();
});
