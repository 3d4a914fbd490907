import { Secret } from '../../../src/lib/secrets/secret.js';
import { PasswordCheck, readBasic } from '../../../src/proxy/authentication/password-check.js';

const check = new PasswordCheck(new Secret(new Uint8Array(Buffer.from('pass:wörd'))));
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

/** The user name and the password in the headers. */
function read(...values: readonly string[]) {
  const fields = values.flatMap((value) => ['Proxy-Authorization', value]);
  const credentials = readBasic({ rawHeaders: ['Host', 'x', ...fields] });
  if (typeof credentials === 'string') return credentials;
  return [credentials.user, credentials.password].map((bytes) => Buffer.from(bytes).toString());
}

it.each([
  ['the password', 'pass:wörd', true],
  ['the start of the password', 'pass:wör', false],
  ['a longer password', 'pass:wörd1', false],
  ['another password of this length', 'pass:wörc', false],
  ['no password', '', false],
])('compares with %s', (_name, text, isRight) => {
  expect(check.isRight(Buffer.from(text))).toBe(isRight);
});

it.each([
  ['a user', [basic('any user:pass:wörd')], ['any user', 'pass:wörd']],
  ['no user', [basic(':pass:wörd')], ['', 'pass:wörd']],
  ['no password', [basic('user:')], ['user', '']],
  ['a scheme in lower case', [basic(':pass').replace('Basic', 'basic')], ['', 'pass']],
  ['base64 without padding', [basic('us:pass').replaceAll('=', '')], ['us', 'pass']],
  ['no colon', [basic('passwörd')], 'malformed'],
  ['another scheme', [basic('u:pass:wörd').replace('Basic', 'Bearer')], 'malformed'],
  ['nothing after the scheme', ['Basic '], 'malformed'],
  ['bytes that are not base64', ['Basic %%%'], 'malformed'],
  ['two headers', [basic(':pass:wörd'), basic(':pass:wörd')], 'malformed'],
  ['no header', [], 'absent'],
] as const)('reads Proxy-Authorization with %s', (_name, values, credentials) => {
  expect(read(...values)).toEqual(credentials);
});
