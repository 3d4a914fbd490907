import type { IncomingMessage } from 'node:http';

import { Secret } from '../../../src/lib/secrets/secret.js';
import { PasswordCheck } from '../../../src/proxy/authentication/password-check.js';

const check = new PasswordCheck(new Secret(new Uint8Array(Buffer.from('pass:wörd'))));
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

function ofRequest(...values: readonly string[]) {
  const headersDistinct = values.length > 0 ? { 'proxy-authorization': [...values] } : {};
  return check.ofRequest({ headersDistinct } as unknown as IncomingMessage);
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
  ['any user', [basic('any user:pass:wörd')], 'right'],
  ['no user', [basic(':pass:wörd')], 'right'],
  ['a scheme in lower case', [basic(':pass:wörd').replace('Basic', 'basic')], 'right'],
  ['base64 without padding', [basic('user:pass:wörd').replaceAll('=', '')], 'right'],
  ['another password', [basic('user:pass')], 'wrong'],
  ['no colon', [basic('passwörd')], 'wrong'],
  ['another scheme', [basic('u:pass:wörd').replace('Basic', 'Bearer')], 'wrong'],
  ['nothing after the scheme', ['Basic '], 'wrong'],
  ['bytes that are not base64', ['Basic %%%'], 'wrong'],
  ['two headers', [basic(':pass:wörd'), basic(':pass:wörd')], 'wrong'],
  ['no header', [], 'absent'],
] as const)('checks Proxy-Authorization with %s', (_name, values, verdict) => {
  expect(ofRequest(...values)).toBe(verdict);
});
