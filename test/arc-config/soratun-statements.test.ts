/**
 * How soratun reads and writes arc.json, statement by statement: how the values and keys behave (K,
 * V), what its published schema says (S), what it does with a file before use (U), and pitfalls for
 * a replacement (T). Each row has the input, soratun's behavior, and a check of ours. What
 * soratun's `up` does with its flags and standard input (T18: a flag value of 0 means off, a
 * configuration from standard input has no defaults) does not concern the file.
 */
import { ArcConfigError, type ArcConfigFault } from '../../src/arc-config/arc-config-error.js';
import { readArcConfig } from '../../src/arc-config/arc-config-file.js';
import { arcConfigJsonSchema } from '../../src/arc-config/arc-config-json-schema.js';
import {
  type ArcConfig,
  effectiveKeepalive,
  effectiveMtu,
} from '../../src/arc-config/arc-config.js';
import { FileError } from '../../src/ports/files.js';
import { formatArcConfig } from '../../src/arc-config/format-arc-config.js';
import { parseArcConfig, readTunnelConfig } from '../../src/arc-config/parse-arc-config.js';
import { requireSession } from '../../src/arc-config/require-session.js';
import { formatKey } from '../../src/arc-config/value-syntax.js';
import { formatWgConfig } from '../../src/arc-config/wg-quick/wg-config.js';
import { MemoryFiles } from './memory-files.js';
import {
  PRIVATE_KEY,
  PUBLIC_KEY,
  SAMPLE,
  sampleWith,
  sampleWithSession,
  SERVER_KEY,
  ZERO_KEY,
} from './sample.js';

const parse = (text: string) => parseArcConfig(text, { path: 'arc.json' });
const rewrite = (text: string) => formatArcConfig(parse(text));
const wgConfig = (text: string) => formatWgConfig(parse(text), { endpointHost: '192.0.2.1' });

/** Our behavior: every given part is checked. */
interface Ours {
  /** Part of the model. */
  readonly reads?: object;
  /** Each one is in the file after it is written again. */
  readonly writes?: readonly string[];
  /** None is in the file after it is written again. */
  readonly writesNot?: readonly string[];
  /** The only fault; `found` and `expected` are substrings. */
  readonly fault?: Partial<ArcConfigFault>;
  readonly also?: (config: ArcConfig) => void;
}

interface Statement {
  readonly id: string;
  readonly statement: string;
  readonly input: string;
  readonly soratun: string;
  readonly ours: Ours;
}

const row = (
  id: string,
  statement: string,
  input: string,
  soratun: string,
  ours: Ours,
): Statement => ({ id, statement, input, soratun, ours });

const one = (key: string, value: string) => `{\n  "${key}": ${value}\n}`;
const session = (key: string, value: string) =>
  `{\n  "arcSessionStatus": {\n    "${key}": ${value}\n  }\n}`;
const key = (value: string) => one('privateKey', JSON.stringify(value));
const keyIs = (text: string) => (config: ArcConfig) =>
  expect(formatKey(config.privateKey.expose())).toBe(text);
const A_KEY = 'a key of 32 bytes in base64';
const keyFault = { line: 2, keyPath: 'privateKey', expected: A_KEY };
const endpointIs = (host: string, port: number) => (config: ArcConfig) =>
  expect(config.arcSessionStatus?.arcServerEndpoint).toMatchObject({ host, port });
const endpoint = (text: string) => session('arcServerEndpoint', JSON.stringify(text));
const endpointFault = { line: 3, keyPath: 'arcSessionStatus.arcServerEndpoint' };
const allowedIp = (text: string) => session('arcAllowedIPs', JSON.stringify([text]));
const allowedIpFault = { line: 3, keyPath: 'arcSessionStatus.arcAllowedIPs[0]' };
const address = (text: string) => session('arcClientPeerIpAddress', JSON.stringify(text));
const addressFault = { line: 3, keyPath: 'arcSessionStatus.arcClientPeerIpAddress' };

