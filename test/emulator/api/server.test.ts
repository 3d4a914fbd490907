import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';

import { MAX_BODY_BYTES } from '../../../src/emulator/api/server.js';
import { ADMIN, ApiHarness, code, CREATE, keyOf, UNKNOWN_SIM, user } from './api-harness.js';

let api: ApiHarness;

beforeEach(async () => {
  const users = [user('reader', 'Sim:getSim'), user('sims', 'Sim:*'), user('nothing')];
  api = await new ApiHarness(users).open();
});
afterEach(() => api.close());

/** Each operation that needs a token. */
const OPERATIONS: [string, string][] = [
  ['POST', '/v1/auth/logout'],
  ['POST', '/v1/auth/switch_user'],
  ['GET', '/v1/sims'],
  ['POST', '/v1/sims'],
  ['GET', UNKNOWN_SIM],
  ['POST', `${UNKNOWN_SIM}/sessions/arc`],
  ['PUT', `${UNKNOWN_SIM}/credentials/arc`],
  ['POST', `${UNKNOWN_SIM}/delete_session`],
  ['GET', `${UNKNOWN_SIM}/events/sessions`],
  ['POST', `${UNKNOWN_SIM}/enable_termination`],
  ['POST', `${UNKNOWN_SIM}/disable_termination`],
  ['POST', `${UNKNOWN_SIM}/terminate`],
  ['PUT', `${UNKNOWN_SIM}/tags`],
  ['DELETE', `${UNKNOWN_SIM}/tags/a`],
  ['POST', `${UNKNOWN_SIM}/set_group`],
  ['POST', `${UNKNOWN_SIM}/unset_group`],
  ['GET', '/v1/query/sims'],
  ['GET', '/v1/groups'],
  ['POST', '/v1/groups'],
  ['GET', '/v1/groups/x'],
];

describe('a call without a valid token', () => {
  const call = ([method, path]: [string, string], headers: object) =>
    method === 'GET'
      ? api.request(method, path, { headers: { ...headers } })
      : api.send(method, path, '{', headers);

  it.each(OPERATIONS)('is refused with AUM0001 if a header is missing: %s %s', async (...to) => {
    const { 'X-Soracom-API-Key': apiKey = '', 'X-Soracom-Token': token = '' } = await api.logIn();
    expect(code(await call(to, {}))).toEqual([401, 'AUM0001']);
    expect(code(await call(to, { 'X-Soracom-API-Key': apiKey }))).toEqual([401, 'AUM0001']);
    expect(code(await call(to, { 'X-Soracom-Token': token }))).toEqual([401, 'AUM0001']);
    const empty = { 'X-Soracom-API-Key': apiKey, 'X-Soracom-Token': '' };
    expect(code(await call(to, empty))).toEqual([401, 'AUM0001']);
  });

  it.each(OPERATIONS)('is refused if the token is wrong: %s %s', async (...to) => {
    const headers = await api.logIn();
    expect((await call(to, { ...headers, 'X-Soracom-Token': 'x' })).status).toBe(401);
    expect((await call(to, { ...headers, 'X-Soracom-API-Key': 'x' })).status).toBe(401);
  });

  it.each(OPERATIONS.slice(1))('is refused without its permission: %s %s', async (...to) => {
    expect(code(await call(to, await api.logIn(keyOf('nothing'))))).toEqual([403, 'EMU0403']);
  });
});

describe('permissions', () => {
  it('are checked by operation', async () => {
    const simId = await api.createSim();
    const headers = await api.logIn(keyOf('reader'));
    expect((await api.request('GET', `/v1/sims/${simId}`, { headers })).status).toBe(200);
    const refused = await api.post('/v1/sims', CREATE, headers);
    expect(refused.status).toBe(403);
    expect(refused.body.message).toBe('The permission Sim:createSim is missing.');
    expect((await api.post(`/v1/sims/${simId}/sessions/arc`, {}, headers)).status).toBe(403);
    expect(api.arc.peers.size).toBe(1);
  });

  it('can include all operations of a tag', async () => {
    const headers = await api.logIn(keyOf('sims'));
    expect((await api.post('/v1/sims', CREATE, headers)).status).toBe(201);
    expect((await api.post('/v1/groups', {}, headers)).status).toBe(403);
  });
});

