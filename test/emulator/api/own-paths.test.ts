import { ownResponse } from '../../../src/emulator/api/own-paths.js';
import { RequestLog } from '../../../src/emulator/api/request-log.js';
import { Faults, MAX_FAULTS } from '../../../src/emulator/faults.js';
import type { ArcSim } from '../../../src/emulator/sim.js';
import { ADMIN, ApiHarness, code, CREATE, keyOf, user } from './api-harness.js';

let api: ApiHarness;

beforeEach(async () => {
  api = await new ApiHarness().open();
});
afterEach(() => api.close());

const get = async (path: string) => (await api.request('GET', path)).body as unknown;

describe('/emulator/requests', () => {
  it('lists each API call, without its credentials', async () => {
    const headers = await api.logIn();
    await api.post('/v1/sims?x=1', CREATE, { ...headers, 'X-Soracom-Lang': 'en' });
    await api.post('/v1/sims', CREATE);
    await get('/metadata/v1/subscriber');
    const requests = await get('/emulator/requests');
    expect(requests).toEqual(api.calls);
    expect(requests).toMatchObject([
      {
        method: 'POST',
        path: '/v1/auth',
        status: 200,
        at: '2026-01-02T03:04:05.000Z',
        user: ADMIN.authKeyId,
      },
      {
        method: 'POST',
        path: '/v1/sims?x=1',
        status: 201,
        user: ADMIN.authKeyId,
        headers: {
          'x-soracom-lang': 'en',
          'x-soracom-token': '<redacted>',
          'x-soracom-api-key': '<redacted>',
        },
      },
      { path: '/v1/sims', status: 401 },
      { method: 'GET', path: '/metadata/v1/subscriber', status: 200 },
    ]);
    expect(api.calls[2]).not.toHaveProperty('user');
    for (const secret of [...Object.values(headers), ADMIN.authKey]) {
      expect(JSON.stringify(requests)).not.toContain(secret);
    }
  });
});

describe('/emulator/messages', () => {
  it('lists all messages, or those of one SIM', async () => {
    expect(await get('/emulator/messages')).toEqual([]);
    const message = (simId: string) => ({
      protocol: 'udp' as const,
      simId,
      at: '2026-01-02T03:04:05.000Z',
      body: 'x',
      bodyEncoding: 'utf8' as const,
      bytes: 1,
      truncated: false,
    });
    api.messages.add(message('1'));
    api.messages.add(message('2'));
    expect(await get('/emulator/messages')).toEqual([message('1'), message('2')]);
    expect(await get('/emulator/messages?simId=2')).toEqual([message('2')]);
  });
});

describe('/emulator/sims', () => {
  it('lists each virtual SIM, and whether it is billed', async () => {
    expect(await get('/emulator/sims')).toEqual([]);
    const [one, other] = [await api.createSim(), await api.createSim()];
    const { sims } = api.state;
    const { arc } = sims.get(one) as ArcSim;
    sims.setGroup(sims.get(one)!, 'group');
    sims.terminate(sims.get(other)!);
    expect(await get('/emulator/sims')).toEqual([
      {
        simId: one,
        type: 'virtual',
        operatorId: 'OP0000000000',
        imsi: arc.imsi,
        status: 'active',
        billed: true,
        online: true,
        terminationEnabled: false,
        createdTime: api.wallClock.now,
        groupId: 'group',
        tags: { name: '' },
        publicKey: Buffer.from(arc.publicKey).toString('base64'),
        address: '10.0.0.2',
      },
      expect.objectContaining({
        simId: other,
        status: 'terminated',
        billed: false,
        online: false,
      }),
    ]);
  });

  it('includes the line after it has a virtual subscription', async () => {
    const { imsi } = api.state.sims.bootstrapLine().sim.arc;
    const { simId } = api.state.sims.line();
    expect(await get('/emulator/sims')).toMatchObject([
      { simId, type: 'uicc', imsi, billed: true },
    ]);
  });
});

describe('/emulator/users', () => {
  it('adds a user', async () => {
    const added = { ...user('new', 'Sim:createSim'), userName: 'new' };
    const reply = await api.post('/emulator/users', added);
    expect([reply.status, reply.body]).toEqual([201, { user: 'OP0000000000/new' }]);
    expect(await api.createSim(keyOf('new'))).toMatch(/^8942/);
  });

  it('refuses an invalid user, and one that exists', async () => {
    const wrong = await api.post('/emulator/users', { ...user('new'), permissions: 'all' });
    expect(code(wrong)).toEqual([400, 'COM0008']);
    expect(wrong.body.message).toContain('permissions Invalid input');
    expect(code(await api.post('/emulator/users', '{'))).toEqual([400, 'COM0008']);
    const taken = await api.post('/emulator/users', { ...ADMIN, permissions: [] });
    expect(taken.body.message).toBe(
      'The user was not added: another user already has this authKeyId.',
    );
  });
});

