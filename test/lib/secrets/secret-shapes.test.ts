import {
  hasSecretShape,
  isSecretName,
  redactNamed,
  redactText,
} from '../../../src/lib/secrets/secret-shapes.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';

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
  ])('%s names a secret', (name) => {
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
  ])('%s does not name a secret', (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});

describe('text', () => {
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
    // Twice, because a search must not depend on the previous one.
    for (let time = 0; time < 2; time++) expect(hasSecretShape(text)).toBe(text !== shown);
  });
});

it('hides text under a secret name, and secret-like text under other names', () => {
  expect(redactNamed('X-Soracom-Token', 'abc')).toBe('<redacted>');
  expect(redactNamed('x-soracom-next-key', 'abc')).toBe('abc');
  expect(redactNamed('X-Trace', `via ${JWT}`)).toBe('via <redacted>');
});

it('shows a public key only under its own name', () => {
  expect(redactNamed('arcServerPeerPublicKey', KEY)).toBe(KEY);
  expect(redactNamed('note', KEY)).toBe('<redacted>');
  expect(redactNamed('publicKey', `${KEY} ${KEY}`)).toBe('<redacted> <redacted>');
});

describe('a part of a key', () => {
  const bare = KEY.slice(0, -1);

  it.each([
    ['without its =', bare],
    ['cut off', bare.slice(0, 30)],
    ['escaped in a URL', `${bare}%3D`],
    ['of an auth key without its prefix', 'Zq3vY8kLmN5tRw2XbP7cQd9sHf4J'],
  ])('%s is hidden', (_, part) => {
    const shown = redactText(`cannot use --mtu ${part}: expected an integer`);
    expect(shown).toMatch(/^cannot use --mtu <redacted>(?:%3D)?: expected an integer$/);
  });

  it('is hidden for nearly every key', () => {
    let missed = 0;
    for (let seed = 0; seed < 500; seed++) {
      const key = Buffer.from(seededBytes(seed, 32)).toString('base64').slice(0, -1);
      if (redactText(key) === key) missed++;
    }
    expect(missed).toBeLessThan(5);
  });

  it.each([
    '/home/someone/Projects/sensor2/config/arc.json',
    '/tmp/arctun-test-AbC123/arc.json',
    '8942310022000012345',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'https://g.api.soracom.io/v1/sims/8942310022000012345/sessions/arc',
    'additionalAllowedIPs-arcClientPeerIpAddress',
    '2026-11-28T18:56:07.123Z',
  ])('is not found in %s', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('is found in linear time', () => {
    const hostile = ['api-'.repeat(100_000), 'eyJ.'.repeat(100_000), `key${'"'.repeat(100_000)}`];
    const start = process.cpuUsage().user;
    for (const text of hostile) redactText(text);
    // Quadratic time would take minutes.
    expect(process.cpuUsage().user - start).toBeLessThan(10_000_000);
  });
});