function faultsWhile(act: () => unknown): readonly ArcConfigFault[] {
  try {
    act();
  } catch (error) {
    if (error instanceof ArcConfigError) return error.faults;
    throw error;
  }
  throw new Error('no ArcConfigError');
}

const lacks =
  (keyPath: string, found = 'nothing') =>
  (config: ArcConfig) =>
    expect(faultsWhile(() => requireSession(config, 'arc.json'))).toContainEqual(
      expect.objectContaining({ keyPath, found }),
    );

const KEYS: Statement[] = [
  row('K.1', 'privateKey is always written', '{}', 'the zero key', {
    writes: [`"privateKey": "${ZERO_KEY}"`],
    also: keyIs(ZERO_KEY),
  }),
  row('K.2', 'privateKey is read', key(PRIVATE_KEY), 'reads it', { also: keyIs(PRIVATE_KEY) }),
  row('K.3', 'publicKey is always written', '{}', 'the zero key', {
    writes: [`"publicKey": "${ZERO_KEY}"`],
  }),
  row('K.4', 'publicKey is the client’s own and never compared', SAMPLE, 'takes any', {
    writes: [`"publicKey": "${PUBLIC_KEY}"`],
    also: (config) => expect(requireSession(config, 'arc.json')).toBeDefined(),
  }),
  row('K.5', 'simId is always written, even empty', '{}', 'writes ""', {
    reads: { simId: '' },
    writes: ['"simId": ""'],
  }),
  row('K.6', 'logLevel is always written, 0 when missing', '{}', 'silent', {
    reads: { logLevel: 0 },
    writes: ['"logLevel": 0'],
  }),
  row('K.7', 'a logLevel above 2 acts as 2', one('logLevel', '7'), 'keeps the number', {
    reads: { logLevel: 7 },
    writes: ['"logLevel": 7'],
  }),
  row('K.8', 'a negative logLevel acts as 0', one('logLevel', '-1'), 'keeps the number', {
    reads: { logLevel: -1 },
    writes: ['"logLevel": -1'],
  }),
  row('K.9', 'enableMetrics is always written, false when missing', '{}', 'writes false', {
    reads: { enableMetrics: false },
    writes: ['"enableMetrics": false'],
  }),
  row('K.10', 'interface is always written, even empty', '{}', 'writes ""', {
    reads: { interface: '' },
    writes: ['"interface": ""'],
  }),
  row(
    'K.10b',
    'a device name has 15 characters at most',
    one('interface', '"a-device-of-sixteen"'),
    'fails when it is made',
    {
      writes: ['"interface": "a-device-of-sixteen"'],
    },
  ),
  row(
    'K.11',
    'additionalAllowedIPs is written when not empty',
    one('additionalAllowedIPs', '["10.128.0.0/9"]'),
    'writes it',
    {
      reads: { additionalAllowedIps: ['10.128.0.0/9'] },
      writes: ['"additionalAllowedIPs": [\n    "10.128.0.0/9"\n  ]'],
    },
  ),
  row('K.12', '… and omitted when empty', one('additionalAllowedIPs', '[]'), 'omits it', {
    reads: { additionalAllowedIps: [] },
    writesNot: ['additionalAllowedIPs'],
  }),
  row('K.13', '… and never merged into arcAllowedIPs of the file', SAMPLE, 'keeps both', {
    writes: ['"arcAllowedIPs": [\n      "100.127.0.0/21",\n      "54.250.252.67/32"\n    ]'],
  }),
  row('K.14', 'mtu is omitted when 0, and defaults to 1420', one('mtu', '0'), '1420', {
    writesNot: ['mtu'],
    also: (config) => expect(effectiveMtu(config)).toBe(1420),
  }),
  row('K.15', 'mtu is written otherwise', one('mtu', '1280'), 'writes it', {
    writes: ['"mtu": 1280'],
    also: (config) => expect(effectiveMtu(config)).toBe(1280),
  }),
  row('K.16', 'persistentKeepalive is omitted when 0', one('persistentKeepalive', '0'), '60', {
    writesNot: ['persistentKeepalive'],
    also: (config) => expect(effectiveKeepalive(config)).toBe(60),
  }),
  row('K.17', '… and written otherwise', one('persistentKeepalive', '25'), 'writes it', {
    writes: ['"persistentKeepalive": 25'],
    also: (config) => expect(effectiveKeepalive(config)).toBe(25),
  }),
  row('K.18', 'postUp and postDown are written when not empty', SAMPLE, 'writes them', {
    reads: { postUp: [['/bin/echo', '%i is up']], postDown: [['/bin/true']] },
    writes: ['"postUp": [', '"postDown": ['],
  }),
  row('K.19', '… and omitted when empty', '{"postUp": [], "postDown": null}', 'omits them', {
    reads: { postUp: [], postDown: [] },
    writesNot: ['postUp', 'postDown'],
  }),
  row('K.20', 'profile is written when present, in its order', SAMPLE, 'authKey first', {
    writes: [
      '"authKey": "secret-abcdefgh",\n    "authKeyId": "keyId-abcdefgh",\n    "endpoint": "https',
    ],
  }),
  row(
    'K.21',
    'each field of profile is omitted when empty',
    one('profile', '{"authKey": "", "authKeyId": "keyId-1"}'),
    'omits it',
    {
      writes: ['"profile": {\n    "authKeyId": "keyId-1"\n  }'],
      writesNot: ['"authKey"', 'endpoint'],
    },
  ),
  row('K.22', 'profile may be absent', '{}', 'omits it', { writesNot: ['profile'] }),
  row('K.23', 'arcSessionStatus may be null', one('arcSessionStatus', 'null'), 'omits it', {
    writesNot: ['arcSessionStatus'],
    also: (config) => expect(config.arcSessionStatus).toBeUndefined(),
  }),
  row('K.24', 'keys are written in one order', SAMPLE, 'its struct’s', {
    also: (config) => expect(formatArcConfig(config)).toBe(SAMPLE),
  }),
  row('K.25', 'a session always has its four keys', one('arcSessionStatus', '{}'), 'writes them', {
    writes: [
      `"arcServerPeerPublicKey": "${ZERO_KEY}",\n    "arcServerEndpoint": null,\n    "arcAllowedIPs": null,\n    "arcClientPeerIpAddress": ""\n  }`,
    ],
  }),
  row(
    'K.26',
    'a missing arcServerPeerPublicKey is zero',
    sampleWithSession({ arcServerPeerPublicKey: null }),
    'never shakes hands',
    {
      also: lacks('arcSessionStatus.arcServerPeerPublicKey', 'no key, or a key that is all zeros'),
    },
  ),
  row(
    'K.27',
    'a missing arcServerEndpoint',
    sampleWithSession({ arcServerEndpoint: null }),
    'panics',
    { also: lacks('arcSessionStatus.arcServerEndpoint') },
  ),
  row('K.28', 'arcServerEndpoint has port 11010 by default', endpoint('h'), 'uses 11010', {
    also: endpointIs('h', 11010),
    writes: ['"arcServerEndpoint": "h"'],
  }),
  row(
    'K.29',
    'missing arcAllowedIPs are no routes, written as null',
    session('arcClientPeerIpAddress', '"10.0.0.2"'),
    'writes null',
    { reads: { arcSessionStatus: { arcAllowedIps: null } }, writes: ['"arcAllowedIPs": null'] },
  ),
  row(
    'K.30',
    'a missing arcClientPeerIpAddress',
    sampleWithSession({ arcClientPeerIpAddress: null }),
    'writes "", and fails when the address is assigned',
    {
      writes: ['"arcClientPeerIpAddress": ""'],
      also: lacks('arcSessionStatus.arcClientPeerIpAddress'),
    },
  ),
  row(
    'K.31',
    'arcClientPeerPrivateKey is read and never written',
    sampleWithSession({ arcClientPeerPrivateKey: PRIVATE_KEY }),
    'strips it',
    { writes: [`"privateKey": "${PRIVATE_KEY}"`], writesNot: ['arcClientPeerPrivateKey'] },
  ),
  row(
    'K.32',
    '… also if it is the only private key',
    session('arcClientPeerPrivateKey', `"${PRIVATE_KEY}"`),
    'loses it on a rewrite',
    {
      also: keyIs(PRIVATE_KEY),
      writes: [`"privateKey": "${PRIVATE_KEY}"`],
      writesNot: ['arcClientPeerPrivateKey'],
    },
  ),
  row(
    'K.33',
    '… also if it differs from privateKey',
    `{"privateKey": "${PRIVATE_KEY}",\n"arcSessionStatus": {"arcClientPeerPrivateKey": "${SERVER_KEY}"}}`,
    'loses it on a rewrite',
    {
      fault: {
        line: 2,
        keyPath: 'arcSessionStatus.arcClientPeerPrivateKey',
        found: 'a key that differs from privateKey',
        expected: 'the same key or no key',
      },
    },
  ),
  row(
    'K.34',
    'no keys exist for DNS, ports, marks, tables or metrics, and imsi no longer exists',
    '{"dns": ["100.127.0.53"], "listenPort": 1, "metrics": true, "imsi": "440100000000000"}',
    'drops them on a rewrite',
    { writes: ['"dns": [', '"listenPort": 1', '"metrics": true', '"imsi": "440100000000000"'] },
  ),
  row(
    'K.35',
    'arcAllowedIPs has 17 CIDRs in practice',
    session(
      'arcAllowedIPs',
      JSON.stringify(Array.from({ length: 17 }, (_, i) => `100.127.${i}.0/24`)),
    ),
    'keeps their order',
    {
      reads: {
        arcSessionStatus: {
          arcAllowedIps: Array.from({ length: 17 }, (_, i) => `100.127.${i}.0/24`),
        },
      },
    },
  ),
];

