import { Secret } from '../../../src/lib/secrets/secret.js';
import { simMayExist } from '../../../src/soracom/api-error.js';
import type { SignIn } from '../../../src/soracom/auth/sign-in.js';
import { clientOf, errorOf, KEY, TOKEN } from '../client-under-test.js';
import { json, RecordingServer, cut, status, type Answer } from '../recording-server.js';

const SWITCHED = { apiKey: 'api-456', token: 'switched', operatorId: 'OP0000000001' };
const EXPIRED = json({ code: 'AUM0001', message: 'Token expired.' }, 401);

let server: RecordingServer;
beforeEach(async () => {
  server = await RecordingServer.start({
    'POST /v1/auth': json(TOKEN),
    'POST /v1/auth/switch_user': json(SWITCHED),
    'POST /v1/auth/logout': status(204),
    'GET /v1/sims/1': json({ simId: '1' }),
  });
});
afterEach(() => server.close());

const tokens = () => server.requests.map(({ headers }) => headers['x-soracom-token']);
const bodies = () => server.requests.map(({ body }) => body);

/** Answers in turn, the last one forever. */
function inTurn(...answers: Answer[]): Answer {
  let next = 0;
  return (response, request) => answers[Math.min(next++, answers.length - 1)]!(response, request);
}

describe('signing in', () => {
  const password = new Secret('hunter22');

  it.each<[SignIn, string]>([
    [KEY, '{"authKeyId":"keyId-abc","authKey":"secret-xyz","tokenTimeoutSeconds":300}'],
    [
      { kind: 'root-user', email: 'a@example.com', password },
      '{"email":"a@example.com","password":"hunter22","tokenTimeoutSeconds":300}',
    ],
    [
      { kind: 'sam-user', operatorId: 'OP0012345678', userName: 'u', password },
      '{"operatorId":"OP0012345678","userName":"u","password":"hunter22","tokenTimeoutSeconds":300}',
    ],
    [
      { ...KEY, mfaOtpCode: new Secret('123456') },
      '{"authKeyId":"keyId-abc","authKey":"secret-xyz","tokenTimeoutSeconds":300,"mfaOTPCode":"123456"}',
    ],
  ])('sends the form of AuthRequest', async (signIn, body) => {
    await clientOf(server).auth(signIn, 300);
    expect(bodies()).toEqual([body]);
  });

  it('switches to another user if configured, and makes calls as that user', async () => {
    const api = clientOf(server);
    await api.auth({ ...KEY, switchUser: { operatorId: 'OP1', userName: 'u' } }, 300);
    await api.getSim('1');
    expect(server.calls).toEqual(['POST /v1/auth', 'POST /v1/auth/switch_user', 'GET /v1/sims/1']);
    expect(bodies()[1]).toBe('{"operatorId":"OP1","userName":"u"}');
    expect(tokens()).toEqual([undefined, 'eyJ.token', 'switched']);
    expect(server.requests[2]?.headers['x-soracom-api-key']).toBe('api-456');
  });

  it.each<[SignIn, string]>([
    [KEY, 'Check the auth key ID and the auth key.'],
    [{ kind: 'root-user', email: 'a', password }, 'Check the e-mail address'],
    [{ kind: 'sam-user', operatorId: 'O', userName: 'u', password }, 'Check the operator ID'],
    [{ ...KEY, mfaOtpCode: new Secret('123456') }, 'Check the one-time password'],
  ])('reports what to check when it is refused', async (signIn, next) => {
    server.answers.set('POST /v1/auth', json({ code: 'AUM0002', message: 'No.' }, 401));
    const error = await errorOf(clientOf(server).auth(signIn, 300));
    expect(error.next.join(' ')).toContain(next);
    expect(error.next.join(' ')).toContain('Check the coverage');
    expect(error.next.join(' ').includes('one-time')).toBe(signIn.mfaOtpCode !== undefined);
    expect(server.requests).toHaveLength(1);
  });

  it('is repeated after 429 and 5xx, but not with a one-time password', async () => {
    server.answers.set('POST /v1/auth', inTurn(status(503), status(429), json(TOKEN)));
    await clientOf(server).auth(KEY, 300);
    expect(server.requests).toHaveLength(3);
    server.answers.set('POST /v1/auth', status(503));
    await errorOf(clientOf(server).auth({ ...KEY, mfaOtpCode: new Secret('123456') }, 300));
    expect(server.requests).toHaveLength(4);
  });
});

describe('a token that is no longer accepted', () => {
  const NEW = { apiKey: 'api-789', token: 'new' };

  it('is replaced once, and the call is repeated with the new one', async () => {
    const api = clientOf(server);
    await api.auth(KEY, 300);
    server.answers.set('POST /v1/auth', json(NEW));
    server.answers.set('GET /v1/sims/1', inTurn(EXPIRED, json({ simId: '1' })));
    expect((await api.getSim('1')).simId).toBe('1');
    await api.getSim('1');
    expect(server.calls).toEqual([
      'POST /v1/auth',
      'GET /v1/sims/1',
      'POST /v1/auth',
      'GET /v1/sims/1',
      'GET /v1/sims/1',
    ]);
    expect(bodies()[2]).toBe(bodies()[0]);
    expect(tokens()).toEqual([undefined, 'eyJ.token', undefined, 'new', 'new']);
  });

  it('is replaced for createSim too, because a call answered with 401 was not carried out', async () => {
    const api = clientOf(server);
    await api.auth(KEY, 300);
    server.answers.set('POST /v1/sims', inTurn(EXPIRED, json({ simId: '8942' }, 201)));
    expect((await api.createSim()).simId).toBe('8942');
    expect(server.calls.filter((call) => call === 'POST /v1/sims')).toHaveLength(2);
  });

  it('reports a possible SIM when the second createSim is lost', async () => {
    const api = clientOf(server);
    await api.auth(KEY, 300);
    server.answers.set('POST /v1/sims', inTurn(EXPIRED, cut));
    expect(simMayExist(await errorOf(api.createSim()))).toBe(true);
  });

  it('is kept if it came with a one-time password', async () => {
    const api = clientOf(server);
    await api.auth({ ...KEY, mfaOtpCode: new Secret('123456') }, 300);
    server.answers.set('GET /v1/sims/1', EXPIRED);
    const error = await errorOf(api.getSim('1'));
    expect(error.next).toEqual(['Run the command again: the token is no longer valid.']);
    expect(server.requests).toHaveLength(2);
  });

  it('is replaced once for calls that are refused together', async () => {
    const api = clientOf(server);
    await api.auth(KEY, 300);
    server.answers.set('POST /v1/auth', json(NEW));
    server.answers.set('GET /v1/sims/1', (response, request) =>
      (request.headers['x-soracom-token'] === 'new' ? json({ simId: '1' }) : EXPIRED)(
        response,
        request,
      ),
    );
    await Promise.all([api.getSim('1'), api.getSim('1'), api.getSim('1')]);
    expect(server.calls.filter((call) => call === 'POST /v1/auth')).toHaveLength(2);
  });
});

describe('signing out', () => {
  it.each([401, 429, 500])('rejects after %d, and is not repeated', async (code) => {
    const api = clientOf(server);
    await api.auth(KEY, 300);
    server.answers.set('POST /v1/auth/logout', status(code));
    expect((await errorOf(api.logout())).status).toBe(code);
    expect(server.requests).toHaveLength(2);
  });
});
