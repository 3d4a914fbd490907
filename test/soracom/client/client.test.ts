import { createServer, type Server, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { simMayExist } from '../../../src/soracom/api-error.js';
import { SoracomClient } from '../../../src/soracom/client/client.js';
import type { SoracomClientOptions } from '../../../src/soracom/client/options.js';
import { IMPOSSIBLE_NAME } from '../../support/impossible-name.js';
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
  it('sign in with the bytes that soratun sends', async () => {
    await client().auth(KEY, 300);
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: 'POST',
      url: '/v1/auth',
      body: '{"authKeyId":"keyId-abc","authKey":"secret-xyz","tokenTimeoutSeconds":300}',
      headers: {
        'content-type': 'application/json',
        'x-soracom-lang': 'en',
        'user-agent': 'arctun/0.1.0 (x)',
        'content-length': '74',
        connection: 'close',
      },
    });
    expect(request?.rawHeaders).toEqual(
      expect.arrayContaining(['Content-Type', 'X-Soracom-Lang', 'User-Agent']),
    );
    expect(request?.headers).not.toHaveProperty('x-soracom-token');
  });

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

  it('ask for one downlink ping, and report its result', async () => {
    const call = 'POST /v1/sims/1/downlink/ping';
    answering(call, json({ success: true, rtt: '1', stat: '' }));
    expect(await client().sendDownlinkPing('1')).toEqual({ success: true });
    expect(server.requests.map(({ body }) => body)).toEqual([
      '{"numberOfPingRequests":1,"timeoutSeconds":2}',
    ]);
    answering(call, json({ success: false }));
    expect(await client().sendDownlinkPing('1')).toEqual({ success: false });
    answering(call, json({ rtt: '1' }));
    await expect(client().sendDownlinkPing('1')).rejects.toMatchObject({
      failure: 'unintelligible',
    });
  });

  it('escape the SIM ID and trim the endpoint', async () => {
    answering('GET /v1/sims/a%2Fb%3F', json({ simId: 'a/b?' }));
    await client({ endpoint: `${server.url}//` }).getSim('a/b?');
    expect(server.calls).toEqual(['GET /v1/sims/a%2Fb%3F']);
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

  it('have a limited size', async () => {
    answering('POST /v1/auth', status(200, ' '.repeat(5 << 20)));
    expect((await errorOf(client().auth(KEY, 300))).failure).toBe('too-long');
  });
});