const VALUES: Statement[] = [
  row('V.1', 'a key’s padding is mandatory', key(PRIVATE_KEY.slice(0, -1)), 'error', {
    fault: keyFault,
  }),
  row(
    'V.2',
    'line ends inside a key are tolerated',
    key(`${PRIVATE_KEY.slice(0, 9)}\r\n${PRIVATE_KEY.slice(9)}\n`),
    'skips them',
    { also: keyIs(PRIVATE_KEY), writes: [PRIVATE_KEY] },
  ),
  row('V.3', 'a space in a key is not', key(` ${PRIVATE_KEY}`), 'error', { fault: keyFault }),
  row('V.4', 'nor is the URL-safe alphabet', key(PRIVATE_KEY.replace('/', '_')), 'error', {
    fault: keyFault,
  }),
  row(
    'V.5',
    'trailing bits that are not zero are tolerated, and written as zero',
    key(PRIVATE_KEY.replace('8=', '9=')),
    'writes the canonical form',
    { also: keyIs(PRIVATE_KEY), writes: [PRIVATE_KEY] },
  ),
  row('V.6', 'a key has 32 bytes', key(Buffer.alloc(31).toString('base64')), 'error', {
    fault: { ...keyFault, found: 'a string of 44 characters' },
  }),
  row('V.7', 'the empty string is not a key', key(''), 'error, although a missing key is not', {
    fault: { ...keyFault, found: 'a string of 0 characters' },
  }),
  row('V.8', 'null leaves a key at zero', one('privateKey', 'null'), 'zero key', {
    also: keyIs(ZERO_KEY),
  }),
  row('V.9', 'a number is not a key', one('privateKey', '12'), 'type error', {
    fault: { ...keyFault, found: 'a number' },
  }),
  row('V.10', 'true is not a key', one('privateKey', 'true'), 'type error', {
    fault: { ...keyFault, found: 'true' },
  }),
  row('V.11', 'an array is not a key', one('privateKey', '[]'), 'type error', {
    fault: { ...keyFault, found: 'an array' },
  }),
  row('V.12', 'an endpoint is split at its port', endpoint('h.example:51820'), 'splits', {
    also: endpointIs('h.example', 51820),
  }),
  row('V.13', 'text that cannot be split is a host with port 11010', endpoint('::1'), '::1', {
    also: endpointIs('::1', 11010),
  }),
  row('V.14', 'brackets without a port', endpoint('[::1]'), 'error: no such host', {
    also: endpointIs('::1', 11010),
    writes: ['"arcServerEndpoint": "[::1]"'],
  }),
  row('V.15', 'brackets with a port', endpoint('[2001:db8::1]:99'), 'splits', {
    also: endpointIs('2001:db8::1', 99),
  }),
  row(
    'V.16',
    'a name is resolved while the file is read',
    endpoint('no-such-host.invalid:11010'),
    'fails to read the file without a network; bootstrap then takes it for none',
    { also: endpointIs('no-such-host.invalid', 11010) },
  ),
  row('V.17', 'a port may have a sign', endpoint('h:+80'), 'reads 80', {
    also: endpointIs('h', 80),
    writes: ['"h:+80"'],
  }),
  row('V.18', 'port 0 is accepted', endpoint('h:0'), 'reads 0', { also: endpointIs('h', 0) }),
  row('V.19', 'a port above 65535 is not', endpoint('h:65536'), 'error', {
    fault: { ...endpointFault, found: '"h:65536"', expected: 'a port from 0 to 65535' },
  }),
  row('V.20', 'nor is a negative one', endpoint('h:-1'), 'error', { fault: endpointFault }),
  row('V.21', 'nor a name of a port', endpoint('h:http'), 'error', { fault: endpointFault }),
  row('V.22', 'the empty string is not an endpoint', endpoint(''), 'error from the resolver', {
    fault: { ...endpointFault, found: '""', expected: '"host" or "host:port"' },
  }),
  row(
    'V.23',
    'the text of an endpoint is written unchanged',
    endpoint('Link.Arc.Soracom.IO:011010'),
    'keeps it',
    {
      also: endpointIs('Link.Arc.Soracom.IO', 11010),
      writes: ['"arcServerEndpoint": "Link.Arc.Soracom.IO:011010"'],
    },
  ),
  row('V.24', 'a CIDR needs its prefix length', allowedIp('10.0.0.1'), 'error', {
    fault: { ...allowedIpFault, found: '"10.0.0.1"', expected: 'a CIDR such as' },
  }),
  row('V.25', 'host bits are masked', allowedIp('10.1.2.3/8'), 'writes 10.0.0.0/8', {
    writes: ['"10.0.0.0/8"'],
  }),
  row('V.25a', 'a prefix length beyond the address', allowedIp('10.0.0.0/33'), 'error', {
    fault: { ...allowedIpFault, found: '"10.0.0.0/33"', expected: 'a CIDR such as' },
  }),
  row('V.26', 'IPv6 CIDRs are read', allowedIp('2001:DB8::1/32'), 'writes 2001:db8::/32', {
    writes: ['"2001:db8::/32"'],
  }),
  row('V.27', 'a null among CIDRs', session('arcAllowedIPs', '[null]'), 'panics', {
    fault: { ...allowedIpFault, found: 'null' },
  }),
  row('V.28', 'the empty string means no address', address(''), 'none, without an error', {
    writes: ['"arcClientPeerIpAddress": ""'],
    also: (config) => expect(config.arcSessionStatus).not.toHaveProperty('arcClientPeerIpAddress'),
  }),
  row('V.29', 'an address has no prefix length', address('10.0.0.2/32'), 'error', {
    fault: {
      ...addressFault,
      found: '"10.0.0.2/32"',
      expected: 'an IP address without a prefix length',
    },
  }),
  row('V.30', 'a string is not an integer', one('mtu', '"1420"'), 'error with the Go type', {
    fault: { line: 2, keyPath: 'mtu', found: '"1420"', expected: 'an integer' },
  }),
  row('V.31', '1420.0 is not an integer', one('mtu', '1420.0'), 'error', {
    fault: { keyPath: 'mtu', found: '1420.0' },
  }),
  row('V.32', '1e3 is not an integer', one('mtu', '1e3'), 'error', {
    fault: { keyPath: 'mtu', found: '1e3' },
  }),
  row(
    'V.33',
    'null leaves an integer, a boolean and a string at zero',
    '{"mtu": null, "enableMetrics": null, "simId": null}',
    'zero',
    { reads: { mtu: 0, enableMetrics: false, simId: '' } },
  ),
  row('V.34', 'integers have no range: MTU', one('mtu', '70000'), 'fails at the device', {
    fault: { line: 2, keyPath: 'mtu', found: '70000', expected: 'an integer from 0 to 65535' },
  }),
  row('V.35', '… keepalive', one('persistentKeepalive', '-1'), 'fails at the device', {
    fault: { keyPath: 'persistentKeepalive', found: '-1' },
  }),
  row('V.36', 'names match in any case', `{"PRIVATEKEY": "${PRIVATE_KEY}"}`, 'matches', {
    also: keyIs(PRIVATE_KEY),
    writesNot: ['PRIVATEKEY'],
  }),
  row('V.37', '… as Unicode folds it', '{"\u017fimId": "1", "\u212a": 2}', 'ſ is s', {
    reads: { simId: '1' },
    writes: ['"\u212a": 2'],
  }),
  row('V.38', 'of duplicates the last wins', '{"mtu": 1300, "MTU": 1400}', '1400', {
    reads: { mtu: 1400 },
  }),
  row(
    'V.39',
    '… and objects merge',
    '{"profile": {"authKeyId": "keyId-1"}, "profile": {"endpoint": "e"}}',
    'both members',
    { reads: { profile: { authKeyId: 'keyId-1', endpoint: 'e' } } },
  ),
  row(
    'V.40',
    'unknown keys are ignored, and dropped on a rewrite',
    '{"a": 1.50, "profile": {"b": {}}, "arcSessionStatus": {"c": [{"d": null}]}}',
    'loses them',
    { writes: ['"a": 1.50', '"b": {}', '"c": [\n      {\n        "d": null\n      }\n    ]'] },
  ),
  row('V.41', 'comments are an error', '{\n// mtu\n}', 'error without a line', {
    fault: { line: 2, found: '`/`', expected: 'a key in double quotes' },
  }),
  row('V.42', 'trailing commas are an error', '{"mtu": 1,\n}', 'error without a line', {
    fault: { line: 2, found: '`}`' },
  }),
  row('V.43', 'a byte order mark is an error', '\ufeff{}', 'error', {
    fault: { line: 1, found: 'a byte order mark' },
  }),
  row('V.44', 'data after the object is an error', '{}\n{}', 'error', {
    fault: { line: 2, expected: 'the end of the text' },
  }),
  row('V.45', '&, < and > are escaped', one('postUp', '[["a", "&<>"]]'), 'escapes', {
    writes: ['"\\u0026\\u003c\\u003e"'],
  }),
];

