import { connect } from 'node:net';

import type { ApiRequest } from '../../../src/emulator/api/request-log.js';
import {
  type ApiServer,
  createApiServer,
  MAX_BODY_BYTES,
} from '../../../src/emulator/api/server.js';
import { MessageStore } from '../../../src/emulator/messages.js';
import { MAX_SIMS, PlatformState } from '../../../src/emulator/platform-state.js';
import { ARC_ALLOWED_IPS } from '../../../src/emulator/services.js';
import { seededEntropy, fakeCrypto, FakeArcNetwork, FakeWallClock } from '../fakes.js';

const ADMIN = { authKeyId: 'keyId-emulator', authKey: 'secret-emulator' };
const CREATE = { type: 'virtual', subscription: 'planArc01' };
const UNKNOWN_SIM = '/v1/sims/8942300000000000001';

const user = (name: string, ...permissions: string[]) => ({
  authKeyId: `keyId-${name}`,
  authKey: `secret-${name}`,
  permissions,
});
const USERS = [
  { ...ADMIN, permissions: ['*'] },
  user('reader', 'Sim:getSim'),
  user('sims', 'Sim:*'),
  user('nothing'),
];

interface Reply {
  status: number;
  body: Record<string, unknown>;
}

const wallClock = new FakeWallClock();
let server: ApiServer;
let state: PlatformState;
let arc: FakeArcNetwork;
let messages: MessageStore;
let calls: ApiRequest[];
let base: string;
let port: number;

beforeEach(async () => {
  arc = new FakeArcNetwork();
  messages = new MessageStore();
  calls = [];
  const entropy = seededEntropy();
  state = new PlatformState({ crypto: fakeCrypto, entropy, wallClock, arc, users: USERS });
  server = await createApiServer({
    state,
    arcServer: { publicKey: arc.publicKey, endpoint: '127.0.0.1:11010' },
    messages,
    wallClock,
    onRequest: (call) => calls.push(call),
  });
  const address = await server.listen('127.0.0.1', 0);
  port = address.port;
  base = `http://127.0.0.1:${port}`;
});

afterEach(() => server.close());

