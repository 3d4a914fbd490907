import {
  hasSecretShape,
  isSecretName,
  redactNamed,
  redactText,
} from '../../src/lib/secret-shapes.js';

const KEY = 'eHcRtGSZ73lxGoPWImLFxx1v5F2iUnZIjQd/8aGKOkc=';
const JWT = 'eyJhbGciOiJub25lIn0.eyJvcCI6MX0.c2ln';

describe('names', () => {
  it.each([
    'authKey',
    'authKeyId',
    'AUTHKEY',
    'auth_key',
    'password',
    'Passwd',
    'mfaOTPCode',
    'apiKey',
    'token',
    'arcClientPeerPrivateKey',
    'ArcClientPeerPrivateKey',
    'clientSecret',
    'credentials',
    'preSharedKey',
    'passphrase',
    'pin',
    'PUK',
    'X-Soracom-Api-Key',
    'x-soracom-token',
    'Authorization',
    'Set-Cookie',
    'publicKeyPassword',
    'to\u212Aen',
  ])('%s speaks of a secret', (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each([
    'arcServerPeerPublicKey',
    'arcClientPeerPublicKey',
    'publicKey',
    'tokenTimeoutSeconds',
    'x-soracom-next-key',
    'last_evaluated_key',
    'simId',
    'email',
    'operatorId',
    'gatewayPrivateIpAddress',
    'mapping',
    'Content-Type',
  ])('%s does not', (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});

describe('a text', () => {
  it.each([
    ['secret-xyz is wrong', '<redacted> is wrong'],
    ['SECRET-XYZ', '<redacted>'],
    ['api-0a1b2c3d-0000', '<redacted>'],
    [`Bearer ${JWT}, ok`, 'Bearer <redacted>, ok'],
    [`a ${KEY} b ${KEY}`, 'a <redacted> b <redacted>'],
    ['f'.repeat(64), '<redacted>'],
    ['https://g.api-sandbox.soracom.io/v1', 'https://g.api-sandbox.soracom.io/v1'],
    [
      '/v1/sims/8942300000000000001/sessions/arc is gone',
      '/v1/sims/8942300000000000001/sessions/arc is gone',
    ],
  ])('%j becomes %j', (text, shown) => {
    expect(redactText(text)).toBe(shown);
    // Twice: a search must not depend on the one before it.
    for (let time = 0; time < 2; time++) expect(hasSecretShape(text)).toBe(text !== shown);
  });
});

it('hides a text by its name, and what looks like a secret under the other names', () => {
  expect(redactNamed('X-Soracom-Token', 'abc')).toBe('<redacted>');
  expect(redactNamed('x-soracom-next-key', 'abc')).toBe('abc');
  expect(redactNamed('X-Trace', `via ${JWT}`)).toBe('via <redacted>');
});

it('shows a public key under its name alone', () => {
  expect(redactNamed('arcServerPeerPublicKey', KEY)).toBe(KEY);
  expect(redactNamed('note', KEY)).toBe('<redacted>');
  expect(redactNamed('publicKey', `${KEY} ${KEY}`)).toBe('<redacted> <redacted>');
});
