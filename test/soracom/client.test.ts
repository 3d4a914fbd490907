import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { Secret } from '../../src/lib/secret.js';
import { ApiError } from '../../src/soracom/api-error.js';
import { SoracomClient, type SoracomClientOptions } from '../../src/soracom/client.js';
import { cut, json, RecordingServer, silence, status, type Answer } from './recording-server.js';

const KEY = {
  authKeyId: 'keyId-abc',
  authKey: new Secret('secret-xyz'),
  tokenTimeoutSeconds: 300,
};
const TOKEN = { apiKey: 'api-123', token: 'eyJ.token', operatorId: 'OP0012345678' };
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
  return new SoracomClient({ endpoint: server.url, userAgent: 'arctun/0.1.0 (x)', ...options });
}

function answering(call: string, answer: Answer): void {
  server.answers.set(call, answer);
}

async function errorOf(promise: Promise<unknown>): Promise<ApiError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof ApiError) return outcome;
  throw new Error(`no ApiError but ${inspect(outcome)}`);
}

describe('what goes over the wire', () => {
  it('signs in with the bytes that soratun sends', async () => {
    await client().auth(KEY);
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

  it('creates a SIM, reads it, makes a session and signs out, all with the token', async () => {
    answering('POST /v1/sims', json({ simId: '8942' }, 201));
    answering('GET /v1/sims/8942', json({ simId: '8942', status: 'active' }));
    answering('POST /v1/sims/8942/sessions/arc', json(SESSION));
    answering('POST /v1/auth/logout', status(204));
    const api = client();
    await api.auth(KEY);
    await api.createSim();
    await api.getSim('8942');
    await api.createArcSession('8942');
    await api.logout();
    expect(server.requests.slice(1).map(({ method, url, body }) => [method, url, body])).toEqual([
      ['POST', '/v1/sims', '{"type":"virtual","subscription":"planArc01"}'],
      ['GET', '/v1/sims/8942', ''],
      ['POST', '/v1/sims/8942/sessions/arc', '{}'],
      ['POST', '/v1/auth/logout', '{}'],
    ]);
    for (const { headers, rawHeaders } of server.requests.slice(1)) {
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'x-soracom-lang': 'en',
        'x-soracom-api-key': 'api-123',
        'x-soracom-token': 'eyJ.token',
      });
      expect(rawHeaders).toEqual(expect.arrayContaining(['X-Soracom-Api-Key', 'X-Soracom-Token']));
    }
  });

  it('escapes the SIM id and trims the endpoint', async () => {
    answering('GET /v1/sims/a%2Fb%3F', json({ simId: 'a/b?' }));
    await client({ endpoint: `${server.url}//` }).getSim('a/b?');
    expect(server.calls).toEqual(['GET /v1/sims/a%2Fb%3F']);
  });
});