async function request(method: string, path: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(base + path, { method, ...init });
  const text = await response.text();
  return {
    status: response.status,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  return request('POST', path, {
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function logIn(credentials: object = ADMIN): Promise<Record<string, string>> {
  const { body } = await post('/v1/auth', credentials);
  return { 'X-Soracom-API-Key': String(body.apiKey), 'X-Soracom-Token': String(body.token) };
}

async function createSim(): Promise<string> {
  const { body } = await post('/v1/sims', CREATE, await logIn());
  return String(body.simId);
}

const code = ({ status, body }: Reply) => [status, body.code];

describe('auth', () => {
  it('gives an API key and a token', async () => {
    const { status, body } = await post('/v1/auth', { ...ADMIN, tokenTimeoutSeconds: 300 });
    expect(status).toBe(200);
    expect(body).toEqual({
      apiKey: expect.stringMatching(/^api-/) as string,
      token: expect.stringMatching(/^ey/) as string,
      operatorId: 'OP0000000000',
    });
  });

  it.each([
    { authKeyId: 'keyId-emulator', authKey: 'secret-wrong' },
    { authKeyId: 'keyId-wrong', authKey: 'secret-emulator' },
    { authKeyId: 'keyId-emulator' },
    { email: 'a@example.com', password: 'x' },
    {},
  ])('refuses %j', async (credentials) => {
    const reply = await post('/v1/auth', credentials);
    expect(reply).toEqual({
      status: 401,
      body: { code: 'AUM0002', message: 'Invalid username/password supplied.' },
    });
  });

  it.each([
    '',
    '{',
    'null',
    '3',
    '"text"',
    '[]',
    { authKeyId: 1, authKey: 'secret-emulator' },
    { ...ADMIN, tokenTimeoutSeconds: '300' },
    { ...ADMIN, tokenTimeoutSeconds: 0 },
    { ...ADMIN, tokenTimeoutSeconds: 1.5 },
    { ...ADMIN, tokenTimeoutSeconds: 172_801 },
  ])('calls %j malformed', async (body) => {
    const reply = await post('/v1/auth', body);
    expect(code(reply)).toEqual([400, 'COM0008']);
    expect(reply.body.message).toMatch(/^The body is malformed: ./);
  });

  it.each([undefined, 172_800])('gives tokens that live for %s s', async (tokenTimeoutSeconds) => {
    const headers = await logIn({ ...ADMIN, tokenTimeoutSeconds });
    const lifetime = (tokenTimeoutSeconds ?? 86_400) * 1000;
    const start = wallClock.now;
    wallClock.now = start + lifetime - 1;
    expect((await request('GET', UNKNOWN_SIM, { headers })).status).toBe(404);
    wallClock.now = start + lifetime;
    expect((await request('GET', UNKNOWN_SIM, { headers })).status).toBe(401);
    wallClock.now = start;
  });
});

describe('a call without the right token', () => {
  const OPERATIONS: [string, string][] = [
    ['POST', '/v1/auth/logout'],
    ['POST', '/v1/sims'],
    ['GET', UNKNOWN_SIM],
    ['POST', `${UNKNOWN_SIM}/sessions/arc`],
  ];
  const call = ([method, path]: [string, string], headers: Record<string, string>) =>
    method === 'GET' ? request(method, path, { headers }) : post(path, '{', headers);

  it.each(OPERATIONS)('is refused with AUM0001 where a header is missing: %s %s', async (...to) => {
    const { 'X-Soracom-API-Key': apiKey = '', 'X-Soracom-Token': token = '' } = await logIn();
    expect(code(await call(to, {}))).toEqual([401, 'AUM0001']);
    expect(code(await call(to, { 'X-Soracom-API-Key': apiKey }))).toEqual([401, 'AUM0001']);
    expect(code(await call(to, { 'X-Soracom-Token': token }))).toEqual([401, 'AUM0001']);
    const empty = { 'X-Soracom-API-Key': apiKey, 'X-Soracom-Token': '' };
    expect(code(await call(to, empty))).toEqual([401, 'AUM0001']);
  });

  it.each(OPERATIONS)('is refused where the token is wrong: %s %s', async (...to) => {
    const headers = await logIn();
    expect((await call(to, { ...headers, 'X-Soracom-Token': 'x' })).status).toBe(401);
    expect((await call(to, { ...headers, 'X-Soracom-API-Key': 'x' })).status).toBe(401);
  });
});

describe('permissions', () => {
  it('are asked for by operation', async () => {
    const simId = await createSim();
    const headers = await logIn({ authKeyId: 'keyId-reader', authKey: 'secret-reader' });
    expect((await request('GET', `/v1/sims/${simId}`, { headers })).status).toBe(200);
    const refused = await post('/v1/sims', CREATE, headers);
    expect(refused.status).toBe(403);
    expect(refused.body.message).toBe('The permission Sim:createSim is missing.');
    expect((await post(`/v1/sims/${simId}/sessions/arc`, {}, headers)).status).toBe(403);
    expect(arc.peers.size).toBe(1);
  });

  it('may name all operations of a tag', async () => {
    const headers = await logIn({ authKeyId: 'keyId-sims', authKey: 'secret-sims' });
    expect((await post('/v1/sims', CREATE, headers)).status).toBe(201);
  });

  it('are looked at before the SIM is', async () => {
    const headers = await logIn({ authKeyId: 'keyId-nothing', authKey: 'secret-nothing' });
    expect((await request('GET', UNKNOWN_SIM, { headers })).status).toBe(403);
  });

  it('are not needed to log out', async () => {
    const headers = await logIn({ authKeyId: 'keyId-nothing', authKey: 'secret-nothing' });
    expect((await post('/v1/auth/logout', {}, headers)).status).toBe(204);
  });
});

describe('logout', () => {
  it.each(['', '{}'])('ends the token, with the body %j', async (body) => {
    const headers = await logIn();
    expect(await post('/v1/auth/logout', body, headers)).toEqual({ status: 204, body: {} });
    expect((await post('/v1/sims', CREATE, headers)).status).toBe(401);
    expect((await post('/v1/auth/logout', body, headers)).status).toBe(401);
  });
});

describe('createSim', () => {
  it('answers with the SIM, its keys and its session', async () => {
    const { status, body } = await post('/v1/sims', CREATE, await logIn());
    expect(status).toBe(201);
    const simId = String(body.simId);
    const { imsi, publicKey } = state.sim(simId)!;
    const arcClientPeerPublicKey = Buffer.from(publicKey).toString('base64');
    expect(body).toMatchObject({
      operatorId: 'OP0000000000',
      type: 'virtual',
      moduleType: 'virtual',
      status: 'active',
      activeProfileId: simId,
      createdTime: wallClock.now,
      arcSessionStatus: {
        arcServerPeerPublicKey: Buffer.from(arc.publicKey).toString('base64'),
        arcServerEndpoint: '127.0.0.1:11010',
        arcAllowedIPs: ARC_ALLOWED_IPS,
        arcClientPeerIpAddress: '10.0.0.2',
        arcClientPeerPublicKey,
      },
      profiles: {
        [simId]: {
          iccid: simId,
          primaryImsi: imsi,
          arcClientPeerPublicKey,
          subscribers: { [imsi]: { imsi, status: 'active', subscription: 'planArc01' } },
        },
      },
      sessionStatus: {
        online: true,
        imsi,
        ueIpAddress: '10.0.0.2',
        dnsServers: ['100.127.0.53', '100.127.1.53'],
        subscription: 'planArc01',
      },
    });
    const profiles = body.profiles as Record<string, { arcClientPeerPrivateKey: string }>;
    const privateKey = Buffer.from(profiles[simId]!.arcClientPeerPrivateKey, 'base64');
    expect(privateKey).toHaveLength(32);
    expect(fakeCrypto.publicKey(Uint8Array.from(privateKey))).toEqual(Uint8Array.from(publicKey));
  });

  it.each([
    '',
    '{',
    '7',
    {},
    { type: 'virtual' },
    { subscription: 'planArc01' },
    { ...CREATE, type: 'uicc' },
    { ...CREATE, subscription: 'plan01s' },
  ])('calls %j malformed and creates nothing', async (body) => {
    expect(code(await post('/v1/sims', body, await logIn()))).toEqual([400, 'COM0008']);
    expect(arc.peers.size).toBe(0);
  });

  it('is refused beyond the number of SIMs', async () => {
    for (let count = 0; count < MAX_SIMS; count++) state.createSim();
    expect((await post('/v1/sims', CREATE, await logIn())).status).toBe(400);
  });
});

describe('getSim', () => {
  it('shows what createSim answered, but never the private key again', async () => {
    const headers = await logIn();
    const created = (await post('/v1/sims', CREATE, headers)).body;
    const simId = String(created.simId);
    const { status, body } = await request('GET', `/v1/sims/${simId}`, { headers });
    expect(status).toBe(200);
    expect(JSON.stringify(body)).not.toContain('PrivateKey');
    const profiles = created.profiles as Record<string, Record<string, unknown>>;
    delete profiles[simId]!.arcClientPeerPrivateKey;
    expect(body).toEqual(created);
  });

  it.each(['8942300000000000001', '__proto__', 'a%20b'])('does not know %s', async (simId) => {
    const reply = await request('GET', `/v1/sims/${simId}`, { headers: await logIn() });
    expect(code(reply)).toEqual([404, 'SEM0095']);
  });

  it('calls a path malformed that cannot be decoded', async () => {
    const reply = await request('GET', '/v1/sims/%ff', { headers: await logIn() });
    expect(code(reply)).toEqual([400, 'COM0008']);
  });
});

describe('createArcSession', () => {
  it('creates the session anew and changes nothing that a client has', async () => {
    const headers = await logIn();
    const created = (await post('/v1/sims', CREATE, headers)).body;
    const path = `/v1/sims/${String(created.simId)}`;
    const { status, body } = await post(`${path}/sessions/arc`, {}, headers);
    expect(status).toBe(200);
    expect(body).toEqual(created.arcSessionStatus);
    expect(arc.events).toEqual(['add 10.0.0.2', 'remove 10.0.0.2', 'add 10.0.0.2']);
    const shown = (await request('GET', path, { headers })).body;
    const sessionId = (sim: Record<string, unknown>) =>
      (sim.sessionStatus as { sessionId: string }).sessionId;
    expect(sessionId(shown)).not.toBe(sessionId(created));
  });

  it('does not know other SIMs', async () => {
    const reply = await post(`${UNKNOWN_SIM}/sessions/arc`, {}, await logIn());
    expect(code(reply)).toEqual([404, 'SEM0095']);
    expect((await post('/v1/sims//sessions/arc', {}, await logIn())).status).toBe(404);
  });

  it.each(['', '[]', 'null', { a: 1 }, '{"__proto__":1}'])('calls %j malformed', async (body) => {
    const path = `/v1/sims/${await createSim()}/sessions/arc`;
    expect(code(await post(path, body, await logIn()))).toEqual([400, 'COM0008']);
    expect(arc.events).toEqual(['add 10.0.0.2']);
  });
});

describe('paths', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/v1'],
    ['POST', '/v1auth'],
    ['POST', '/auth'],
    ['POST', '/v1/auth/'],
    ['POST', '/v1/auth/switch_user'],
    ['GET', '/emulator'],
    ['GET', '/emulator/constructor'],
  ])('has no %s %s', async (method, path) => {
    expect(code(await request(method, path))).toEqual([404, 'EMU0404']);
  });

  it.each([
    ['GET', '/v1/auth'],
    ['DELETE', UNKNOWN_SIM],
    ['POST', '/emulator/messages'],
  ])('does not take %s %s', async (method, path) => {
    expect((await request(method, path)).status).toBe(405);
  });

  it('takes a query and does not look at it', async () => {
    expect((await post('/v1/auth?a[b]=1&c={', ADMIN)).status).toBe(200);
  });
});

describe('limits', () => {
  it('takes a body of 64 KiB and no byte more', async () => {
    const text = JSON.stringify(ADMIN);
    expect((await post('/v1/auth', text.padEnd(MAX_BODY_BYTES))).status).toBe(200);
    const reply = await post('/v1/auth', text.padEnd(MAX_BODY_BYTES + 1));
    expect(reply.status).toBe(413);
    expect(calls.map(({ status }) => status)).toEqual([200, 413]);
  });

  it('serves on after a client that leaves in the middle of a body', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /v1/auth HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{');
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await post('/v1/auth', ADMIN)).status).toBe(200);
    expect(calls).toHaveLength(1);
  });
});

