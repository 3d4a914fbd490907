import { createServer, type Server, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { simMayExist } from '../../../src/soracom/api-error.js';
import type { SoracomClient } from '../../../src/soracom/client/client.js';
import type { SoracomClientOptions } from '../../../src/soracom/client/options.js';
import { clientOf, errorOf, KEY, TOKEN } from '../client-under-test.js';
import { InstantClock } from '../instant-clock.js';
import { cut, json, RecordingServer, silence, status, type Answer } from '../recording-server.js';

const SESSION = {
  arcServerPeerPublicKey: 'key',
  arcServerEndpoint: 'link.arc.soracom.io:11010',
  arcAllowedIPs: ['100.127.0.0/21'],
  arcClientPeerIpAddress: '10.0.0.2',
  arcClientPeerPublicKey: 'ours',
};

let server: RecordingServer;
beforeEach(async () => {
  server = await RecordingServer.start({ 'POST /v1/auth': json(TOKEN) });
});
afterEach(() => server.close());

function client(options: Partial<SoracomClientOptions> = {}): SoracomClient {
  return clientOf(server, options);
}

function answering(call: string, answer: Answer): void {
  server.answers.set(call, answer);
}

describe('the requests on the wire', () => {
  it('create a SIM, read it, create a session and sign out, all with the token', async () => {
    answering('POST /v1/sims', json({ simId: '8942' }, 201));
    answering('GET /v1/sims/8942', json({ simId: '8942', status: 'active' }));
    answering('POST /v1/sims/8942/sessions/arc', json(SESSION));
    answering('POST /v1/auth/logout', status(204));
    const api = client();
    await api.auth(KEY, 300);
    await api.createSim();
    await api.getSim('8942');
    await api.createArcSession('8942');
    await api.logout();
    expect(server.requests.slice(1).map(({ method, url, body }) => [method, url, body])).toEqual([
      ['POST', '/v1/sims', '{"type":"virtual","subscription":"planArc01"}'],
      ['GET', '/v1/sims/8942', ''],
      ['POST', '/v1/sims/8942/sessions/arc', '{}'],
      ['POST', '/v1/auth/logout', ''],
    ]);
    for (const { headers, rawHeaders, body } of server.requests.slice(1)) {
      expect(headers['content-type']).toBe(body === '' ? undefined : 'application/json');
      expect(headers).toMatchObject({
        'x-soracom-lang': 'en',
        'x-soracom-api-key': 'api-123',
        'x-soracom-token': 'eyJ.token',
      });
      expect(rawHeaders).toEqual(expect.arrayContaining(['X-Soracom-Api-Key', 'X-Soracom-Token']));
    }
  });

  it('cover the rest of a SIM’s life cycle', async () => {
    for (const call of [
      'PUT /v1/sims/1/credentials/arc',
      'PUT /v1/sims/1/tags',
      'GET /v1/groups/group%2F1',
      'POST /v1/sims/1/set_group',
      'POST /v1/sims/1/enable_termination',
      'POST /v1/sims/1/terminate',
    ]) {
      answering(call, json({ simId: '1' }));
    }
    const api = client();
    const tag = { tagName: 'name', tagValue: 'x', more: 'not sent' };
    await api.renewArcSimCredentials('1', 'public=');
    await api.putSimTags('1', [tag, { tagName: 'b', tagValue: '' }]);
    await api.getGroup('group/1');
    await api.setSimGroup('1', 'group-1');
    await api.enableSimTermination('1');
    await api.terminateSim('1');
    expect(server.requests.map(({ method, url, body }) => `${method} ${url} ${body}`)).toEqual([
      'PUT /v1/sims/1/credentials/arc {"arcClientPeerPublicKey":"public="}',
      'PUT /v1/sims/1/tags [{"tagName":"name","tagValue":"x"},{"tagName":"b","tagValue":""}]',
      'GET /v1/groups/group%2F1 ',
      'POST /v1/sims/1/set_group {"groupId":"group-1"}',
      'POST /v1/sims/1/enable_termination ',
      'POST /v1/sims/1/terminate ',
    ]);
  });
});

it.each(['', '.', '..'])('refuses %j for a SIM id, which no URL can hold', async (simId) => {
  await expect(client().terminateSim(simId)).rejects.toThrow('is not a SIM ID');
  await expect(client().getSim(simId)).rejects.toMatchObject({ kind: 'usage' });
  expect(server.requests).toEqual([]);
});

describe('answers', () => {
  it('keep the known fields of a SIM, with the private key hidden', async () => {
    const profile = {
      iccid: '8942',
      arcClientPeerPrivateKey: 'priv',
      arcClientPeerPublicKey: 'pub',
    };
    answering(
      'POST /v1/sims',
      json(
        { simId: '8942', more: 1, arcSessionStatus: SESSION, profiles: { '8942': profile } },
        201,
      ),
    );
    const sim = await client().createSim();
    expect(sim.profiles?.['8942']?.arcClientPeerPrivateKey?.expose()).toBe('priv');
    expect(inspect(sim, { depth: 9 })).not.toContain("priv'");
    expect(sim.arcSessionStatus?.arcClientPeerIpAddress).toBe('10.0.0.2');
  });

  it('keep the key despite an invalid field elsewhere in the answer', async () => {
    const profiles = { a: { arcClientPeerPrivateKey: 'priv' }, b: 'odd', c: null };
    answering('POST /v1/sims', json({ simId: '1', arcSessionStatus: null, status: 5, profiles }));
    const sim = await client().createSim();
    expect(sim.profiles?.a?.arcClientPeerPrivateKey?.expose()).toBe('priv');
    expect(sim.arcSessionStatus).toBeUndefined();
  });

  it.each([
    ['not JSON', status(200, '<html>\n<p>Sign in'), 'the response is not JSON: <html>'],
    ['JSON cut short', status(200, '{"apiKey": "api-12'), 'the response is not JSON: (not shown)'],
    ['without a token', json({ apiKey: 'api-1' }), 'the response lacks required data at token'],
    ['an empty body', status(200), 'the response is not JSON'],
  ])('to a sign-in are refused if they are %s', async (_, answer, why) => {
    answering('POST /v1/auth', answer);
    const error = await errorOf(client().auth(KEY, 300));
    expect(error).toMatchObject({ failure: 'unintelligible', kind: 'api', status: 200 });
    expect(error.why).toContain(why);
  });
});

describe('an answer whose content is ignored', () => {
  it.each([{}, { arcClientPeerPublicKey: 'ours=' }, { arcClientPeerPublicKey: null }])(
    'to a new key may be %j',
    async (answer) => {
      answering('PUT /v1/sims/1/credentials/arc', json(answer));
      await client().renewArcSimCredentials('1', 'ours=');
    },
  );

  it('to a new key must not contain another key', async () => {
    answering('PUT /v1/sims/1/credentials/arc', json({ arcClientPeerPublicKey: 'theirs=' }));
    const error = await errorOf(client().renewArcSimCredentials('1', 'ours='));
    expect(error).toMatchObject({ failure: 'unintelligible', simMayExist: false });
    expect(error.why).toContain('at arcClientPeerPublicKey');
  });
});

describe('listings', () => {
  const next = (key: string) => ({ 'x-soracom-next-key': key });
  const page = (sims: object[], headers: Record<string, string> = {}) =>
    status(200, JSON.stringify(sims), headers);

  it('of SIMs include all pages', async () => {
    answering('GET /v1/sims', page([{ simId: '1' }], next('a/b')));
    answering('GET /v1/sims?last_evaluated_key=a%2Fb', page([], next('c')));
    answering('GET /v1/sims?last_evaluated_key=c', page([{ simId: '2', status: 'terminated' }]));
    const sims = await client().listSims();
    expect(sims.map(({ simId }) => simId)).toEqual(['1', '2']);
  });

  it('of session events start with the newest, and contain at most the requested number', async () => {
    const events = 'GET /v1/sims/1/events/sessions?limit=3';
    answering(events, page([{ time: 5, event: 'Deleted' }, { time: 7 }], next('k')));
    answering(`${events}&last_evaluated_key=k`, page([{ time: 3 }, {}], next('never asked')));
    const found = await client().listSimSessionEvents('1', 3);
    expect(found).toEqual([{ time: 7 }, { time: 5, event: 'Deleted' }, { time: 3 }]);
    expect(server.requests).toHaveLength(2);
  });
});

describe('refusals', () => {
  it.each([
    [400, ''],
    [401, 'Run the command again: the token is no longer valid'],
    [403, 'Grant Sim:createArcSession'],
    [404, 'Check the SIM ID and the coverage type'],
    [407, 'HTTPS_PROXY'],
  ])('%d explains what to do', async (code, next) => {
    answering('POST /v1/sims/1/sessions/arc', json({ code: 'SEM0001', message: 'No.' }, code));
    const error = await errorOf(client().createArcSession('1'));
    expect(error).toMatchObject({ failure: 'refused', kind: 'api', status: code, code: 'SEM0001' });
    expect(error.message).toBe(`cannot create an Arc session: HTTP ${code}, SEM0001: No.`);
    expect(error.next.join(' ')).toContain(next);
    expect(server.requests).toHaveLength(1);
  });

  it('a refused createSim has not created a SIM, but one with a gateway error may have', async () => {
    answering('POST /v1/sims', json({ code: 'X', message: 'no' }, 403));
    expect((await errorOf(client().createSim())).next).toEqual([
      'Grant Sim:createSim to the SAM user who signs in.',
    ]);
    answering('POST /v1/sims', status(504));
    expect((await errorOf(client().createSim())).next[0]).toContain(
      'Look for a new SIM with `arctun sim list',
    );
  });
});

describe('a lost answer', () => {
  it.each([
    ['the connection is cut', cut, 'connection'],
    ['nothing comes in time', silence, 'timeout'],
    ['the response is not JSON', status(201, '{"arcClientPeerPrivateKey":"priv'), 'unintelligible'],
    ['the answer has no simId', json({ profiles: {} }, 201), 'unintelligible'],
  ])('createSim reports that a SIM may exist if %s', async (_, answer, failure) => {
    answering('POST /v1/sims', answer);
    const timeoutMs = failure === 'timeout' ? 1_000 : 60_000;
    const error = await errorOf(client({ timeoutMs }).createSim());
    expect(error.failure).toBe(failure);
    expect(error.next.join(' ')).toMatch(
      /arctun sim list --since TIME.*a billed SIM may already exist/,
    );
    expect(error.message).not.toContain('priv');
    expect(simMayExist(error)).toBe(true);
    expect(server.calls).toEqual(['POST /v1/sims']);
  });

  it('contains no secret, even when inspected', async () => {
    answering('POST /v1/auth', cut);
    const error = await errorOf(client().auth(KEY, 300));
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('secret-xyz');
  });
});

describe('deadlines', () => {
  it('end a call when the total time is over', async () => {
    answering('GET /v1/sims/1', silence);
    const error = await errorOf(client({ deadlineMs: 150, timeoutMs: 60_000 }).getSim('1'));
    expect(error.why).toContain('no response within 0.15 s');
  });
});

describe('TLS', () => {
  let plain: Server;
  beforeEach(async () => {
    plain = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume().end('HTTP/1.1 200 OK\r\n\r\n');
    });
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => plain.close(resolve)));

  it('reports a server without TLS, and does not send it data', async () => {
    const { port } = plain.address() as AddressInfo;
    const error = await errorOf(client({ endpoint: `https://127.0.0.1:${port}` }).createSim());
    expect(error.failure).toBe('not-tls');
    expect(error.message).toMatch(/: the server does not use TLS on this port$/);
    expect(error.next).toEqual(['Check the scheme and the port of the endpoint.']);
    expect(error.next.join(' ')).not.toContain('may have been created');
  });
});