const propertiesOf = (schema: object) =>
  (schema as { properties: Record<string, Record<string, unknown>> }).properties;
const schema = arcConfigJsonSchema();
const schemaHas = (name: string, part: object) => () =>
  expect(propertiesOf(schema)[name]).toMatchObject(part);

const SCHEMA: Statement[] = [
  row('S.1', 'its schema requires five keys, its code none', '{}', 'reads it', {
    reads: { mtu: 0 },
    also: () => expect(schema).not.toHaveProperty('required'),
  }),
  row(
    'S.2',
    'its schema makes the prefix of additionalAllowedIPs optional, its code refuses that',
    one('additionalAllowedIPs', '["10.0.0.1"]'),
    'error',
    { fault: { keyPath: 'additionalAllowedIPs[0]' } },
  ),
  row('S.3', 'mtu and persistentKeepalive are numbers there, integers here', '{}', 'integers', {
    also: () => {
      schemaHas('mtu', { type: 'integer', minimum: 0, maximum: 65535 })();
      schemaHas('persistentKeepalive', { type: 'integer' })();
    },
  }),
  row('S.4', 'postUp’s items have a type that does not exist', '{}', 'arrays of text', {
    also: schemaHas('postUp', { items: { type: 'array', items: { type: 'string' } } }),
  }),
  row('S.5', 'all of profile is required there', one('profile', '{}'), 'Japan by default', {
    reads: { profile: { authKeyId: '', endpoint: '' } },
    also: () => expect(propertiesOf(schema).profile).not.toHaveProperty('required'),
  }),
  row('S.6', 'a key has 44 characters there, and line ends here', '{}', 'takes line ends', {
    also: () => {
      const { pattern } = propertiesOf(schema).privateKey as { pattern: string };
      expect(`${PRIVATE_KEY.slice(0, 9)}\r\n${PRIVATE_KEY.slice(9)}`).toMatch(
        new RegExp(pattern, 'u'),
      );
    },
  }),
];

