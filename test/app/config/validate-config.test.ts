import { validateConfig } from '../../../src/app/config/validate-config.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { MemoryFiles } from '../../arc-config/memory-files.js';
import {
  PRIVATE_KEY,
  SAMPLE,
  sampleWith,
  sampleWithSession,
  SERVER_KEY,
  ZERO_KEY,
} from '../../arc-config/sample.js';

const files = new MemoryFiles();
const home = { files, stateFolder: '/state' };
const crypto = createNodeCrypto();
const OWN_KEY = Buffer.from(crypto.publicKey(Buffer.from(PRIVATE_KEY, 'base64'))).toString(
  'base64',
);
const validate = (value: string | Uint8Array) => validateConfig(value, home, { crypto });
const bytes = (text: string) => new TextEncoder().encode(text);

async function refusalOf(work: Promise<unknown>): Promise<UserError> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof UserError)) throw new Error(`no UserError: ${String(error)}`);
  return error;
}

const without = (text: string, name: string) =>
  JSON.stringify({ ...(JSON.parse(text) as object), [name]: undefined });

const BAD: readonly (readonly [name: string, text: string, found: string])[] = [
  ['no JSON', '{"mtu": 1400,}', 'line 1: found `}`, expected a key in double quotes'],
  ['no object', '[]', 'line 1: found an array, expected an object'],
  ['nothing', '', 'line 1: found the end of the text'],
  ['a text as mtu', sampleWith({ mtu: '1420' }), 'line 1, mtu: found "1420", expected an integer'],
  ['mtu 100', sampleWith({ mtu: 100 }), 'line 1, mtu: found 100, expected 576 or more'],
  ['mtu 575', sampleWith({ mtu: 575 }), 'line 1, mtu: found 575, expected 576 or more'],
  [
    'mtu 1279 for IPv6',
    sampleWithSession({ arcClientPeerIpAddress: 'fd00::2' }).replace('1380', '1279'),
    'line 1, mtu: found 1279, expected 1280 or more',
  ],
  ...['a'.repeat(21), 'a'.repeat(16), 'é'.repeat(8), 'a/b', 'a b', 'a:b', '.', '..', 'a\0'].map(
    (name) =>
      [
        `the interface ${JSON.stringify(name)}`,
        sampleWith({ interface: name }),
        `line 1, interface: found ${JSON.stringify(name)}, expected a name of at most 15 bytes`,
      ] as const,
  ),
  [
    'port 0',
    sampleWithSession({ arcServerEndpoint: 'link.arc.soracom.io:0' }),
    'line 1, arcSessionStatus.arcServerEndpoint: found "link.arc.soracom.io:0", expected a port from 1 to 65535',
  ],
  [
    'arcAllowedIPs null',
    without(sampleWithSession({ arcAllowedIPs: null }), 'additionalAllowedIPs'),
    'arcSessionStatus.arcAllowedIPs: found nothing, expected a CIDR such as "100.127.0.0/16"',
  ],
  [
    'arcAllowedIPs []',
    without(sampleWithSession({ arcAllowedIPs: [] }), 'additionalAllowedIPs'),
    'line 1, arcSessionStatus.arcAllowedIPs: found an empty array, expected a CIDR',
  ],
  [
    'no private key',
    sampleWith({ privateKey: ZERO_KEY }),
    'line 1, privateKey: found a key that is all zeros',
  ],
  [
    'a private key that is null',
    sampleWith({ privateKey: null }),
    'privateKey: found nothing, expected the key that bootstrap writes',
  ],
  ['no session', without(SAMPLE, 'arcSessionStatus'), 'arcSessionStatus: found nothing'],
  [
    'the own key as the server’s',
    sampleWithSession({ arcServerPeerPublicKey: OWN_KEY }),
    'arcSessionStatus.arcServerPeerPublicKey: found the public key that belongs to privateKey',
  ],
  [
    'several faults',
    sampleWith({ mtu: 'x', interface: 'a/b', arcSessionStatus: {} }),
    'line 1, interface: found "a/b"',
  ],
];

describe.each([
  ['a file', 'arc.json', (text: string) => void files.texts.set('/home/arc.json', text)],
  ['standard input', bytes, () => undefined],
] as const)('from %s', (_, valueOf, prepare) => {
  it.each(BAD)('reports the fault in %s', async (_name, text, found) => {
    prepare(text);
    const value = typeof valueOf === 'string' ? valueOf : valueOf(text);
    const refused = await refusalOf(validate(value));
    expect(refused.kind).toBe('configuration');
    expect(refused.why).toContain(found);
  });
});

it('finds all faults at once: first those with a line, in order, then those without', async () => {
  files.texts.set(
    '/home/arc.json',
    '{\n"mtu": "x",\n"interface": "a/b",\n"arcSessionStatus": {\n"arcServerEndpoint": "h:http",\n"arcAllowedIPs": [1, "10.0.0.0/8"]}}',
  );
  const { why } = await refusalOf(validate('arc.json'));
  expect(why.split('\n').map((line) => line.replace(/: found.*/, '').trim())).toEqual([
    '7 errors',
    'line 2, mtu',
    'line 3, interface',
    'line 5, arcSessionStatus.arcServerEndpoint',
    'line 6, arcSessionStatus.arcAllowedIPs[0]',
    'privateKey',
    'arcSessionStatus.arcServerPeerPublicKey',
    'arcSessionStatus.arcClientPeerIpAddress',
  ]);
});

it('warns about a public key that is not the private key’s, and about unknown fields with their line', async () => {
  const warnings = await validate(sampleWith({ publicKey: SERVER_KEY, persistantKeepalive: 25 }));
  expect(warnings).toEqual([
    {
      kind: 'warning',
      line: 1,
      text: 'the inline configuration, line 1: unknown member "persistantKeepalive"; did you mean "persistentKeepalive"?',
    },
    {
      kind: 'warning',
      line: 0,
      text: expect.stringMatching(
        /^publicKey in the inline configuration does not match privateKey/,
      ) as string,
    },
  ]);
  expect(await validate(sampleWith({ publicKey: ZERO_KEY }))).toEqual([]);
});

it.each([
  [
    'ftp://api.soracom.io',
    'the endpoint must be an http or https URL without user, query or fragment',
  ],
  ['http://api.soracom.io', 'plain http to api.soracom.io would send keys unencrypted'],
])('warns about an API endpoint that cannot be used: %s', async (endpoint, why) => {
  const text = `profile.endpoint in the inline configuration cannot be used to renew the session: ${why}`;
  expect(await validate(sampleWith({ publicKey: ZERO_KEY, profile: { endpoint } }))).toEqual([
    { kind: 'warning', line: 0, text },
  ]);
  const good = { endpoint: 'https://g.api.soracom.io' };
  expect(await validate(sampleWith({ publicKey: ZERO_KEY, profile: good }))).toEqual([]);
  expect(await validate(sampleWith({ publicKey: ZERO_KEY, profile: {} }))).toEqual([]);
});

it('refuses commands that another user could have written', async () => {
  const path = '/home/hooks.json';
  files.texts.set(path, sampleWithSession({}));
  const writer = { path, fault: 'mode', isFolder: false, mode: 0o666 } as const;
  files.inspections.set(path, { otherWriters: [writer] });
  const { kind, message } = await refusalOf(validate(path));
  expect({ kind, message }).toEqual({
    kind: 'permission',
    message: `cannot run the commands in ${path}: other users can write to the file ${path} (mode 0666)`,
  });
});
