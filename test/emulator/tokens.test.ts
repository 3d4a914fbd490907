import { type Login, MAX_TOKENS, Tokens } from '../../src/emulator/tokens.js';
import type { EmulatorUser } from '../../src/emulator/users.js';
import { FakeWallClock, seededEntropy } from './fakes.js';

const USER: EmulatorUser = { authKeyId: 'keyId-a', authKey: 'secret-a', permissions: ['*'] };

function setUp() {
  const wallClock = new FakeWallClock();
  const tokens = new Tokens(seededEntropy(), wallClock);
  return { tokens, wallClock };
}

const logIn = (tokens: Tokens, timeout = 300): Login => tokens.create(USER, timeout);

it('contain their user', () => {
  const { tokens } = setUp();
  expect(tokens.grantOf(logIn(tokens))?.user).toBe(USER);
});

it.each([
  [undefined, 'OP0000000000'],
  ['OP0000000007', 'OP0000000007'],
])('have the shape of a JWT with the operator (%s)', (operatorId, shown) => {
  const { tokens, wallClock } = setUp();
  const { apiKey, token } = tokens.create({ ...USER, operatorId }, 300);
  expect(apiKey).toMatch(/^api-[0-9a-f]{32}$/);
  const parts = token.split('.');
  expect(parts).toHaveLength(3);
  const payload: unknown = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString());
  const iat = wallClock.now / 1000;
  expect(payload).toEqual({ iat, exp: iat + 300, operator: { operatorId: shown } });
});

it('work with their own API key only', () => {
  const { tokens } = setUp();
  const first = logIn(tokens);
  const second = logIn(tokens);
  expect(first.token).not.toBe(second.token);
  expect(tokens.grantOf({ apiKey: first.apiKey, token: second.token })).toBeUndefined();
  expect(tokens.grantOf({ apiKey: first.apiKey, token: 'x' })).toBeUndefined();
});

it('expire at their timeout and stay expired when the clock is set back', () => {
  const { tokens, wallClock } = setUp();
  const login = logIn(tokens, 300);
  wallClock.now += 299_999;
  expect(tokens.grantOf(login)).toBeDefined();
  wallClock.now += 1;
  expect(tokens.grantOf(login)).toBeUndefined();
  wallClock.now -= 1000;
  expect(tokens.grantOf(login)).toBeUndefined();
});

it('become invalid when they are revoked; others stay valid', () => {
  const { tokens } = setUp();
  const first = logIn(tokens);
  const second = logIn(tokens);
  tokens.revoke(first.token);
  expect(tokens.grantOf(first)).toBeUndefined();
  expect(tokens.grantOf(second)).toBeDefined();
});

it('are revoked above their limit, the oldest first', () => {
  const { tokens } = setUp();
  const logins = Array.from({ length: MAX_TOKENS + 1 }, () => logIn(tokens));
  expect(tokens.grantOf(logins[0]!)).toBeUndefined();
  expect(tokens.grantOf(logins[1]!)).toBeDefined();
  expect(tokens.grantOf(logins.at(-1)!)).toBeDefined();
});
