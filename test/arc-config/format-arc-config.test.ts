import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { skeletonArcConfig } from '../../src/arc-config/arc-config.js';
import { formatArcConfig, redactArcConfig } from '../../src/arc-config/format-arc-config.js';
import { parseArcConfig } from '../../src/arc-config/parse-arc-config.js';
import {
  PRIVATE_KEY,
  SAMPLE,
  sampleWith,
  sampleWithSession,
  SERVER_KEY,
  ZERO_KEY,
} from './sample.js';

const parse = (text: string) => parseArcConfig(text, { path: 'arc.json' });
const rewrite = (text: string) => formatArcConfig(parse(text));

const SKELETON = `{
  "privateKey": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
  "publicKey": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
  "simId": "890000xxxxxxxxxxxxx",
  "logLevel": 2,
  "enableMetrics": true,
  "interface": "soratun0",
  "arcSessionStatus": {
    "arcServerPeerPublicKey": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "arcServerEndpoint": "localhost:11010",
    "arcAllowedIPs": [
      "100.127.0.0/16"
    ],
    "arcClientPeerIpAddress": "127.0.0.1"
  }
}
`;

describe('formatArcConfig', () => {
  it('writes what soratun wrote, byte for byte', () => {
    expect(rewrite(SAMPLE)).toBe(SAMPLE);
  });

  it('writes each member of the schema, because an unwritten one would be lost', () => {
    const file = new URL('../../schema/arc.schema.json', import.meta.url);
    const { properties } = JSON.parse(readFileSync(file, 'utf8')) as { properties: object };
    const own = { preUp: [['a']], preDown: [['b']], forwards: { local: ['1:a:2'], remote: [] } };
    const whole = sampleWith({ $schema: 'arc.schema.json', ...own });
    const written = JSON.parse(rewrite(whole)) as object;
    expect(Object.keys(written).sort()).toEqual(Object.keys(properties).sort());
  });

  it('keeps the port forwards, with unknown members', () => {
    const forwards = { local: ['8080:10.0.0.3:80'], remote: ['2222:22'], later: { x: 1 } };
    const written = JSON.parse(rewrite(sampleWith({ forwards }))) as object;
    expect(written).toMatchObject({ forwards });
  });

  it('writes the skeleton, byte for byte', () => {
    expect(formatArcConfig(skeletonArcConfig('linux'))).toBe(SKELETON);
    expect(formatArcConfig(skeletonArcConfig('darwin'))).toBe(SKELETON.replace('soratun0', 'utun'));
    expect(rewrite(SKELETON)).toBe(SKELETON);
  });

  it('omits empty values, and writes the others even if they are zero', () => {
    expect(rewrite('{}')).toBe(`{
  "privateKey": "${ZERO_KEY}",
  "publicKey": "${ZERO_KEY}",
  "simId": "",
  "logLevel": 0,
  "enableMetrics": false,
  "interface": ""
}
`);
    const emptied = { additionalAllowedIPs: [], mtu: 0, persistentKeepalive: 0, postUp: [] };
    expect(rewrite(JSON.stringify(emptied))).toBe(rewrite('{}'));
  });

  it('writes an empty profile and an empty session as soratun does', () => {
    const written = rewrite('{"profile": {}, "arcSessionStatus": {}}');
    expect(written).toContain('"profile": {},');
    expect(written).toContain(`  "arcSessionStatus": {
    "arcServerPeerPublicKey": "${ZERO_KEY}",
    "arcServerEndpoint": null,
    "arcAllowedIPs": null,
    "arcClientPeerIpAddress": ""
  }`);
    expect(rewrite('{"arcSessionStatus": {"arcAllowedIPs": []}}')).toContain('"arcAllowedIPs": []');
  });

  it('writes preUp and preDown next to the commands of soratun', () => {
    const hooks = { preDown: [['c']], preUp: [['a', '%i']], postDown: [['d']], postUp: [['b']] };
    const written = rewrite(sampleWith(hooks));
    expect(JSON.parse(written)).toMatchObject(hooks);
    expect(Object.keys(JSON.parse(written) as object).slice(9, 14)).toEqual([
      'preUp',
      'postUp',
      'preDown',
      'postDown',
      'profile',
    ]);
    expect(rewrite(written)).toBe(written);
  });

  it('escapes like Go’s encoding/json', () => {
    const postUp = [['sh', '-c', 'a && b < c > d', 'tab\t\u2028\u2029\u0001"\\é\u007f']];
    expect(rewrite(JSON.stringify({ postUp }))).toContain(
      '"a \\u0026\\u0026 b \\u003c c \\u003e d",\n      "tab\\t\\u2028\\u2029\\u0001\\"\\\\é\u007f"',
    );
    expect(rewrite('{"interface": "a\\ud800b"}')).toContain('"interface": "a\ufffdb"');
  });

  it('keeps the endpoint as it was written, and masks CIDRs', () => {
    const written = rewrite(
      sampleWithSession({ arcServerEndpoint: 'Link.Arc', arcAllowedIPs: ['10.1.2.3/8'] }),
    );
    expect(written).toContain('"arcServerEndpoint": "Link.Arc"');
    expect(written).toContain('"10.0.0.0/8"');
  });

  it('puts unknown fields after the known ones, at each level', () => {
    const text = `{"x-first": 1, ${SAMPLE.trim().slice(1, -1)}, "note": "kept"}`;
    const keys = Object.keys(JSON.parse(rewrite(text)) as object);
    expect(keys.slice(-3)).toEqual(['arcSessionStatus', 'x-first', 'note']);
    const session = rewrite(sampleWithSession({ placement: { region: 'tokyo' } }));
    expect(session).toContain(`    "arcClientPeerIpAddress": "10.0.0.2",
    "placement": {
      "region": "tokyo"
    }
`);
  });

  it('keeps "$schema" first', () => {
    const text = `{"$schema": "x", ${SAMPLE.trim().slice(1)}`;
    expect(rewrite(text)).toMatch(/^\{\n {2}"\$schema": "x",\n {2}"privateKey"/);
  });

  it('is stable: what it wrote reads and writes the same', () => {
    fc.assert(
      fc.property(
        fc.record({
          simId: fc.string({ unit: 'grapheme' }),
          logLevel: fc.integer(),
          mtu: fc.integer({ min: 0, max: 65535 }),
          postUp: fc.array(fc.array(fc.string({ unit: 'binary' }))),
          extra: fc.jsonValue(),
        }),
        (values) => {
          const written = rewrite(JSON.stringify(values));
          expect(rewrite(written)).toBe(written);
        },
      ),
    );
  });
});

describe('redactArcConfig', () => {
  it('hides only the private key and the auth key', () => {
    const expected = SAMPLE.replace(PRIVATE_KEY, '<redacted>').replace(
      'secret-abcdefgh',
      '<redacted>',
    );
    expect(redactArcConfig(parse(SAMPLE))).toBe(expected);
  });

  it('hides unknown fields whose name suggests a secret, at any depth', () => {
    const text = sampleWith({
      apiToken: 'hush',
      presharedKey: 'hush',
      list: [{ password: { deep: 'hush' }, note: 'shown' }],
    });
    const shown = redactArcConfig(parse(text));
    expect(shown).not.toContain('hush');
    expect(shown).toContain('"note": "shown"');
    expect(JSON.parse(shown)).toMatchObject({ apiToken: '<redacted>' });
  });

  it.each(['passwd', 'pwd', 'mfaOTPCode', 'credentials', 'cookie', 'PIN'])(
    'hides the unknown field %s',
    (name) => {
      expect(redactArcConfig(parse(sampleWith({ [name]: 'hush' })))).not.toContain('hush');
    },
  );

  it('hides values that look like a secret under any name, but no public key', () => {
    const list = ['secret-hush', { note: `PrivateKey = ${PRIVATE_KEY}` }];
    const shown = redactArcConfig(parse(sampleWith({ list, peerPublicKey: SERVER_KEY })));
    expect(shown).not.toContain('hush');
    expect(JSON.parse(shown)).toMatchObject({
      list: ['<redacted>', { note: '<redacted>' }],
      peerPublicKey: SERVER_KEY,
    });
  });

  it('shows that a key is missing', () => {
    expect(redactArcConfig(parse('{}'))).toContain(`"privateKey": "${ZERO_KEY}"`);
  });
});
