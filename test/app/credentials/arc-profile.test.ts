import { arcProfileOf } from '../../../src/app/credentials/signed-in.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import type { SignIn } from '../../../src/soracom/auth/sign-in.js';

const KEY: SignIn = { kind: 'auth-key', authKeyId: 'keyId-1', authKey: new Secret('secret-1') };
const password = new Secret('w');
const profileOf = (signIn: SignIn) =>
  arcProfileOf({ signIn, endpoint: 'https://x.example', headers: {} });

it('contains an auth key and its endpoint', () => {
  expect(profileOf(KEY)).toEqual({
    authKeyId: 'keyId-1',
    authKey: KEY.authKey,
    endpoint: 'https://x.example',
    unknownKeys: [],
  });
});

it('contains no other credentials, because soratun would sign in as another user', () => {
  const switchUser = { operatorId: 'OP1', userName: 'u' };
  expect(profileOf({ ...KEY, switchUser })).toBeUndefined();
  expect(profileOf({ kind: 'root-user', email: 'a@b', password })).toBeUndefined();
  expect(
    profileOf({ kind: 'sam-user', operatorId: 'OP1', userName: 'u', password }),
  ).toBeUndefined();
});
