import type { EmulatorUser } from '../../../../src/emulator/users.js';
import { ADMIN, ApiHarness, code, keyOf, UNKNOWN_SIM, user } from '../api-harness.js';

const SAM: EmulatorUser = {
  operatorId: 'OP0000000001',
  userName: 'sam',
  password: 'p',
  permissions: ['Sim:getSim'],
};
const ROOT: EmulatorUser = {
  email: 'root@example.com',
  password: 'q',
  mfaOTPCode: '123456',
  permissions: ['*'],
};
const SWITCHER: EmulatorUser = {
  ...user('switcher', 'Auth:switchUser'),
  switchTo: [
    { operatorId: 'OP0000000001', userName: 'sam' },
    { operatorId: 'OP0000000001', userName: 'gone' },
  ],
};
const TARGET = { operatorId: 'OP0000000001', userName: 'sam' };

let api: ApiHarness;

beforeEach(async () => {
  api = await new ApiHarness([SAM, ROOT, SWITCHER, user('nothing')]).open();
});
afterEach(() => api.close());

describe('auth', () => {
  it('returns an API key and a token', async () => {
    const { status, body } = await api.post('/v1/auth', { ...ADMIN, tokenTimeoutSeconds: 300 });
    expect(status).toBe(200);
    expect(body).toEqual({
      apiKey: expect.stringMatching(/^api-/) as string,
      token: expect.stringMatching(/^ey/) as string,
      operatorId: 'OP0000000000',
    });
  });

  it('accepts a SAM user and returns its name', async () => {
    const { body } = await api.post('/v1/auth', { ...TARGET, password: 'p' });
    expect(body).toMatchObject(TARGET);
  });

  it('accepts a root user with its one-time password', async () => {
    const credentials = { email: 'root@example.com', password: 'q' };
    expect(code(await api.post('/v1/auth', credentials))).toEqual([401, 'AUM0002']);
    const reply = await api.post('/v1/auth', { ...credentials, mfaOTPCode: '123456' });
    expect(reply.status).toBe(200);
    expect(reply.body.userName).toBeUndefined();
  });

  it.each([
    { authKeyId: 'keyId-emulator', authKey: 'secret-wrong' },
    { authKeyId: 'keyId-wrong', authKey: 'secret-emulator' },
    { authKeyId: 'keyId-emulator' },
    { email: 'a@example.com', password: 'x' },
    {},
  ])('refuses %j', async (credentials) => {
    const { status, body } = await api.post('/v1/auth', credentials);
    expect({ status, body }).toEqual({
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
  ])('rejects %j as malformed', async (body) => {
    const reply = await api.post('/v1/auth', body);
    expect(code(reply)).toEqual([400, 'COM0008']);
    expect(reply.body.message).toMatch(/^The body is malformed: ./);
  });

  it.each([undefined, 172_800])(
    'issues tokens that expire after %s s',
    async (tokenTimeoutSeconds) => {
      const headers = await api.logIn({ ...ADMIN, tokenTimeoutSeconds });
      const lifetime = (tokenTimeoutSeconds ?? 86_400) * 1000;
      api.wallClock.now += lifetime - 1;
      expect((await api.request('GET', UNKNOWN_SIM, { headers })).status).toBe(404);
      api.wallClock.now += 1;
      expect((await api.request('GET', UNKNOWN_SIM, { headers })).status).toBe(401);
    },
  );
});

describe('logout', () => {
  const logOut = (headers: Record<string, string>) =>
    api.request('POST', '/v1/auth/logout', { headers });

  it('ends the token', async () => {
    const headers = await api.logIn();
    expect(await logOut(headers)).toMatchObject({ status: 204, text: '' });
    expect((await api.post('/v1/sims', {}, headers)).status).toBe(401);
    expect((await logOut(headers)).status).toBe(401);
  });

  it('does not require a permission', async () => {
    const headers = await api.logIn(keyOf('nothing'));
    expect((await logOut(headers)).status).toBe(204);
  });
});

describe('switchUser', () => {
  const path = '/v1/auth/switch_user';

  it('issues a token of the other user', async () => {
    const reply = await api.post(path, TARGET, await api.logIn(keyOf('switcher')));
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject(TARGET);
    const headers = {
      'X-Soracom-API-Key': String(reply.body.apiKey),
      'X-Soracom-Token': String(reply.body.token),
    };
    expect((await api.request('GET', UNKNOWN_SIM, { headers })).status).toBe(404);
    expect((await api.post('/v1/sims', {}, headers)).status).toBe(403);
    expect(api.calls.map((call) => call.user)).toEqual([
      'keyId-switcher',
      'keyId-switcher',
      'OP0000000001/sam',
      'OP0000000001/sam',
    ]);
  });

  it.each([
    ['a user that it does not trust', 'emulator', TARGET],
    ['a user that was deleted', 'switcher', { ...TARGET, userName: 'gone' }],
    ['another operator', 'switcher', { ...TARGET, operatorId: 'OP0000000000' }],
    ['a request without a user', 'switcher', {}],
    ['a request with an operator only', 'switcher', { operatorId: 'OP0000000001' }],
  ])('refuses %s', async (_, name, target) => {
    expect(code(await api.post(path, target, await api.logIn(keyOf(name))))).toEqual([
      400,
      'EMU0400',
    ]);
  });

  it('requires its permission and a token', async () => {
    expect((await api.post(path, TARGET, await api.logIn(keyOf('nothing')))).status).toBe(403);
    expect((await api.post(path, TARGET)).status).toBe(401);
  });

  it.each([
    { ...TARGET, tokenTimeoutSeconds: 179 },
    { ...TARGET, tokenTimeoutSeconds: 3601 },
  ])('rejects %j as malformed', async (body) => {
    const headers = await api.logIn(keyOf('switcher'));
    expect(code(await api.post(path, body, headers))).toEqual([400, 'COM0008']);
  });

  it.each([undefined, 180])('issues tokens that expire after %s s', async (tokenTimeoutSeconds) => {
    const own = await api.logIn(keyOf('switcher'));
    const { body } = await api.post(path, { ...TARGET, tokenTimeoutSeconds }, own);
    const login = { apiKey: String(body.apiKey), token: String(body.token) };
    api.wallClock.now += (tokenTimeoutSeconds ?? 3600) * 1000 - 1;
    expect(api.state.tokens.grantOf(login)).toBeDefined();
    api.wallClock.now += 1;
    expect(api.state.tokens.grantOf(login)).toBeUndefined();
  });
});