describe('an answer whose content is ignored', () => {
  it('may be empty', async () => {
    answering('POST /v1/sims/1/terminate', status(204));
    await client().terminateSim('1');
  });

  it('is not accepted from a captive portal', async () => {
    answering('POST /v1/sims/1/terminate', status(200, '<html>Welcome'));
    const error = await errorOf(client().terminateSim('1'));
    expect(error.message).toBe(
      'cannot terminate the SIM: HTTP 200, but the response is not JSON: <html>Welcome',
    );
  });

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

  it('of virtual SIMs include those that are not terminated', async () => {
    const search = 'GET /v1/query/sims?subscription=planArc01&limit=100&search_type=and';
    const sims = [
      { simId: '1', status: 'active' },
      { simId: '2', status: 'terminated' },
    ];
    answering(search, page(sims, next('k')));
    answering(`${search}&last_evaluated_key=k`, page([{ simId: '3' }]));
    const found = await client().searchVirtualSims();
    expect(found.map(({ simId }) => simId)).toEqual(['1', '3']);
  });

  it('of session events start with the newest, and contain at most the requested number', async () => {
    const events = 'GET /v1/sims/1/events/sessions?limit=3';
    answering(events, page([{ time: 5, event: 'Deleted' }, { time: 7 }], next('k')));
    answering(`${events}&last_evaluated_key=k`, page([{ time: 3 }, {}], next('never asked')));
    const found = await client().listSimSessionEvents('1', 3);
    expect(found).toEqual([{ time: 7 }, { time: 5, event: 'Deleted' }, { time: 3 }]);
    expect(server.requests).toHaveLength(2);
  });

  it('of many session events request pages of a size that the API accepts', async () => {
    answering('GET /v1/sims/1/events/sessions?limit=100', page([]));
    expect(await client().listSimSessionEvents('1', 1000)).toEqual([]);
  });

  it('of one session event are requested as one', async () => {
    answering('GET /v1/sims/1/events/sessions?limit=1', page([{ time: 1 }]));
    expect(await client().listSimSessionEvents('1', 1)).toEqual([{ time: 1 }]);
  });

  it.each([0, -1, 1.5, NaN])('of %d session events are an internal error', async (limit) => {
    await expect(client().listSimSessionEvents('1', limit)).rejects.toThrow(RangeError);
    expect(server.requests).toEqual([]);
  });

  it('that are invalid are refused', async () => {
    answering('GET /v1/sims', json({ sims: [] }));
    expect((await errorOf(client().listSims())).failure).toBe('unintelligible');
    answering('GET /v1/sims', json([{ simId: '1' }, { simId: 2 }]));
    expect((await errorOf(client().listSims())).why).toContain('at 1.simId');
  });

  it('retry a page, not the pages before it', async () => {
    answering('GET /v1/sims', page([{ simId: '1' }], next('a')));
    let failures = 2;
    answering('GET /v1/sims?last_evaluated_key=a', (response, request) =>
      (failures-- > 0 ? status(503) : page([{ simId: '2' }]))(response, request),
    );
    expect(await client().listSims()).toHaveLength(2);
    expect(server.requests).toHaveLength(4);
  });

  it('have one deadline for all pages', async () => {
    const clock = new InstantClock();
    let count = 0;
    const answer: Answer = (response, request) => {
      clock.advance(50_000);
      page([{ simId: '1' }], next(`k${count++}`))(response, request);
    };
    answering('GET /v1/sims', answer);
    for (let index = 0; index < 9; index++) {
      answering(`GET /v1/sims?last_evaluated_key=k${index}`, answer);
    }
    const error = await errorOf(client({ clock, deadlineMs: 99_000 }).listSims());
    expect(error.message).toBe('cannot list the SIMs: the call took longer than 99 s in total');
    expect(error.failure).toBe('timeout');
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

  it.each([
    [429, 'Wait a minute'],
    [503, 'Try again in a few minutes'],
  ])('%d explains what to do, after the last retry', async (code, next) => {
    answering('POST /v1/sims/1/sessions/arc', json({ code: 'SEM0001', message: 'No.' }, code));
    const error = await errorOf(client().createArcSession('1'));
    expect(error.message).toBe(
      `cannot create an Arc session: HTTP ${code}, SEM0001: No.; tried 5 times`,
    );
    expect(error.next.join(' ')).toContain(next);
    expect(server.requests).toHaveLength(5);
  });

  it('shows the first line of an answer that is not JSON', async () => {
    answering('POST /v1/auth', status(502, '\n<h1>Bad\u0007 gateway</h1>\n<hr>'));
    const error = await errorOf(client().auth(KEY, 300));
    expect(error.why).toBe('HTTP 502, <h1>Bad  gateway</h1>; tried 5 times');
    expect(error.code).toBeUndefined();
  });

  it('randomizes the pauses between retries', async () => {
    const clock = new InstantClock();
    answering('GET /v1/sims/1', status(503));
    const options = { endpoint: server.url, userAgent: 'arctun/0', clock };
    await errorOf(new SoracomClient(options).getSim('1'));
    await errorOf(new SoracomClient(options).getSim('1'));
    const [first = 0, , , , second = 0] = clock.pauses;
    expect(first).toBeGreaterThanOrEqual(500);
    expect(first).toBeLessThan(1000);
    expect(second).not.toBe(first);
  });

  it('does not follow redirects', async () => {
    answering('POST /v1/auth', status(307, '', { Location: `${server.url}/elsewhere` }));
    const error = await errorOf(client().auth(KEY, 300));
    expect(error.status).toBe(307);
    expect(error.next[0]).toContain('does not follow redirects');
    expect(server.calls).toEqual(['POST /v1/auth']);
  });

  it('does not show JSON that is not a message, whole or truncated', async () => {
    const body = JSON.stringify({ simId: '1', profiles: { a: { arcClientPeerPrivateKey: 'k' } } });
    answering('POST /v1/sims', status(500, body));
    const whole = await errorOf(client().createSim());
    expect(whole.why).toBe(
      'HTTP 500, {"simId":"1","profiles":{"a":{"arcClientPeerPrivateKey":"<redacted>"}}}',
    );
    answering('POST /v1/sims', status(500, body.slice(0, -5)));
    expect((await errorOf(client().createSim())).why).toBe('HTTP 500, (not shown)');
  });

  it('hides a secret that the API repeats', async () => {
    const answer = json({ code: 'AUM0002', message: 'No secret-xyz, no eyJ.token.' }, 400);
    answering('GET /v1/sims/1', answer);
    const api = client();
    await api.auth(KEY, 300);
    expect((await errorOf(api.getSim('1'))).why).toBe(
      'HTTP 400, AUM0002: No <redacted>, no <redacted>.',
    );
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
    const error = await errorOf(client({ timeoutMs: 200 }).createSim());
    expect(error.failure).toBe(failure);
    expect(error.next.join(' ')).toMatch(
      /arctun sim list --since TIME.*a billed SIM may already exist/,
    );
    expect(error.message).not.toContain('priv');
    expect(simMayExist(error)).toBe(true);
    expect(server.calls).toEqual(['POST /v1/sims']);
  });

  it('createSim reports that it was not sent if the server could not be reached', async () => {
    const { url } = server;
    await server.close();
    server = await RecordingServer.start();
    const error = await errorOf(client({ endpoint: url }).createSim());
    expect(error.failure).toBe('connection');
    expect(error.why).toContain('ECONNREFUSED');
    expect(simMayExist(error)).toBe(false);
    expect(error.next.join(' ')).not.toContain('may have been created');
  });

  it('a name that does not exist is reported as such', async () => {
    const error = await errorOf(client({ endpoint: `https://${IMPOSSIBLE_NAME}` }).createSim());
    expect(error.failure).toBe('dns');
    expect(error.next.join(' ')).not.toContain('may have been created');
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

  it('do not end a createSim that was sent', async () => {
    answering('POST /v1/sims', (response, request) =>
      setTimeout(() => json({ simId: '1' }, 201)(response, request), 100),
    );
    expect((await client({ deadlineMs: 20 }).createSim()).simId).toBe('1');
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

  it('suggests https if a server closes a connection without TLS, as TLS servers do', async () => {
    plain.removeAllListeners('connection');
    plain.on('connection', (socket) => socket.once('data', () => socket.end()));
    const { port } = plain.address() as AddressInfo;
    const options = { endpoint: `http://127.0.0.1:${port}`, mostRepeats: 0 };
    const error = await errorOf(client(options).getSim('1'));
    expect(error.message).toMatch(/: the server closed the connection without a response$/);
    expect(error.next).toEqual([
      'Check the port of the endpoint, and use https:// if the server expects TLS on this port.',
    ]);
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

  it('prevents createSim from starting', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(client({ signal }).createSim()).rejects.toThrow('stopped');
    expect(server.requests).toEqual([]);
  });
});

describe('the server’s time', () => {
  const dated = (date: string) => status(200, '{"simId":"1"}', { Date: date });

  it('is unknown before the first answer', async () => {
    const api = client();
    expect(api.serverTime).toBeUndefined();
    answering('GET /v1/sims/1', dated('Sun, 06 Nov 1994 08:49:37 GMT'));
    await api.getSim('1');
    expect(api.serverTime).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
  });

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

  it('takes at most five seconds', async () => {
    answering('POST /v1/auth/logout', silence);
    const error = await errorOf(client().logout());
    expect(error.why).toContain('no response within 5 s');
  }, 60_000);
});