const USE: Statement[] = [
  row('U.1', 'mtu 0 becomes 1420', '{"mtu": 0}', '1420', {
    also: (config) => expect(effectiveMtu(config)).toBe(1420),
  }),
  row('U.2', 'persistentKeepalive 0 becomes 60', '{}', '60', {
    also: (config) => expect(effectiveKeepalive(config)).toBe(60),
  }),
  row('U.3', 'additionalAllowedIPs come after arcAllowedIPs', SAMPLE, 'in that order', {
    also: () =>
      expect(wgConfig(SAMPLE)).toContain(
        'AllowedIPs = 100.127.0.0/21, 54.250.252.67/32, 10.128.0.0/9\n',
      ),
  }),
  row(
    'U.4',
    'additionalAllowedIPs without a session',
    `{"privateKey": "${PRIVATE_KEY}", "additionalAllowedIPs": ["10.0.0.0/8"]}`,
    'panics',
    { also: lacks('arcSessionStatus') },
  ),
];

const TRAPS: Statement[] = [
  row(
    'T11.1',
    'names match in any case inside a session',
    `{"ArcSessionStatus": {"ArcServerPeerPublicKey": "${SERVER_KEY}", "ARCSERVERENDPOINT": "h"}}`,
    'matches',
    {
      also: (config) => {
        expect(formatKey(config.arcSessionStatus!.arcServerPeerPublicKey)).toBe(SERVER_KEY);
        endpointIs('h', 11010)(config);
      },
    },
  ),
  row(
    'T11.2',
    'fields that the API adds are tolerated',
    session('vpgId', '"x", "placement": {"infrastructureProvider": "aws"}'),
    'drops them on a rewrite',
    { writes: ['"vpgId": "x"', '"infrastructureProvider": "aws"'] },
  ),
  row('T12.1', 'strings and fractions are not integers', one('logLevel', '2.5'), 'error', {
    fault: { keyPath: 'logLevel', found: '2.5', expected: 'an integer' },
  }),
  row('T12.2', 'null is the default of a scalar', one('logLevel', 'null'), '0', {
    reads: { logLevel: 0 },
  }),
  row('T12.3', 'an empty key is an error, a missing one is zero', key(''), 'error', {
    fault: keyFault,
  }),
  row('T12.4', 'an empty address means none', address(''), 'none', {
    reads: { arcSessionStatus: { arcAllowedIps: null } },
  }),
  row(
    'T13.1',
    'a missing port means 11010, and the text is kept',
    endpoint('link.arc.soracom.io'),
    '11010',
    {
      also: endpointIs('link.arc.soracom.io', 11010),
      writes: ['"link.arc.soracom.io"'],
    },
  ),
  row('T13.2', 'wg-config prints the address', SAMPLE, 'the first address', {
    also: () => expect(wgConfig(SAMPLE)).toContain('Endpoint = 192.0.2.1:11010\n'),
  }),
  row('T14.1', 'order and omissions, all at once', sampleWith({}), 'as in K', {
    writes: [SAMPLE],
  }),
  row('T14.2', 'an empty arcAllowedIPs stays empty', session('arcAllowedIPs', '[]'), '[]', {
    writes: ['"arcAllowedIPs": []'],
  }),
  row('T15.1', 'CIDRs are canonical when written', allowedIp('100.127.1.2/16'), 'masks', {
    writes: ['"100.127.0.0/16"'],
  }),
  row('T15.2', 'a bare address among CIDRs', allowedIp('100.127.0.53'), 'error', {
    fault: allowedIpFault,
  }),
  row('T15.3', 'the client’s address with the console’s /32', address('10.0.0.2/32'), 'error', {
    fault: addressFault,
  }),
  row('T16', 'escapes in strings are decoded', one('simId', '"a\\u0026b"'), 'a&b', {
    reads: { simId: 'a&b' },
    writes: ['"a\\u0026b"'],
  }),
  row(
    'T17',
    'keys of 44 characters whose last is not canonical',
    key(PRIVATE_KEY.replace('8=', '+=')),
    'reads it',
    {
      also: keyIs(PRIVATE_KEY),
      writes: [PRIVATE_KEY],
    },
  ),
  row('T18.1', 'keepalive 0 in the file is 60', one('persistentKeepalive', '0'), '60', {
    also: () =>
      expect(wgConfig(sampleWith({ persistentKeepalive: 0 }))).toContain(
        'PersistentKeepalive = 60\n',
      ),
  }),
  row('T18.2', 'MTU 0 in the file is 1420', one('mtu', '0'), '1420', {
    also: () => expect(wgConfig(sampleWith({ mtu: 0 }))).toContain('MTU = 1420\n'),
  }),
];

