import { inspect } from 'node:util';
import { ArcConfigError } from '../../src/arc-config/arc-config-error.js';
import { effectiveKeepalive, effectiveMtu } from '../../src/arc-config/arc-config.js';
import { formatArcConfig } from '../../src/arc-config/format-arc-config.js';
import { parseArcConfig, parseArcSession } from '../../src/arc-config/parse-arc-config.js';
import { formatKey } from '../../src/arc-config/value-syntax.js';
import {
  PRIVATE_KEY,
  PUBLIC_KEY,
  SAMPLE,
  sampleWith,
  sampleWithSession,
  SERVER_KEY,
} from './sample.js';

const SOURCE = { path: 'arc.json' };
const parse = (text: string) => parseArcConfig(text, SOURCE);

function faultsOf(text: string) {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ArcConfigError) return error.faults;
    throw error;
  }
  throw new Error('no fault was found');
}

function errorOf(text: string): ArcConfigError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ArcConfigError) return error;
  }
  throw new Error('no ArcConfigError');
}

describe('a complete arc.json', () => {
  it('returns every field', () => {
    const config = parse(SAMPLE);
    expect(formatKey(config.privateKey.expose())).toBe(PRIVATE_KEY);
    expect(formatKey(config.publicKey)).toBe(PUBLIC_KEY);
    expect(config).toMatchObject({
      simId: '8942310022000012345',
      logLevel: 2,
      enableMetrics: true,
      interface: 'soratun0',
      additionalAllowedIps: ['10.128.0.0/9'],
      mtu: 1380,
      persistentKeepalive: 25,
      postUp: [['/bin/echo', '%i is up']],
      postDown: [['/bin/true']],
      profile: { authKeyId: 'keyId-abcdefgh', endpoint: 'https://api.soracom.io' },
      arcSessionStatus: {
        arcServerEndpoint: {
          text: 'link.arc.soracom.io:11010',
          host: 'link.arc.soracom.io',
          port: 11010,
        },
        arcAllowedIps: ['100.127.0.0/21', '54.250.252.67/32'],
        arcClientPeerIpAddress: '10.0.0.2',
      },
    });
    expect(config.profile?.authKey.expose()).toBe('secret-abcdefgh');
    expect(formatKey(config.arcSessionStatus!.arcServerPeerPublicKey)).toBe(SERVER_KEY);
  });

  it('shows no secrets when printed', () => {
    const config = parse(SAMPLE);
    const printed = [inspect(config, { depth: 9, showHidden: true }), JSON.stringify(config)];
    for (const text of printed) {
      expect(text).not.toContain('secret-abcdefgh');
      expect(text).not.toContain(PRIVATE_KEY.slice(0, 12));
      expect(text).not.toContain('32, 17, 34, 51');
    }
  });
});

describe('tolerance', () => {
  it('uses MTU 1420 and keepalive 60 for zero and for absent values', () => {
    for (const text of ['{}', '{"mtu": 0, "persistentKeepalive": 0}', '{"mtu": null}']) {
      expect(effectiveMtu(parse(text))).toBe(1420);
      expect(effectiveKeepalive(parse(text))).toBe(60);
    }
    expect(effectiveMtu(parse(SAMPLE))).toBe(1380);
    expect(effectiveKeepalive(parse(SAMPLE))).toBe(25);
  });

  it('matches names in any case, at every known level', () => {
    const config = parse(
      `{"PRIVATEKEY": "${PRIVATE_KEY}", "ArcSessionStatus": {"ArcAllowedIPs": ["10.0.0.0/8"]},
        "Profile": {"AUTHKEYID": "keyId-1"}}`,
    );
    expect(formatKey(config.privateKey.expose())).toBe(PRIVATE_KEY);
    expect(config.arcSessionStatus?.arcAllowedIps).toEqual(['10.0.0.0/8']);
    expect(config.profile?.authKeyId).toBe('keyId-1');
    expect(config.unknownKeys).toEqual([]);
  });

  it('treats null as zero', () => {
    const keys = Object.keys(JSON.parse(SAMPLE) as object);
    const config = parse(JSON.stringify(Object.fromEntries(keys.map((key) => [key, null]))));
    expect(config).toMatchObject({ simId: '', logLevel: 0, enableMetrics: false, interface: '' });
    expect(config.arcSessionStatus).toBeUndefined();
    expect(config.profile).toBeUndefined();
  });

  it('uses the last duplicate, but null does not overwrite scalars, and objects merge', () => {
    expect(parse('{"mtu": 1300, "MTU": 1400}').mtu).toBe(1400);
    expect(parse('{"mtu": 1300, "mtu": null}').mtu).toBe(1300);
    expect(parse('{"postUp": [["a"]], "postUp": null}').postUp).toEqual([]);
    expect(parse('{"preUp": [["a"]], "PreDown": [["b", "%i"]]}')).toMatchObject({
      preUp: [['a']],
      preDown: [['b', '%i']],
      unknownKeys: [],
    });
    const merged = parse('{"profile": {"authKeyId": "keyId-1"}, "profile": {"endpoint": "e"}}');
    expect(merged.profile).toMatchObject({ authKeyId: 'keyId-1', endpoint: 'e' });
  });

  it('accepts a client private key in the session and drops it', () => {
    const config = parse(sampleWithSession({ arcClientPeerPrivateKey: PRIVATE_KEY }));
    expect(formatArcConfig(config)).not.toContain('arcClientPeerPrivateKey');
  });

  it('keeps unknown fields at any depth, numbers as written', () => {
    const text = `{"imsi": 440100000000000000001, "arcSessionStatus": {"vpgId": {"a": [1.50, {"b": null}]}}}`;
    const written = formatArcConfig(parse(text));
    expect(written).toContain('"imsi": 440100000000000000001');
    expect(written).toContain('1.50');
    expect(JSON.parse(written)).toMatchObject({
      arcSessionStatus: { vpgId: { a: [1.5, { b: null }] } },
    });
  });
});