describe('what a test may look at', () => {
  it('is each call under /v1, without its credentials', async () => {
    const headers = await logIn();
    await post('/v1/sims?x=1', CREATE, { ...headers, 'X-Soracom-Lang': 'en' });
    await post('/v1/sims', CREATE);
    const reply = await request('GET', '/emulator/requests');
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual(calls);
    expect(calls).toMatchObject([
      { method: 'POST', path: '/v1/auth', status: 200, at: '2026-01-02T03:04:05.000Z' },
      {
        method: 'POST',
        path: '/v1/sims?x=1',
        status: 201,
        headers: {
          'x-soracom-lang': 'en',
          'x-soracom-token': '<redacted>',
          'x-soracom-api-key': '<redacted>',
        },
      },
      { path: '/v1/sims', status: 401 },
    ]);
    for (const secret of [...Object.values(headers), ADMIN.authKey]) {
      expect(JSON.stringify(reply.body)).not.toContain(secret);
    }
  });

  it('is each message, or those of one SIM', async () => {
    expect(await request('GET', '/emulator/messages')).toEqual({ status: 200, body: [] });
    const message = (simId: string) => ({
      simId,
      at: '2026-01-02T03:04:05.000Z',
      method: 'POST',
      path: '/',
      headers: {},
      body: 'x',
      bodyEncoding: 'utf8' as const,
      bytes: 1,
      truncated: false,
    });
    messages.add(message('1'));
    messages.add(message('2'));
    expect((await request('GET', '/emulator/messages')).body).toEqual([message('1'), message('2')]);
    const ofOne = await request('GET', '/emulator/messages?simId=2');
    expect(ofOne.body).toEqual([message('2')]);
  });
});

it('says why it cannot listen', async () => {
  await expect(server.listen('127.0.0.1', port)).rejects.toThrow();
  const other = await createApiServer({
    state,
    arcServer: { publicKey: arc.publicKey, endpoint: '' },
    messages,
    wallClock,
  });
  await expect(other.listen('127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
