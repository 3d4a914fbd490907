import { MAX_TAGS } from '../../../../src/emulator/api/operations/sims.js';
import { ARC_ALLOWED_IPS } from '../../../../src/emulator/services.js';
import type { ArcSim } from '../../../../src/emulator/sim.js';
import { MAX_SIMS } from '../../../../src/emulator/sims.js';
import type { EmulatorUser } from '../../../../src/emulator/users.js';
import { fakeCrypto } from '../../fakes.js';
import { ApiHarness, code, CREATE, keyOf, type Reply, UNKNOWN_SIM } from '../api-harness.js';

const OTHER: EmulatorUser = {
  authKeyId: 'keyId-other',
  authKey: 'secret-other',
  operatorId: 'OP0000000001',
  permissions: ['*'],
};
const OWN_KEY = Buffer.alloc(32, 7).toString('base64');

let api: ApiHarness;
let headers: Record<string, string>;

beforeEach(async () => {
  api = await new ApiHarness([OTHER]).open();
  headers = await api.logIn();
});
afterEach(() => api.close());

const arcSim = (simId: string) => api.state.sims.get(simId) as ArcSim;

/** A call on a SIM. */
function on(simId: string, method: string, path: string, body?: unknown): Promise<Reply> {
  const full = `/v1/sims/${simId}${path}`;
  return method === 'GET' || body === undefined
    ? api.request(method, full, { headers })
    : api.send(method, full, body, headers);
}

describe('the type of a body', () => {
  const send = (path: string, body: string, type: string) =>
    api.request('POST', path, { headers: { ...headers, 'Content-Type': type }, body });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', ''])(
    'must be JSON for createSim: %j is refused, and nothing is created',
    async (type) => {
      const before = api.state.sims.all().length;
      const reply = await send('/v1/sims', JSON.stringify(CREATE), type);
      expect(code(reply)).toEqual([415, 'EMU0415']);
      expect(api.state.sims.all()).toHaveLength(before);
    },
  );

  it.each(['application/json', 'Application/JSON; charset=utf-8'])('may be %s', async (type) => {
    expect((await send('/v1/sims', JSON.stringify(CREATE), type)).status).toBe(201);
  });

  it.each(['/v1/auth/logout', '/terminate', '/enable_termination', '/delete_session'])(
    'is ignored without a body: %s does not read one',
    async (path) => {
      const full = path.startsWith('/v1') ? path : `/v1/sims/${await api.createSim()}${path}`;
      expect(code(await send(full, '{}', 'application/json'))).toEqual([415, 'EMU0415']);
    },
  );
});