const ALL = [...KEYS, ...VALUES, ...SCHEMA, ...USE, ...TRAPS];

it.each(ALL)('$id $statement (soratun: $soratun)', ({ input, ours }) => {
  if (ours.fault) {
    const { found = '', expected = '', ...place } = ours.fault;
    expect(faultsWhile(() => parse(input))).toEqual([
      expect.objectContaining({
        ...place,
        found: expect.stringContaining(found) as string,
        expected: expect.stringContaining(expected) as string,
      }),
    ]);
    expect(errorText(input)).toContain('arc.json');
    return;
  }
  const config = parse(input);
  if (ours.reads) expect(config).toMatchObject(ours.reads);
  for (const part of ours.writes ?? []) expect(rewrite(input)).toContain(part);
  for (const part of ours.writesNot ?? []) expect(rewrite(input)).not.toContain(part);
  ours.also?.(config);
});

it('has a check in each row, and each row once', () => {
  for (const { id, ours } of ALL) expect([id, Object.keys(ours)]).not.toEqual([id, []]);
  expect(new Set(ALL.map(({ id }) => id)).size).toBe(ALL.length);
});

function errorText(input: string): string {
  try {
    parse(input);
    return '';
  } catch (error) {
    return String(error);
  }
}

describe('U.5 reading a file that does not exist (soratun: the cause is discarded)', () => {
  it.each(['permission denied', 'no such file'])('reports that there is %s', async (reason) => {
    const files = new MemoryFiles();
    files.failures.set('readText /home/arc.json', new FileError('denied', 'arc.json', reason));
    await expect(readArcConfig(files, 'arc.json')).rejects.toThrow(
      `cannot read /home/arc.json: ${reason}`,
    );
  });
});

it('U.6 broken JSON (soratun: its parser’s error) reports file, line, found and expected', async () => {
  const files = new MemoryFiles();
  files.texts.set('/home/arc.json', '{\n  "mtu": 1420\n  "logLevel": 2\n}');
  await expect(readArcConfig(files, 'arc.json')).rejects.toThrow(
    'cannot use arc.json: line 3: found `"`, expected "," or "}"',
  );
});

it('U.7 every fault at once (soratun: the first)', () => {
  const text =
    '{\n"mtu": "1420",\n"publicKey": "x",\n"arcSessionStatus": {"arcServerEndpoint": ""}}';
  const faults = faultsWhile(() => readTunnelConfig(text, { path: 'arc.json' }));
  expect(faults.map(({ line, keyPath }) => [line, keyPath])).toEqual([
    [2, 'mtu'],
    [3, 'publicKey'],
    [4, 'arcSessionStatus.arcServerEndpoint'],
    [0, 'privateKey'],
    [0, 'arcSessionStatus.arcServerPeerPublicKey'],
    [0, 'arcSessionStatus.arcClientPeerIpAddress'],
    [0, 'arcSessionStatus.arcAllowedIPs'],
  ]);
});