it('answers a client although another one has reached the connection limit', async () => {
  const sockets = Array.from({ length: 300 }, () => connect(api.port, '127.0.0.1'));
  for (const socket of sockets) socket.on('error', () => undefined);
  try {
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (let call = 0; call < 5; call++) {
      expect((await api.request('GET', '/emulator/messages')).status).toBe(200);
    }
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

it('keeps running after a call that it cannot answer', async () => {
  api.onCall = () => {
    throw new Error('cannot be told');
  };
  await expect(api.request('GET', '/metadata/v1/subscriber')).rejects.toThrow();
  api.onCall = () => undefined;
  expect((await api.request('GET', '/metadata/v1/subscriber')).status).toBe(200);
});

describe('paths', () => {
  it.each([
    ['GET', '/v1'],
    ['GET', '/v1/'],
    ['POST', '/v1auth'],
    ['POST', '/auth'],
    ['POST', '/v1/auth/'],
    ['GET', '/metadata'],
    ['GET', '/metadata/'],
    ['GET', '/metadatav1/subscriber'],
    ['GET', '/emulator'],
    ['GET', '/emulator/constructor'],
    ['GET', '/emulatormessages'],
  ])('do not include %s %s', async (method, path) => {
    expect(code(await api.request(method, path))).toEqual([404, 'EMU0404']);
  });

  it.each([
    ['GET', '/v1/auth'],
    ['DELETE', UNKNOWN_SIM],
    ['POST', '/emulator/messages'],
    ['PUT', '/emulator/faults'],
    ['GET', '/emulator/users'],
    ['POST', '/metadata/v1/subscriber'],
  ])('do not accept %s %s', async (method, path) => {
    expect((await api.request(method, path)).status).toBe(405);
  });

  it('accept a query and ignore it', async () => {
    expect((await api.post('/v1/auth?a[b]=1&c={', ADMIN)).status).toBe(200);
  });
});

describe('a web page', () => {
  const asBrowser = (fields: object) => api.post('/v1/auth', ADMIN, fields);
  const status = async (method: string, fields: Record<string, string>) => {
    // fetch() would not send these.
    const asked = request({ port: api.port, path: '/emulator/sims', method, headers: fields });
    const [response] = (await once(asked.end(), 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };

  it('of a foreign origin is refused everywhere, with an explanation', async () => {
    const reply = await asBrowser({ Origin: 'https://evil.example' });
    expect(code(reply)).toEqual([403, 'EMU0403']);
    expect(reply.body.message).toContain('--allow-origin https://evil.example');
    expect(api.calls).toEqual([]);
    expect(await status('GET', { 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
  });

  it('of a rebound name is refused with 421', async () => {
    expect(await status('GET', { Host: 'evil.example' })).toBe(421);
    expect(await status('GET', { Host: `localhost:${api.port}` })).toBe(200);
  });

  it('is not refused if it only reads', async () => {
    const browser = { 'User-Agent': 'Mozilla/5.0', 'Accept-Language': 'en' };
    expect(await status('GET', browser)).toBe(200);
    expect(await status('DELETE', browser)).toBe(403);
  });

  it('of an allowed origin may send and read', async () => {
    const server = await api.createServer({ hosts: ['arctun'], origins: ['https://app.example'] });
    const { port } = await server.listen('127.0.0.1', 0);
    const url = `http://127.0.0.1:${port}/emulator/sims`;
    const headers = { Origin: 'https://app.example' };
    const reply = await fetch(url, { headers });
    expect(reply.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(await reply.json()).toEqual([]);
    const asks = { ...headers, 'Access-Control-Request-Method': 'POST' };
    const preflight = await fetch(url, { method: 'OPTIONS', headers: asks });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toBe('POST');
    await server.close();
  });
});

describe('limits', () => {
  it('allow a body of 64 KiB and not one byte more', async () => {
    const text = JSON.stringify(ADMIN);
    expect((await api.post('/v1/auth', text.padEnd(MAX_BODY_BYTES))).status).toBe(200);
    const reply = await api.post('/v1/auth', text.padEnd(MAX_BODY_BYTES + 1));
    expect(reply.status).toBe(413);
    expect(reply.headers.get('connection')).toBe('close');
    expect(api.calls.map(({ status }) => status)).toEqual([200, 413]);
    const own = await api.post('/emulator/users', '['.padEnd(MAX_BODY_BYTES + 1));
    expect(own.status).toBe(413);
  });

  it('keep the server running after a client disconnects in the middle of a body', async () => {
    const socket = connect(api.port, '127.0.0.1');
    socket.write('POST /v1/auth HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{');
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await api.post('/v1/auth', ADMIN)).status).toBe(200);
    expect(api.calls).toHaveLength(1);
  });
});

describe('the metadata service', () => {
  it('returns the same data for the line as in the cellular network', async () => {
    const { simId } = api.state.sims.line();
    const all = await api.request('GET', '/metadata/v1/subscriber?x=y');
    expect(all.body).toMatchObject({ simId, moduleType: 'nano' });
    const field = await api.request('GET', '/metadata/v1/subscriber.simId');
    expect(field).toMatchObject({ status: 200, text: simId });
    expect(field.headers.get('content-type')).toBe('text/plain');
  });
});

describe('the state', () => {
  it('is saved before a call is answered', async () => {
    await api.createSim();
    expect(api.saves).toBe(2);
    await api.post('/emulator/users', user('new'));
    expect(api.saves).toBe(3);
  });

  it('makes the answer an error if it cannot be saved', async () => {
    const headers = await api.logIn();
    api.saveError = new Error('the disk is full');
    const reply = await api.post('/v1/sims', CREATE, headers);
    expect(code(reply)).toEqual([500, 'EMU0500']);
    expect(reply.body.message).toBe('The state was not saved: the disk is full.');
    api.saveError = undefined;
    expect((await api.post('/v1/sims', CREATE, headers)).status).toBe(201);
  });
});

it('reports why it cannot listen', async () => {
  const other = await api.createServer();
  await expect(other.listen('127.0.0.1', api.port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