describe('createSim', () => {
  it('answers with the SIM, its keys and its session', async () => {
    const { status, body } = await api.post('/v1/sims', CREATE, headers);
    expect(status).toBe(201);
    const simId = String(body.simId);
    const { imsi, publicKey } = arcSim(simId).arc;
    const arcClientPeerPublicKey = Buffer.from(publicKey).toString('base64');
    expect(body).toMatchObject({
      operatorId: 'OP0000000000',
      type: 'virtual',
      moduleType: 'virtual',
      status: 'active',
      activeProfileId: simId,
      terminationEnabled: false,
      createdTime: api.wallClock.now,
      arcSessionStatus: {
        arcServerPeerPublicKey: Buffer.from(api.arc.publicKey).toString('base64'),
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
    expect(fakeCrypto.publicKey(Uint8Array.from(privateKey))).toEqual(publicKey);
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
  ])('rejects %j as malformed and creates nothing', async (body) => {
    expect(code(await api.post('/v1/sims', body, headers))).toEqual([400, 'COM0008']);
    expect(api.arc.peers.size).toBe(0);
  });

  it('is refused above the maximum number of SIMs', async () => {
    for (let count = 0; count < MAX_SIMS; count++) api.state.sims.create('OP0000000000');
    expect((await api.post('/v1/sims', CREATE, headers)).status).toBe(400);
  });
});

describe('getSim', () => {
  it('returns the same as createSim, except the private key', async () => {
    const created = (await api.post('/v1/sims', CREATE, headers)).body;
    const simId = String(created.simId);
    const { status, body, text } = await on(simId, 'GET', '');
    expect(status).toBe(200);
    expect(text).not.toContain('PrivateKey');
    const profiles = created.profiles as Record<string, Record<string, unknown>>;
    delete profiles[simId]!.arcClientPeerPrivateKey;
    expect(body).toEqual(created);
  });

  it.each(['8942300000000000001', '__proto__', 'a%20b'])('does not find %s', async (simId) => {
    expect(code(await on(simId, 'GET', ''))).toEqual([404, 'SEM0095']);
  });

  it('does not find the SIM of another operator', async () => {
    const simId = await api.createSim(keyOf('other'));
    expect(api.state.sims.get(simId)?.operatorId).toBe('OP0000000001');
    expect(code(await on(simId, 'GET', ''))).toEqual([404, 'SEM0095']);
  });

  it('rejects as malformed a path that cannot be decoded', async () => {
    expect(code(await on('%ff', 'GET', ''))).toEqual([400, 'COM0008']);
  });

  it('returns both profiles of the line', async () => {
    const { simId, imsi } = api.state.sims.line();
    const profile = (plan: string, of: string) => ({
      subscribers: { [of]: { subscription: plan } },
    });
    const before = (await on(simId, 'GET', '')).body;
    expect(before).toMatchObject({
      type: 'uicc',
      moduleType: 'nano',
      sessionStatus: { online: false },
      profiles: { [simId]: profile('plan01s', imsi) },
    });
    expect(before.arcSessionStatus).toBeUndefined();
    const { arc } = api.state.sims.bootstrapLine().sim;
    expect((await on(simId, 'GET', '')).body).toMatchObject({
      arcSessionStatus: { arcClientPeerIpAddress: '10.0.39.16' },
      sessionStatus: { online: true, imsi: arc.imsi },
      profiles: {
        [simId]: profile('plan01s', imsi),
        [arc.iccid]: profile('planArc01', arc.imsi),
      },
    });
  });
});

describe('listSims', () => {
  it('returns the operator’s SIMs in pages', async () => {
    const created = [api.state.sims.line().simId];
    for (let count = 0; count < 4; count++) created.push(await api.createSim());
    await api.createSim(keyOf('other'));
    const listed: string[] = [];
    const pages: number[] = [];
    for (let key: string | null = ''; key !== null;) {
      const query = key === '' ? '' : `&last_evaluated_key=${key}`;
      const reply = await api.request('GET', `/v1/sims?limit=2${query}`, { headers });
      const sims = reply.body as unknown as { simId: string }[];
      listed.push(...sims.map(({ simId }) => simId));
      pages.push(sims.length);
      key = reply.headers.get('x-soracom-next-key');
    }
    expect(listed).toEqual(created);
    expect(pages).toEqual([2, 2, 1]);
  });
});

describe('createArcSession', () => {
  it('replaces the session and keeps the client’s configuration valid', async () => {
    const created = (await api.post('/v1/sims', CREATE, headers)).body;
    const simId = String(created.simId);
    const { status, body } = await on(simId, 'POST', '/sessions/arc', {});
    expect(status).toBe(200);
    expect(body).toEqual(created.arcSessionStatus);
    expect(api.arc.events).toEqual(['add 10.0.0.2', 'remove 10.0.0.2', 'add 10.0.0.2']);
    const shown = (await on(simId, 'GET', '')).body;
    const sessionId = (sim: Record<string, unknown>) =>
      (sim.sessionStatus as { sessionId: string }).sessionId;
    expect(sessionId(shown)).not.toBe(sessionId(created));
  });

  it('does not find other SIMs', async () => {
    expect(code(await api.post(`${UNKNOWN_SIM}/sessions/arc`, {}, headers))).toEqual([
      404,
      'SEM0095',
    ]);
    expect((await api.post('/v1/sims//sessions/arc', {}, headers)).status).toBe(404);
  });

  it('requires credentials, and a SIM that is not terminated', async () => {
    expect((await on(api.state.sims.line().simId, 'POST', '/sessions/arc', {})).status).toBe(400);
    const simId = await api.createSim();
    api.state.sims.terminate(arcSim(simId));
    expect((await on(simId, 'POST', '/sessions/arc', {})).body.message).toBe(
      'The SIM is terminated.',
    );
    expect(api.arc.peers.size).toBe(0);
  });

  it.each(['', '[]', 'null', { a: 1 }, '{"__proto__":1}'])(
    'rejects %j as malformed',
    async (body) => {
      const simId = await api.createSim();
      expect(code(await on(simId, 'POST', '/sessions/arc', body))).toEqual([400, 'COM0008']);
      expect(api.arc.events).toEqual(['add 10.0.0.2']);
    },
  );
});

describe('renewArcSimCredentials', () => {
  const path = '/credentials/arc';

  it('accepts a public key, and returns nothing else', async () => {
    const simId = await api.createSim();
    const { status, body } = await on(simId, 'PUT', path, { arcClientPeerPublicKey: OWN_KEY });
    expect({ status, body }).toEqual({ status: 200, body: { arcClientPeerPublicKey: OWN_KEY } });
    expect((await on(simId, 'GET', '')).body).toMatchObject({
      arcSessionStatus: { arcClientPeerPublicKey: OWN_KEY },
      profiles: { [simId]: { arcClientPeerPublicKey: OWN_KEY } },
    });
    expect([...api.arc.peers.values()]).toMatchObject([{ publicKey: new Uint8Array(32).fill(7) }]);
  });

  it('generates a key pair if none is given', async () => {
    const simId = await api.createSim();
    const old = arcSim(simId).arc.publicKey;
    const { body } = await on(simId, 'PUT', path, {});
    const { publicKey } = arcSim(simId).arc;
    expect(publicKey).not.toEqual(old);
    expect(body.arcClientPeerPublicKey).toBe(Buffer.from(publicKey).toString('base64'));
    const privateKey = Buffer.from(String(body.arcClientPeerPrivateKey), 'base64');
    expect(fakeCrypto.publicKey(Uint8Array.from(privateKey))).toEqual(publicKey);
    expect((await on(simId, 'GET', '')).text).not.toContain('PrivateKey');
  });

  it.each([
    '',
    { arcClientPeerPublicKey: '' },
    { arcClientPeerPublicKey: 7 },
    { arcClientPeerPublicKey: Buffer.alloc(31).toString('base64') },
    { arcClientPeerPublicKey: Buffer.alloc(33).toString('base64') },
    { arcClientPeerPublicKey: `${'A'.repeat(42)}B=` },
    { arcClientPeerPublicKey: '-'.repeat(43) + '=' },
  ])('rejects %j as malformed', async (body) => {
    const simId = await api.createSim();
    expect(code(await on(simId, 'PUT', path, body))).toEqual([400, 'COM0008']);
    expect(api.arc.events).toEqual(['add 10.0.0.2']);
  });

  it('refuses the key of another SIM', async () => {
    const [one, other] = [await api.createSim(), await api.createSim()];
    await on(one, 'PUT', path, { arcClientPeerPublicKey: OWN_KEY });
    const reply = await on(other, 'PUT', path, { arcClientPeerPublicKey: OWN_KEY });
    expect(code(reply)).toEqual([400, 'EMU0400']);
  });
});

describe('deleteSimSession', () => {
  it('leaves a SIM without a session', async () => {
    const simId = await api.createSim();
    const { status, body } = await on(simId, 'POST', '/delete_session');
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'active', sessionStatus: { online: false } });
    expect(body.arcSessionStatus).toBeUndefined();
    expect(body.previousSession).toMatchObject({ deletedTime: api.wallClock.now });
    expect(api.arc.peers.size).toBe(0);
  });

  it('is refused with SEM0016 if the SIM is offline', async () => {
    const simId = await api.createSim();
    await on(simId, 'POST', '/delete_session');
    expect(code(await on(simId, 'POST', '/delete_session'))).toEqual([400, 'SEM0016']);
  });
});

describe('listSimSessionEvents', () => {
  const events = async (simId: string, query = '') =>
    (await on(simId, 'GET', `/events/sessions${query}`)).body as unknown as {
      event: string;
      time: number;
    }[];

  it('lists the newest first', async () => {
    const simId = await api.createSim();
    const { session, imsi } = arcSim(simId).arc;
    const start = api.wallClock.now;
    api.wallClock.now += 1000;
    await on(simId, 'POST', '/delete_session');
    expect(await events(simId)).toEqual([
      expect.objectContaining({ event: 'Deleted', time: start + 1000 }),
      {
        event: 'Created',
        time: start,
        simId,
        imsi,
        operatorId: 'OP0000000000',
        sessionId: session!.sessionId,
        subscription: 'planArc01',
        ueIpAddress: '10.0.0.2',
        dns0: '100.127.0.53',
        dns1: '100.127.1.53',
      },
    ]);
  });

  it('accepts a time span and pages', async () => {
    const simId = await api.createSim();
    const start = api.wallClock.now;
    for (let count = 0; count < 2; count++) {
      api.wallClock.now += 1000;
      await on(simId, 'POST', '/sessions/arc', {});
    }
    const names = (list: { event: string; time: number }[]) =>
      list.map(({ event, time }) => `${event} ${time - start}`);
    const all = ['Created 2000', 'Deleted 2000', 'Created 1000', 'Deleted 1000', 'Created 0'];
    expect(names(await events(simId))).toEqual(all);
    expect(names(await events(simId, `?from=${start + 1000}`))).toEqual(all.slice(0, 4));
    expect(names(await events(simId, `?to=${start + 1000}`))).toEqual(all.slice(2));
    const first = await on(simId, 'GET', '/events/sessions?limit=3');
    const key = first.headers.get('x-soracom-next-key')!;
    expect(names(await events(simId, `?limit=3&last_evaluated_key=${key}`))).toEqual(all.slice(3));
  });

  it.each(['?limit=0', '?limit=x', '?from=x', '?last_evaluated_key=x'])(
    'rejects %s as malformed',
    async (query) => {
      const simId = await api.createSim();
      const reply = await on(simId, 'GET', `/events/sessions${query}`);
      expect(code(reply)).toEqual([400, 'COM0008']);
      expect(reply.body.message).toMatch(/^The query is malformed: /);
    },
  );
});

describe('termination', () => {
  it('is refused while the SIM is protected, as it is initially', async () => {
    const simId = await api.createSim();
    expect(code(await on(simId, 'POST', '/terminate'))).toEqual([400, 'EMU0400']);
    await on(simId, 'POST', '/enable_termination');
    await on(simId, 'POST', '/disable_termination');
    const reply = await on(simId, 'POST', '/terminate');
    expect(reply.body.message).toContain('protected');
    expect(api.arc.peers.size).toBe(1);
  });

  it('is final', async () => {
    const simId = await api.createSim();
    const enabled = await on(simId, 'POST', '/enable_termination');
    expect(enabled.body.terminationEnabled).toBe(true);
    const { status, body } = await on(simId, 'POST', '/terminate');
    const { imsi } = arcSim(simId);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'terminated',
      sessionStatus: { online: false },
      profiles: { [simId]: { subscribers: { [imsi]: { status: 'terminated' } } } },
    });
    expect(body.arcSessionStatus).toBeUndefined();
    expect(api.arc.peers.size).toBe(0);
    for (const path of ['/terminate', '/enable_termination', '/disable_termination']) {
      expect(code(await on(simId, 'POST', path))).toEqual([400, 'EMU0400']);
    }
    const renewal = { arcClientPeerPublicKey: OWN_KEY };
    expect((await on(simId, 'PUT', '/credentials/arc', renewal)).status).toBe(400);
    expect(code(await on(simId, 'POST', '/delete_session'))).toEqual([400, 'SEM0016']);
    expect((await on(simId, 'GET', '')).body.status).toBe('terminated');
  });
});

