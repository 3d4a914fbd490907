/** The container image's files, as `npm run package image` writes them, with a program of a few bytes. */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';

import { parseTar } from 'nanotar';

import {
  runSettings,
  labelsOf,
  programFiles,
} from '../../../../tools/bundle/image/image-config.js';
import { imageLayout } from '../../../../tools/bundle/image/oci-layout.js';
import { archiveOf, tarLayer } from '../../../../tools/bundle/image/tar-layer.js';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: object;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Entry {
  readonly path: string;
  readonly content?: Uint8Array;
}

const CREATED = '1970-01-01T00:00:00.000Z';
const labels = labelsOf({ version: '1.2.3', description: 'what it does', license: 'MIT' });
const documents = [{ path: 'share/doc/arctun/LICENSE', mode: 0o644, content: Buffer.from('MIT') }];

function layout(): Entry[] {
  const layers = (text: string) => [
    {
      ...tarLayer(programFiles(Buffer.from(text), documents) as never),
      createdBy: 'arctun',
    },
  ];
  const images = { x86_64: layers('one'), arm64: layers('another') };
  const settings = runSettings(labels);
  const options = { name: 'localhost/arctun:latest', labels, settings, created: CREATED };
  return imageLayout(images, options);
}

/** Reads a blob, and checks its digest and its size. */
function blob(files: readonly Entry[], { digest, size }: Descriptor): Uint8Array {
  const file = files.find(({ path }) => path === `blobs/${digest.replace(':', '/')}`);
  const content = file!.content!;
  expect(content).toHaveLength(size);
  expect(`sha256:${createHash('sha256').update(content).digest('hex')}`).toBe(digest);
  return content;
}

interface Document {
  readonly manifests: readonly Descriptor[];
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations: object;
  readonly created: string;
  readonly rootfs: object;
  readonly history: readonly object[];
}

const parsed = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as Document;

it('lists one image, with a manifest for each architecture', () => {
  const files = layout();
  const find = (name: string) => files.find(({ path }) => path === name)!.content!;
  expect(parsed(find('oci-layout'))).toEqual({ imageLayoutVersion: '1.0.0' });
  const top = parsed(find('index.json'));
  expect(top.manifests).toHaveLength(1);
  expect(top.manifests[0]!.annotations).toEqual({
    'org.opencontainers.image.ref.name': 'latest',
    'io.containerd.image.name': 'localhost/arctun:latest',
  });
  const { manifests } = parsed(blob(files, top.manifests[0]!));
  expect(manifests.map(({ platform }) => platform)).toEqual([
    { architecture: 'amd64', os: 'linux' },
    { architecture: 'arm64', os: 'linux', variant: 'v8' },
  ]);
  for (const descriptor of manifests) {
    const manifest = parsed(blob(files, descriptor));
    expect(manifest.annotations).toMatchObject({ 'org.opencontainers.image.version': '1.2.3' });
    const tars = manifest.layers.map((layer) => gunzipSync(blob(files, layer)));
    const config = parsed(blob(files, manifest.config));
    expect(config.created).toBe(CREATED);
    expect(config).toMatchObject(descriptor.platform!);
    expect(config.history).toHaveLength(tars.length);
    expect(config.rootfs).toEqual({
      type: 'layers',
      diff_ids: tars.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`),
    });
  }
});

it('has the same bytes on every machine', () => {
  const digest = createHash('sha256').update(archiveOf(layout())).digest('hex');
  expect(digest).toBe('0ff0dba5e606c165c55e719f86df40681b9c07d12c487ff80542000633ea021e');
});

it('writes folders before their files, with owners and modes, and without times', () => {
  const { bytes } = tarLayer([
    { path: '/b/state', mode: 0o700, owner: 65532 },
    { path: '/a/b/c', mode: 0o755, content: Buffer.from('x') },
  ] as never);
  const entries = parseTar(gunzipSync(bytes));
  // nanotar reads the octal digits of the owner as a decimal number.
  const owner = (digits = 0) => Number.parseInt(String(digits), 8);
  expect(
    entries.map(({ name, attrs }) => [name, attrs?.mode, owner(attrs?.uid), attrs?.mtime]),
  ).toEqual([
    ['a/', '0000755', 0, 0],
    ['a/b/', '0000755', 0, 0],
    ['a/b/c', '0000755', 0, 0],
    ['b/', '0000755', 0, 0],
    ['b/state/', '0000700', 65532, 0],
  ]);
});

it('refuses an empty file and a long name, which nanotar would write wrongly', () => {
  const entry = (path: string, content: string) =>
    [{ path, mode: 0o644, content: Buffer.from(content) }] as never;
  expect(() => archiveOf(entry('a', ''))).toThrow('cannot write the empty file a');
  expect(() => archiveOf(entry('a'.repeat(101), 'x'))).toThrow('too long');
});