describe('the abort signal', () => {
  it('ends a pending call', async () => {
    answering('POST /v1/auth', silence);
    const controller = new AbortController();
    const reason = new Error('stopped');
    const call = client({ signal: controller.signal }).auth(KEY, 300);
    setTimeout(() => controller.abort(reason), 50);
    await expect(call).rejects.toBe(reason);
  });

  it('does not end createSim after it was sent', async () => {
    const controller = new AbortController();
    answering('POST /v1/sims', (response, request) => {
      controller.abort(new Error('stopped'));
      setTimeout(() => json({ simId: '8942' }, 201)(response, request), 50);
    });
    expect((await client({ signal: controller.signal }).createSim()).simId).toBe('8942');
  });
});

describe('the server’s time', () => {
  const dated = (date: string) => status(200, '{"simId":"1"}', { Date: date });

  it('is that of the last answer, even of a refusal', async () => {
    const api = client();
    answering('GET /v1/sims/1', dated('Sun, 06 Nov 1994 08:49:37 GMT'));
    await api.getSim('1');
    answering('GET /v1/sims/1', status(404, '', { Date: 'Sun, 06 Nov 1994 08:50:00 GMT' }));
    await errorOf(api.getSim('1'));
    expect(api.serverTime).toBe(Date.UTC(1994, 10, 6, 8, 50, 0));
    answering('GET /v1/sims/1', dated('now'));
    await api.getSim('1');
    expect(api.serverTime).toBe(Date.UTC(1994, 10, 6, 8, 50, 0));
  });
});

it('reports each pause before it', async () => {
  const told: string[] = [];
  answering('GET /v1/sims/1', status(429, '', { 'Retry-After': '30' }));
  const clock = new InstantClock();
  await errorOf(client({ clock, onWait: (text) => told.push(text) }).getSim('1'));
  expect(told[0]).toBe(
    'The SORACOM API returned HTTP 429 with a Retry-After header. Retrying in 30 s.',
  );
  expect(told).toHaveLength(clock.pauses.length);
});

describe('signing out', () => {
  it('also happens after a stop, because the token would stay valid', async () => {
    const stop = new AbortController();
    answering('POST /v1/auth/logout', status(204));
    const api = client({ signal: stop.signal });
    await api.auth(KEY, 300);
    stop.abort(new Error('stopped'));
    await api.logout();
    expect(server.calls).toEqual(['POST /v1/auth', 'POST /v1/auth/logout']);
    expect(server.requests[1]?.headers).toMatchObject({ 'x-soracom-token': 'eyJ.token' });
  });
});
