import { readFileSync } from 'node:fs';

import { skeletonArcConfig } from '../../src/arc-config/arc-config.js';
import { formatArcConfig, redactArcConfig } from '../../src/arc-config/format-arc-config.js';
import { parseArcConfig } from '../../src/arc-config/parse-arc-config.js';
import { PRIVATE_KEY, SAMPLE, sampleWith, SERVER_KEY, ZERO_KEY } from './sample.js';

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

  it('escapes like Go’s encoding/json', () => {
    const postUp = [['sh', '-c', 'a && b < c > d', 'tab\t\u2028\u2029\u0001"\\é\u007f']];
    expect(rewrite(JSON.stringify({ postUp }))).toContain(
      '"a \\u0026\\u0026 b \\u003c c \\u003e d",\n      "tab\\t\\u2028\\u2029\\u0001\\"\\\\é\u007f"',
    );
    expect(rewrite('{"interface": "a\\ud800b"}')).toContain('"interface": "a\ufffdb"');
  });

  it('keeps "$schema" first', () => {
    const text = `{"$schema": "x", ${SAMPLE.trim().slice(1)}`;
    expect(rewrite(text)).toMatch(/^\{\n {2}"\$schema": "x",\n {2}"privateKey"/);
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

  it('hides values that look like a secret under any name, but no public key', () => {
    const list = ['secret-hush', { note: `PrivateKey = ${PRIVATE_KEY}` }];
    const shown = redactArcConfig(parse(sampleWith({ list, peerPublicKey: SERVER_KEY })));
    expect(shown).not.toContain('hush');
    expect(JSON.parse(shown)).toMatchObject({
      list: ['<redacted>', { note: '<redacted>' }],
      peerPublicKey: SERVER_KEY,
    });
  });
});