describe('tags', () => {
  const put = (simId: string, ...tags: [string, string][]) =>
    on(
      simId,
      'PUT',
      '/tags',
      tags.map(([tagName, tagValue]) => ({ tagName, tagValue })),
    );

  it('are set, and other tags stay', async () => {
    const simId = await api.createSim();
    await put(simId, ['name', 'device'], ['place', 'roof']);
    const { status, text } = await put(simId, ['place', 'cellar'], ['__proto__', 'x']);
    expect(status).toBe(200);
    expect(text).toContain('"tags":{"name":"device","place":"cellar","__proto__":"x"}');
  });

  it('are removed one by one', async () => {
    const simId = await api.createSim();
    await put(simId, ['a/b c', 'x']);
    expect((await on(simId, 'DELETE', '/tags/a%2Fb%20c')).status).toBe(204);
    expect(code(await on(simId, 'DELETE', '/tags/a%2Fb%20c'))).toEqual([404, 'EMU0404']);
    expect(code(await on(simId, 'DELETE', '/tags/constructor'))).toEqual([404, 'EMU0404']);
    expect((await on(simId, 'GET', '')).body.tags).toEqual({ name: '' });
  });

  it.each([
    '',
    {},
    [{ tagName: 'a' }],
    [{ tagValue: 'a' }],
    [{ tagName: '', tagValue: 'a' }],
    [{ tagName: 'a', tagValue: 'x'.repeat(256) }],
    [{ tagName: 'a', tagValue: 7 }],
  ])('are rejected as malformed: %j', async (body) => {
    const simId = await api.createSim();
    expect(code(await on(simId, 'PUT', '/tags', body))).toEqual([400, 'COM0008']);
  });

  it('have a limit', async () => {
    const simId = await api.createSim();
    const tags = (count: number) =>
      Array.from({ length: count }, (_, index): [string, string] => [String(index), '']);
    expect((await put(simId, ...tags(MAX_TAGS - 1))).status).toBe(200);
    expect(code(await put(simId, ...tags(MAX_TAGS)))).toEqual([400, 'EMU0400']);
    expect(arcSim(simId).tags.size).toBe(MAX_TAGS);
  });
});