describe('faults', () => {
  it.each([
    ['logLevel', '"2"', 'found "2", expected an integer'],
    ['mtu', '1420.0', 'found 1420.0, expected an integer from 0 to 65535'],
    ['mtu', '1e3', 'found 1e3'],
    ['mtu', '70000', 'found 70000'],
    ['persistentKeepalive', '-1', 'found -1'],
    ['enableMetrics', '"true"', 'found "true", expected true or false'],
    ['interface', '1', 'found 1, expected a string'],
    ['simId', '["1"]', 'found an array, expected a string'],
    ['additionalAllowedIPs', '"10.0.0.0/8"', 'found "10.0.0.0/8", expected an array'],
    ['profile', '[]', 'found an array, expected an object'],
    ['arcSessionStatus', 'true', 'found true, expected an object'],
    ['preUp', '["echo up"]', 'preUp[0]: found "echo up", expected an array'],
    ['preDown', '[[1]]', 'preDown[0][0]: found 1, expected a string'],
    ['postUp', '["echo up"]', 'postUp[0]: found "echo up", expected an array'],
    ['publicKey', '""', 'found a string of 0 characters, expected a key'],
  ])('%s %s', (key, value, message) => {
    expect(errorOf(`{"${key}": ${value}}`).why).toContain(message);
  });

  it('include the line, the path, the value found and the expectation', () => {
    const text = SAMPLE.replace('"54.250.252.67/32"', '"54.250.252.67"');
    expect(faultsOf(text)).toEqual([
      {
        line: 34,
        keyPath: 'arcSessionStatus.arcAllowedIPs[1]',
        found: '"54.250.252.67"',
        expected: 'a CIDR such as "100.127.0.0/16"',
      },
    ]);
    expect(text.split('\n')[33]).toContain('54.250.252.67');
  });

  it('are all listed at once for a file', () => {
    const error = errorOf('{"mtu": "1",\n"logLevel": 1.5,\n"publicKey": "x"}');
    expect(error.faults.map(({ line, keyPath }) => `${line} ${keyPath}`)).toEqual([
      '1 mtu',
      '2 logLevel',
      '3 publicKey',
    ]);
    for (const { keyPath } of error.faults) expect(error.message).toContain(keyPath);
    expect(error.kind).toBe('configuration');
    expect(error.what).toBe('cannot use arc.json');
  });

  it('never show a secret', () => {
    const secret = `${PRIVATE_KEY}tail`;
    const messages = [
      errorOf(sampleWith({ privateKey: secret })).message,
      errorOf(sampleWith({ publicKey: secret })).message,
      errorOf(sampleWith({ privateKey: 123456789 })).message,
      errorOf(sampleWith({ profile: { authKey: 987654321 } })).message,
      errorOf(sampleWithSession({ arcClientPeerPrivateKey: secret })).message,
      errorOf(SAMPLE.replace(`${PRIVATE_KEY}"`, PRIVATE_KEY)).message,
      errorOf(sampleWith({ profile: '123456789' })).message,
      errorOf(sampleWith({ mtu: secret })).message,
      errorOf(sampleWith({ postUp: [[`secret-987654321`], 'secret-987654321'] })).message,
    ];
    for (const message of messages) {
      expect(message).not.toMatch(/IBEi|Ei|123456789|987654321/);
    }
  });
});

describe('parseArcSession', () => {
  it('reads the API’s answer, including additional fields', () => {
    const session = parseArcSession(
      JSON.stringify({
        arcServerPeerPublicKey: SERVER_KEY,
        arcServerEndpoint: 'link.arc.soracom.io',
        arcAllowedIPs: ['10.1.2.3/8'],
        arcClientPeerIpAddress: '10.0.0.2',
        vpgId: 'x',
      }),
      { path: 'the answer' },
    );
    expect(session).toMatchObject({
      arcServerEndpoint: { host: 'link.arc.soracom.io', port: 11010 },
      arcAllowedIps: ['10.0.0.0/8'],
    });
    expect(session.unknownKeys.map(({ key }) => key)).toEqual(['vpgId']);
  });
});
