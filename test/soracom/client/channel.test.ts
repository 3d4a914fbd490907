import { Secret } from '../../../src/lib/secrets/secret.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { clientOf, KEY, TOKEN } from '../client-under-test.js';
import { json, RecordingServer } from '../recording-server.js';

let server: RecordingServer;
beforeEach(async () => {
  server = await RecordingServer.start({
    'POST /v1/auth': json(TOKEN),
    'GET /v1/sims/1': json({ simId: '1' }),
  });
});
afterEach(() => server.close());

describe('the headers of a profile', () => {
  it('are added to each request, and never replace the client’s own', async () => {
    const headers = {
      'X-Team': 'blue',
      'x-soracom-token': 'theirs',
      'X-SORACOM-API-KEY': 'theirs',
      'user-agent': 'theirs',
      'content-type': 'text/plain',
      'Content-Length': '1',
    };
    const api = clientOf(server, { headers });
    await api.auth(KEY, 300);
    await api.getSim('1');
    const [auth, get] = server.requests.map((request) => request.headers);
    expect(auth).toMatchObject({
      'x-team': 'blue',
      'user-agent': 'arctun/0.1.0 (x)',
      'content-type': 'application/json',
      'content-length': '74',
    });
    expect(auth).not.toHaveProperty('x-soracom-token');
    expect(auth).not.toHaveProperty('x-soracom-api-key');
    expect(get).toMatchObject({
      'x-team': 'blue',
      'x-soracom-token': 'eyJ.token',
      'x-soracom-api-key': 'api-123',
    });
  });

  it('that HTTP does not allow are refused before anything is sent', () => {
    expect(() => clientOf(server, { headers: { 'X-A': 'a\nb' } })).toThrow(UserError);
  });
});

describe('the output of SORACOM_VERBOSE', () => {
  it('contains each request and answer, including the sign-in, and no secret', async () => {
    const key = 'eHcRtGSZ73lxGoPWImLFxx1v5F2iUnZIjQd/8aGKOkc=';
    const dumps: string[] = [];
    const api = clientOf(server, {
      dump: (text) => dumps.push(text),
      headers: { 'X-Door': 'opensesame' },
    });
    const sim = { simId: '1', profiles: { '1': { arcClientPeerPrivateKey: key } } };
    server.answers.set('POST /v1/sims', json(sim, 201));
    await api.auth({ ...KEY, mfaOtpCode: new Secret('998877') }, 300);
    await api.createSim();
    expect(dumps).toHaveLength(4);
    expect(dumps[0]).toBe(`--- Request dump ---------------------------------
POST /v1/auth HTTP/1.1
Host: 127.0.0.1:${server.port}
X-Door: <redacted>
Content-Type: application/json
X-Soracom-Lang: en
User-Agent: arctun/0.1.0 (x)

{"authKeyId":"<redacted>","authKey":"<redacted>","tokenTimeoutSeconds":300,"mfaOTPCode":"<redacted>"}
--- End of request dump --------------------------
`);
    expect(dumps[1]).toContain('HTTP/1.1 200 OK\ncontent-type: application/json\n');
    expect(dumps[1]).toContain(
      '\n{"apiKey":"<redacted>","token":"<redacted>","operatorId":"OP0012345678"}\n',
    );
    expect(dumps[2]).toContain('X-Soracom-Api-Key: <redacted>\nX-Soracom-Token: <redacted>\n');
    expect(dumps[3]).toContain('{"simId":"1","profiles":{"1":{"arcClientPeerPrivateKey":"<red');
    const secrets = ['secret-xyz', '998877', 'api-123', 'eyJ.token', key, 'opensesame'];
    const shown = dumps.join('');
    expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
  });
});

it('does not lose an answer if the callback for logging throws', async () => {
  const broken = () => {
    throw new Error('EPIPE');
  };
  server.answers.set('POST /v1/sims', json({ simId: '8942' }, 201));
  const api = clientOf(server, { dump: broken });
  expect((await api.createSim()).simId).toBe('8942');
});