describe('/emulator/arc', () => {
  const change = (body: unknown) => api.post('/emulator/arc', body);
  const serverKey = async (simId: string) => {
    const { body } = await api.request('GET', `/v1/sims/${simId}`, { headers: await api.logIn() });
    return (body.arcSessionStatus as Record<string, unknown>).arcServerPeerPublicKey;
  };

  it('changes the key of the Arc server, and returns it in the API', async () => {
    const simId = await api.createSim();
    const before = await serverKey(simId);
    expect((await change({ serverKey: 'new' })).status).toBe(204);
    expect(await serverKey(simId)).toBe(Buffer.from(api.arc.publicKey).toString('base64'));
    expect(await serverKey(simId)).not.toBe(before);
  });

  it('changes the address of a SIM, with a new session', async () => {
    const simId = await api.createSim();
    const { session } = (api.state.sims.get(simId) as ArcSim).arc;
    const { status, body } = await change({ simId, address: '10.9.8.7' });
    expect([status, body]).toMatchObject([200, { simId, address: '10.9.8.7', online: true }]);
    expect((api.state.sims.get(simId) as ArcSim).arc.session).not.toEqual(session);
  });

  it.each([
    [{}, 400, 'COM0008'],
    [{ serverKey: 'old' }, 400, 'COM0008'],
    [{ simId: '1', address: '10.9.8' }, 400, 'COM0008'],
    [{ simId: '1', address: '2001:db8::1' }, 400, 'COM0008'],
    [{ simId: '1', address: '10.9.8.7' }, 404, 'SEM0095'],
  ])('refuses %j', async (body, status, reason) => {
    expect(code(await change(body))).toEqual([status, reason]);
  });

  it('refuses an address that is reserved for another SIM', async () => {
    const simId = await api.createSim();
    expect(code(await change({ simId, address: '10.0.0.9' }))).toEqual([400, 'EMU0400']);
    expect((await change({ simId, address: '10.1.0.9' })).status).toBe(200);
    const other = await api.createSim();
    expect(code(await change({ simId: other, address: '10.1.0.9' }))).toEqual([400, 'EMU0400']);
  });
});

describe('/emulator/faults', () => {
  it('lists, adds and clears faults', async () => {
    expect(await get('/emulator/faults')).toEqual([]);
    const fault = { operation: 'createSim', times: 2, status: 503 };
    const reply = await api.post('/emulator/faults', fault);
    const shown = { id: 1, ...fault, remaining: 2, delayMs: 0, garbage: false };
    expect([reply.status, reply.body]).toEqual([201, shown]);
    await api.createSim();
    expect(await get('/emulator/faults')).toEqual([{ ...shown, remaining: 1 }]);
    expect((await api.request('DELETE', '/emulator/faults')).status).toBe(204);
    expect(await get('/emulator/faults')).toEqual([]);
  });

  it.each(['', '[]', {}, { operation: 'createSim', times: 0 }, { path: '/v1/sims', when: 1 }])(
    'refuses %j',
    async (body) => {
      expect(code(await api.post('/emulator/faults', body))).toEqual([400, 'COM0008']);
      expect(await get('/emulator/faults')).toEqual([]);
    },
  );

  it('has a limit', async () => {
    for (let count = 0; count < MAX_FAULTS; count++) {
      await api.post('/emulator/faults', { operation: 'auth' });
    }
    const reply = await api.post('/emulator/faults', { operation: 'auth' });
    expect(code(reply)).toEqual([400, 'EMU0400']);
  });
});

it('answers only this machine', () => {
  const { state, messages } = api;
  const options = {
    state,
    messages,
    requests: new RequestLog(),
    faults: new Faults(),
    renewServerKey: () => undefined,
  };
  const query = new URLSearchParams();
  const call = { method: 'GET', path: '/emulator/sims', headers: {}, query, body: '' };
  expect(ownResponse(options, { ...call, isLocal: true }).status).toBe(200);
  for (const path of ['/emulator/sims', '/', '/emulator/events', '/emulator/downlink']) {
    expect(ownResponse(options, { ...call, path, isLocal: false }).status).toBe(403);
  }
});

describe('a body with a type other than JSON', () => {
  it.each(['/emulator/users', '/emulator/arc', '/emulator/faults'])(
    'is refused at %s, because a web page can send it without a preflight',
    async (path) => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
        const reply = await api.post(path, user('new'), { 'Content-Type': type });
        expect(code(reply)).toEqual([415, 'EMU0415']);
      }
      // Without a type.
      const body = new Blob([JSON.stringify(user('new'))]);
      expect((await api.request('POST', path, { body })).status).toBe(415);
    },
  );

  it('JSON may have parameters', async () => {
    const type = { 'Content-Type': 'Application/JSON; charset=utf-8' };
    expect((await api.post('/emulator/users', user('new'), type)).status).toBe(201);
  });
});