describe('answers', () => {
  it('keeps what it knows of a SIM, the private key hidden', async () => {
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

  it('loses no key over an oddity elsewhere in the answer', async () => {
    const profiles = { a: { arcClientPeerPrivateKey: 'priv' }, b: 'odd', c: null };
    answering('POST /v1/sims', json({ simId: '1', arcSessionStatus: null, status: 5, profiles }));
    const sim = await client().createSim();
    expect(sim.profiles?.a?.arcClientPeerPrivateKey?.expose()).toBe('priv');
    expect(sim.arcSessionStatus).toBeUndefined();
  });

  it.each([
    ['not JSON', status(200, '<html>\n<p>Sign in'), 'the answer is not JSON: <html>'],
    ['JSON cut short', status(200, '{"apiKey": "api-12'), 'the answer is not JSON: (not shown)'],
    ['without a token', json({ apiKey: 'api-1' }), 'the answer lacks what it should have at token'],
    ['an empty body', status(200), 'the answer is not JSON'],
  ])('refuses a sign-in that is %s', async (_, answer, why) => {
    answering('POST /v1/auth', answer);
    const error = await errorOf(client().auth(KEY));
    expect(error).toMatchObject({ failure: 'unintelligible', kind: 'api', status: 200 });
    expect(error.why).toContain(why);
  });

  it('bounds the size of an answer', async () => {
    answering('POST /v1/auth', status(200, ' '.repeat(5 << 20)));
    expect((await errorOf(client().auth(KEY))).failure).toBe('too-long');
  });
});

describe('refusals', () => {
  it.each([
    [401, 'Check the auth key ID and the auth key.'],
    [403, 'Allow Sim:createArcSession'],
    [404, 'Check the SIM id and the coverage'],
    [407, 'HTTPS_PROXY'],
    [429, 'Wait a minute'],
    [503, 'try again in some minutes'],
  ])('%d says what to do', async (code, next) => {
    answering('POST /v1/sims/1/sessions/arc', json({ code: 'SEM0001', message: 'No.' }, code));
    const error = await errorOf(client().createArcSession('1'));
    expect(error).toMatchObject({ failure: 'refused', kind: 'api', status: code, code: 'SEM0001' });
    expect(error.message).toBe(`cannot create an Arc session: HTTP ${code}, SEM0001: No.`);
    expect(error.next.join(' ')).toContain(next);
    expect(server.requests).toHaveLength(1);
  });

  it('shows the first line of an answer that is not JSON', async () => {
    answering('POST /v1/auth', status(502, '\n<h1>Bad\u0007 gateway</h1>\n<hr>'));
    const error = await errorOf(client().auth(KEY));
    expect(error.why).toBe('HTTP 502, <h1>Bad  gateway</h1>');
    expect(error.code).toBeUndefined();
  });

  it('follows no redirect', async () => {
    answering('POST /v1/auth', status(307, '', { Location: `${server.url}/elsewhere` }));
    const error = await errorOf(client().auth(KEY));
    expect(error.status).toBe(307);
    expect(error.next[0]).toContain('A redirect is not followed');
    expect(server.calls).toEqual(['POST /v1/auth']);
  });

  it('a refused createSim made no SIM, a broken gateway may have', async () => {
    answering('POST /v1/sims', json({ code: 'X', message: 'no' }, 403));
    expect((await errorOf(client().createSim())).next).toEqual([
      'Allow Sim:createSim in the permissions of the SAM user that owns the key.',
    ]);
    answering('POST /v1/sims', status(504));
    expect((await errorOf(client().createSim())).next[0]).toContain('A SIM may have been created');
  });
});

describe('a lost answer', () => {
  it.each([
    ['the connection is cut', cut, 'connection'],
    ['nothing comes in time', silence, 'timeout'],
    ['the answer is not JSON', status(201, 'priv'), 'unintelligible'],
    ['the answer has no simId', json({ profiles: {} }, 201), 'unintelligible'],
  ])('createSim says that a SIM may exist when %s', async (_, answer, failure) => {
    answering('POST /v1/sims', answer);
    const error = await errorOf(client({ timeoutMs: 200 }).createSim());
    expect(error.failure).toBe(failure);
    expect(error.next.join(' ')).toMatch(/may have been created.*soracom sims list/);
    expect(error.message).not.toContain('priv');
    expect(server.calls).toEqual(['POST /v1/sims']);
  });

  it('createSim was not sent when the server could not be reached', async () => {
    const { url } = server;
    await server.close();
    server = await RecordingServer.start();
    const error = await errorOf(client({ endpoint: url }).createSim());
    expect(error.failure).toBe('connection');
    expect(error.why).toContain('ECONNREFUSED');
    expect(error.next.join(' ')).not.toContain('may have been created');
  });

  it('a name that does not exist is told as such', async () => {
    const error = await errorOf(client({ endpoint: 'http://nowhere.invalid' }).createSim());
    expect(error.failure).toBe('dns');
    expect(error.next.join(' ')).not.toContain('may have been created');
  });

  it('holds no secret, not even for who inspects it', async () => {
    answering('POST /v1/auth', cut);
    const error = await errorOf(client().auth(KEY));
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('secret-xyz');
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

  it('a server that speaks none is told as such, and was sent nothing', async () => {
    const { port } = plain.address() as AddressInfo;
    const error = await errorOf(client({ endpoint: `https://127.0.0.1:${port}` }).createSim());
    expect(error.failure).toBe('tls');
    expect(error.next.join(' ')).not.toContain('may have been created');
  });
});

describe('the signal', () => {
  it('ends a call that waits', async () => {
    answering('POST /v1/auth', silence);
    const controller = new AbortController();
    const reason = new Error('stopped');
    const call = client({ signal: controller.signal }).auth(KEY);
    setTimeout(() => controller.abort(reason), 50);
    await expect(call).rejects.toBe(reason);
  });

  it('does not end createSim once it was sent', async () => {
    const controller = new AbortController();
    answering('POST /v1/sims', (response, request) => {
      controller.abort(new Error('stopped'));
      setTimeout(() => json({ simId: '8942' }, 201)(response, request), 50);
    });
    expect((await client({ signal: controller.signal }).createSim()).simId).toBe('8942');
  });

  it('lets createSim not begin', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(client({ signal }).createSim()).rejects.toThrow('stopped');
    expect(server.requests).toEqual([]);
  });
});

it('logs methods, addresses and statuses, and no secret', async () => {
  const lines: object[] = [];
  await client({ log: { debug: (fields) => lines.push(fields) } }).auth(KEY);
  expect(lines).toEqual([{ method: 'POST', url: `${server.url}/v1/auth`, status: 200 }]);
});
