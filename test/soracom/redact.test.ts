import { NOT_SHOWN, redactBody, withoutControls } from '../../src/soracom/redact.js';

const KEY = 'eHcRtGSZ73lxGoPWImLFxx1v5F2iUnZIjQd/8aGKOkc=';
const JWT = 'eyJhbGciOiJub25lIn0.eyJvcCI6MX0.c2ln';

describe('a JSON body', () => {
  it('is shown without its secrets, at any depth', () => {
    const body = {
      simId: '1',
      profiles: { '1': { arcClientPeerPrivateKey: 'short', list: [{ deep: { apiKey: 7 } }] } },
      credentials: { anything: ['at', 'all'] },
      tokenTimeoutSeconds: 300,
      nothing: null,
    };
    expect(redactBody(JSON.stringify(body))).toBe(
      '{"simId":"1","profiles":{"1":{"arcClientPeerPrivateKey":"<redacted>","list":' +
        '[{"deep":{"apiKey":"<redacted>"}}]}},"credentials":"<redacted>",' +
        '"tokenTimeoutSeconds":300,"nothing":null}',
    );
  });

  it('shows a public key, and hides a key under another name', () => {
    const body = { publicKey: KEY, note: `PrivateKey = ${KEY}`, other: KEY, ServerPublicKey: JWT };
    expect(JSON.parse(redactBody(JSON.stringify(body)))).toEqual({
      publicKey: KEY,
      note: 'PrivateKey = <redacted>',
      other: '<redacted>',
      ServerPublicKey: '<redacted>',
    });
  });

  it('hides values by name and shape, in arrays and fields of any name', () => {
    expect(redactBody(`{"__proto__":{"token":"t"},"toJSON":["${JWT}"]}`)).toBe(
      '{"__proto__":{"token":"<redacted>"},"toJSON":["<redacted>"]}',
    );
  });

  it('is not shown if it is nested too deeply', () => {
    expect(redactBody('['.repeat(100_000) + ']'.repeat(100_000))).toBe(NOT_SHOWN);
  });
});

describe('a body that is not JSON', () => {
  it.each([
    ['JSON cut short', '{"apiKey":"api-12'],
    ['JSON cut short after a line', '\n[{"token":"a",\n"b'],
    ['the rest of some JSON', '"priv","simId":"1"}'],
    ['a JSON string', '"hunter2"'],
    ['a number', '123456'],
    ['a word too long', 'error ThisIsAWordOfMoreThanTwentyFourLetters'],
    ['letters and digits mixed', 'key aGVsbG8x'],
    ['an assignment', 'PrivateKey = x'],
  ])('is not shown: %s', (_, body) => {
    expect(redactBody(body)).toBe(NOT_SHOWN);
  });

  it.each([
    ['<html>\n<p>Sign in', '<html>'],
    ['\r\n  <h1>Bad\u0007 gateway</h1>\r\nmore', '<h1>Bad  gateway</h1>'],
    [`<key>${KEY}</key>`, '<key><redacted></key>'],
    ['Bad Gateway', 'Bad Gateway'],
    ['upstream connect/reset error, code 503!\nsecond', 'upstream connect/reset error, code 503!'],
    ['', ''],
    [' \n', ''],
    ['<p> \t\n', '<p>'],
  ])('is shown only with its first line: %j', (body, shown) => {
    expect(redactBody(body)).toBe(shown);
  });
});

it('replaces terminal control characters, and keeps line breaks', () => {
  expect(withoutControls('a\u001b[31mb\u009bc\td\r\ne')).toBe('a [31mb c d \ne');
});
