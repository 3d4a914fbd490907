/** The client's view of each fault, and the state of the emulator after it. */
import { once } from 'node:events';
import { connect } from 'node:net';

import { ApiHarness, code, CREATE } from './api-harness.js';
import { until } from '../../support/until.js';

let api: ApiHarness;
let headers: Record<string, string>;

beforeEach(async () => {
  api = await new ApiHarness().open();
  headers = await api.logIn();
});
afterEach(() => api.close());

const createSim = () => api.post('/v1/sims', CREATE, headers);
const simCount = () => api.state.sims.all().length - 1;
const lastCall = () => api.calls.at(-1);

async function fault(request: object): Promise<void> {
  const { status } = await api.post('/emulator/faults', { operation: 'createSim', ...request });
  expect(status).toBe(201);
}

/** The number of faults armed in this process. */
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

it.each([401, 403, 429, 500, 503])(
  'answers with status %s once, without performing the call',
  async (status) => {
    await fault({ status });
    expect(code(await createSim())).toEqual([status, 'EMU0000']);
    expect(simCount()).toBe(0);
    expect(lastCall()).toMatchObject({ path: '/v1/sims', status });
    expect((await createSim()).status).toBe(201);
  },
);

it('does not affect another operation', async () => {
  await fault({ status: 500 });
  expect((await api.request('GET', '/v1/sims', { headers })).status).toBe(200);
});

it.each([
  [7, '7'],
  ['Wed, 21 Oct 2026 07:28:00 GMT', 'Wed, 21 Oct 2026 07:28:00 GMT'],
])('retryAfter %s answers 429 with Retry-After', async (retryAfter, shown) => {
  await fault({ retryAfter });
  const reply = await createSim();
  expect(reply.status).toBe(429);
  expect(reply.headers.get('retry-after')).toBe(shown);
  expect(simCount()).toBe(0);
});

it('retryAfter works with another status, headers and a body', async () => {
  await fault({ retryAfter: 0, status: 503, headers: { 'X-A': 'b' }, body: { code: 'X' } });
  const reply = await createSim();
  expect(code(reply)).toEqual([503, 'X']);
  expect(reply.headers.get('retry-after')).toBe('0');
  expect(reply.headers.get('x-a')).toBe('b');
});

it.each([
  ['text', 'text/plain', 'text'],
  ['', 'text/plain', ''],
  [{}, 'application/json', '{}\n'],
  [null, 'application/json', 'null'],
  [7, 'application/json', '7'],
])('body %j replaces the answer, and the call is performed', async (body, type, text) => {
  await fault({ body });
  const reply = await createSim();
  expect(reply.status).toBe(201);
  expect(reply.headers.get('content-type')).toBe(type);
  expect(reply.text).toBe(text);
  expect(simCount()).toBe(1);
});

it('garbage answers invalid JSON, and the call is performed', async () => {
  await fault({ garbage: true });
  const reply = await createSim();
  expect(reply.status).toBe(201);
  expect(reply.headers.get('content-type')).toBe('text/html');
  expect(() => JSON.parse(reply.text) as unknown).toThrow();
  expect(simCount()).toBe(1);
});

it('garbage with a status is answered without performing the call', async () => {
  await fault({ garbage: true, status: 502 });
  expect((await createSim()).text).toContain('<html>');
  expect(simCount()).toBe(0);
});

it('carryOut performs the call before an error', async () => {
  await fault({ status: 500, carryOut: true });
  expect((await createSim()).status).toBe(500);
  expect(simCount()).toBe(1);
});

it('carryOut: false answers without performing the call', async () => {
  await fault({ carryOut: false });
  expect((await createSim()).status).toBe(500);
  expect(simCount()).toBe(0);
});

it.each([
  ['before', 0],
  ['after', 1],
])('cut %s leaves no answer and %s SIMs', async (cut, count) => {
  await fault({ cut });
  await expect(createSim()).rejects.toThrow();
  expect(simCount()).toBe(count);
  expect(lastCall()).toMatchObject({ path: '/v1/sims', status: 0 });
  expect((await createSim()).status).toBe(201);
});

it('cut within the answer sends half of it', async () => {
  await fault({ cut: 'within' });
  const body = JSON.stringify(CREATE);
  const socket = connect(api.port, '127.0.0.1');
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST /v1/sims HTTP/1.1\r\nHost: localhost\r\n${lines.join('')}`);
  socket.write('Content-Type: application/json\r\n');
  socket.end(`Content-Length: ${body.length}\r\n\r\n${body}`);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  const [head = '', half = ''] = text.split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 201 /);
  const announced = Number(/content-length: (\d+)/i.exec(head)?.[1]);
  expect(half).toHaveLength(announced >> 1);
  expect(simCount()).toBe(1);
});

it('a delay postpones the answer, and the call is performed', async () => {
  await fault({ delayMs: 50 });
  const start = performance.now();
  expect((await createSim()).status).toBe(201);
  // Timers may fire a millisecond early.
  expect(performance.now() - start).toBeGreaterThan(48);
});

it('a delay ends when the waiting client leaves, and the SIM exists', async () => {
  await fault({ delayMs: 60_000 });
  const abort = new AbortController();
  const call = fetch(`${api.base}/v1/sims`, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(CREATE),
    signal: abort.signal,
  });
  await until(() => lastCall()?.path === '/v1/sims');
  abort.abort();
  await expect(call).rejects.toThrow();
  expect(simCount()).toBe(1);
  expect((await createSim()).status).toBe(201);
});

it('a delay ends when the server closes', async () => {
  await fault({ delayMs: 60_000 });
  const before = timers();
  const socket = connect(api.port, '127.0.0.1').on('error', () => undefined);
  socket.write('POST /v1/sims HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n');
  await until(() => lastCall()?.path === '/v1/sims');
  const closed = once(socket, 'close');
  await api.close();
  await closed;
  await new Promise(setImmediate);
  expect(timers()).toBeLessThanOrEqual(before);
});

it('affects Krypton and the metadata service, too', async () => {
  await api.post('/emulator/faults', { operation: 'bootstrapArc', body: {} });
  await api.post('/emulator/faults', { path: '/metadata/*', status: 403 });
  expect((await api.post('/v1/provisioning/soracom/arc/bootstrap', {})).text).toBe('{}\n');
  expect((await api.request('GET', '/metadata/v1/subscriber')).status).toBe(403);
  expect((await api.request('GET', '/metadata/v1/subscriber')).status).toBe(200);
});

it('does not affect the emulator’s own paths', async () => {
  await api.post('/emulator/faults', { path: '*', status: 500 });
  expect((await api.request('GET', '/emulator/faults')).status).toBe(200);
});
