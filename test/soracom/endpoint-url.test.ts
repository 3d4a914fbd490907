import {
  KRYPTON,
  isLoopbackUrl,
  isSoracomUrl,
  parseEndpointUrl,
  parsePlainEndpointUrl,
} from '../../src/soracom/endpoint-url.js';

it.each(['api.soracom.io', 'ftp://x', 'https://user:pw@x', 'https://x?a', 'https://x#a', ''])(
  'refuses %j without repeating it',
  (text) => {
    expect(() => parseEndpointUrl(text)).toThrow('the endpoint must be an http or https URL');
    expect(() => parsePlainEndpointUrl(text, KRYPTON)).toThrow(
      'the endpoint must be an http or https URL',
    );
  },
);

it.each([
  'http://127.0.0.1:8080',
  'http://127.1',
  'http://127.255.0.9/x',
  'http://0x7f000001',
  'http://[::1]:80',
  'http://localhost:1',
  'HTTP://LOCALHOST.',
])('allows plain http to this machine: %s', (url) => {
  expect(isLoopbackUrl(url)).toBe(true);
  expect(parseEndpointUrl(url)).toBe(url);
});

it.each([
  'http://evil.example',
  'http://api.soracom.io',
  'http://127.0.0.1.evil.example',
  'http://localhost.evil.example',
  // Resolving it may query a name server.
  'http://api.localhost',
  'http://0.0.0.0',
  'http://10.0.0.1',
  'http://[::]',
  'http://[::ffff:127.0.0.1]',
])('refuses plain http to %s if a key is sent', (url) => {
  expect(isLoopbackUrl(url)).toBe(false);
  expect(() => parseEndpointUrl(url)).toThrow(
    `cannot use the API endpoint: plain http to ${new URL(url).hostname} would send keys unencrypted`,
  );
  expect(parsePlainEndpointUrl(url, KRYPTON)).toBe(url);
});

it.each([
  ['https://api.soracom.io', true],
  ['https://g.api-sandbox.soracom.io', true],
  ['https://API.SORACOM.IO/', true],
  ['http://api.soracom.io', false],
  ['https://api.soracom.io:8443', false],
  ['https://api.soracom.io.evil.example', false],
  ['https://evilsoracom.io', false],
])('%s belongs to SORACOM: %s', (url, isOurs) => {
  expect(isSoracomUrl(url)).toBe(isOurs);
});
