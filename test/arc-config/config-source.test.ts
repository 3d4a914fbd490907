import { resolveConfigSource } from '../../src/arc-config/config-source.js';
import { thrownBy } from '../proxy/support/thrown.js';
import { PRIVATE_KEY, SAMPLE } from './sample.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('resolveConfigSource', () => {
  it.each([
    ['JSON', SAMPLE],
    ['JSON after white space', `\n  ${SAMPLE}`],
  ])('returns %s unchanged', (_, text) => {
    expect(resolveConfigSource(text)).toEqual({ kind: 'inline', text });
  });

  it.each([
    ['its base64', base64(SAMPLE)],
    ['base64 in lines of 76', base64(SAMPLE).replaceAll(/.{76}/g, '$&\n')],
    ['URL-safe base64 without padding', Buffer.from(SAMPLE).toString('base64url')],
  ])('decodes %s', (_, value) => {
    expect(resolveConfigSource(value)).toEqual({ kind: 'inline', text: SAMPLE });
  });

  it.each(['arc.json', '/etc/arc.json', './{x}', 'eyJ', 'abcd', base64('plain text')])(
    'treats %j as a path',
    (path) => {
      expect(resolveConfigSource(path)).toEqual({ kind: 'path', path });
    },
  );

  it.each(['', ' '])(
    'refuses %j, which a variable of a shell script leaves if it is not set',
    (value) => {
      expect(() => resolveConfigSource(value)).toThrow('cannot use --config: the value is empty');
    },
  );

  it('refuses -, and names the flag for standard input', () => {
    const next = [expect.stringContaining('use --read-stdin'), expect.stringContaining('./-')];
    expect(thrownBy(() => resolveConfigSource('-'))).toMatchObject({ kind: 'usage', next });
    expect(resolveConfigSource('./-')).toEqual({ kind: 'path', path: './-' });
  });
});

it.each([
  ['the value begins with a quotation mark', `'${SAMPLE}'`],
  ['the value is a JSON array', `[${SAMPLE}]`],
  [
    'the value looks like JSON, but its beginning is missing or is preceded by other characters',
    'vateKey": "x",\n"simId": "1"}',
  ],
  ['the value is a WireGuard configuration', `[Interface]\nPrivateKey = ${PRIVATE_KEY}\n`],
  ['the value has several lines but is not JSON', 'arc.json\narc.json'],
  [
    'the value is base64, but does not contain a complete arc.json in UTF-8',
    base64(SAMPLE).slice(0, -40),
  ],
  ['the value is a key or a token', PRIVATE_KEY],
])('reports that %s, without showing it', (why, value) => {
  let error: unknown;
  try {
    resolveConfigSource(value);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({
    kind: 'configuration',
    message: `cannot use the value of --config or ARCTUN_CONFIG: ${why}`,
  });
});