describe('groups', () => {
  it('accept SIMs and release them', async () => {
    const simId = await api.createSim();
    const { groupId } = (await api.post('/v1/groups', {}, headers)).body;
    expect((await on(simId, 'POST', '/set_group', { groupId })).body.groupId).toBe(groupId);
    expect((await on(simId, 'POST', '/unset_group')).body.groupId).toBeUndefined();
  });

  it('belong to their operator only', async () => {
    const simId = await api.createSim();
    const { groupId } = (await api.post('/v1/groups', {}, await api.logIn(keyOf('other')))).body;
    expect(code(await on(simId, 'POST', '/set_group', { groupId }))).toEqual([404, 'EMU0404']);
    expect((await on(simId, 'POST', '/set_group', { groupId: 'x' })).status).toBe(404);
    expect(code(await on(simId, 'POST', '/set_group', {}))).toEqual([404, 'EMU0404']);
  });
});

it.each([
  ['POST', '/credentials/arc', 405],
  ['PUT', '/credentials/arc', 404],
  ['POST', '/delete_session', 404],
  ['GET', '/events/sessions', 404],
  ['POST', '/enable_termination', 404],
  ['POST', '/disable_termination', 404],
  ['POST', '/terminate', 404],
  ['PUT', '/tags', 404],
  ['DELETE', '/tags/a', 404],
  ['POST', '/set_group', 404],
  ['POST', '/unset_group', 404],
])('does not find an unknown SIM: %s %s', async (method, path, status) => {
  const bodies: Record<string, object> = {
    '/sessions/arc': {},
    '/credentials/arc': {},
    '/tags': [],
    '/set_group': { groupId: 'x' },
  };
  const body = bodies[path];
  expect((await on('8942300000000000001', method, path, body)).status).toBe(status);
});
