/** The files that `npm pack` would ship. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

import { REPOSITORY } from '../support/processes.js';

interface Packed {
  /** The size of the tarball in bytes. */
  readonly size: number;
  readonly files: readonly {
    readonly path: string;
    readonly mode: number;
    readonly size: number;
  }[];
}

let files: Packed['files'];
let size: number;
beforeAll(() => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const parsed = JSON.parse(output) as Packed[] | Record<string, Packed>;
  ({ files, size } = Object.values(parsed)[0]!);
});

/** The size in bytes that each part may have, and the tarball. */
const LIMITS: Readonly<Record<string, number>> = {
  // Compressed programs for both architectures, from which `arctun lambda layer` builds layers.
  'dist/executable': 9e6,
  'dist/bundle': 7e6,
  'dist/types': 4e5,
  docs: 9e5,
  others: 3e5,
};
const MOST_COMPRESSED = 10e6;

it('is small', () => {
  const sizes = new Map(Object.keys(LIMITS).map((part) => [part, 0]));
  for (const { path, size } of files) {
    const part = Object.keys(LIMITS).find((name) => path.startsWith(`${name}/`)) ?? 'others';
    sizes.set(part, sizes.get(part)! + size);
  }
  const large = [...sizes].filter(([part, bytes]) => bytes > LIMITS[part]!);
  expect(large).toEqual([]);
  expect(size).toBeLessThan(MOST_COMPRESSED);
});

it('ships the executable, the build, the manifest and the documents, and nothing else', () => {
  const paths = files.map(({ path }) => path);
  for (const path of [
    'bin/run.js',
    'dist/bundle/npm.js',
    'dist/bundle/notices.txt',
    'dist/bundle/sbom.json',
    'dist/bundle/index.js',
    'dist/types/index.d.ts',
    'dist/executable/arctun-x86_64.blob.gz',
    'dist/executable/arctun-arm64.blob.gz',
    'dist/executable/extension.cjs',
    'dist/executable/executable.sbom.json',
    'docs/reference/commands/lambda-layer.md',
    'docs/guides/lambda.md',
    'docs/explanation/conformance.md',
    'docs/guides/debian.md',
    'oclif.manifest.json',
    'docs/reference/commands/up.md',
    'deploy/systemd/arctun.service',
    'deploy/systemd/arctun-tun.service',
    'deploy/lambda/function/index.mjs',
    'deploy/lambda/sam/template.yaml',
    'deploy/lambda/cdk/sending-stack.ts',
    'deploy/compose/compose.yaml',
    'deploy/kubernetes/sidecar/kustomization.yaml',
    'schema/arc.schema.json',
    'README.md',
    'LICENSE',
  ]) {
    expect(paths).toContain(path);
  }
  expect(files.find(({ path }) => path === 'bin/run.js')!.mode & 0o111).toBe(0o111);
  expect(
    paths.filter(
      (path) =>
        !/^(bin\/run\.js|dist\/|deploy\/|docs\/|schema\/|[\w.]+\.(md|json)|LICENSE)/.test(path),
    ),
  ).toEqual([]);
  expect(paths.filter((path) => /\btest\b|^tools\/|-conformance\.md$/.test(path))).toEqual([]);
});

/** A file of the build and what it imports from the build, one after the other. */
function reachableFrom(entry: string): string[] {
  const found = new Set([entry]);
  for (const file of found) {
    const text = readFileSync(`${REPOSITORY}${file}`, 'utf8');
    for (const [, path = ''] of text.matchAll(
      /(?:from|import\(|import) ?['"](\.\.?\/[^'"]+\.js)['"]/g,
    )) {
      const target = posix.join(posix.dirname(file), path);
      found.add(file.endsWith('.d.ts') ? target.replace(/\.js$/, '.d.ts') : target);
    }
  }
  return [...found];
}

it.each(['dist/bundle/index.js', 'dist/types/index.d.ts'])(
  'ships everything that %s imports',
  (entry) => {
    const reachable = reachableFrom(entry);
    expect(reachable.length).toBeGreaterThan(10);
    const shipped = new Set(files.map(({ path }) => path));
    expect(reachable.filter((path) => !shipped.has(path))).toEqual([]);
  },
);

it('depends only on packages with native code', () => {
  const manifest = JSON.parse(readFileSync(`${REPOSITORY}package.json`, 'utf8')) as Record<
    string,
    Record<string, string> | undefined
  >;
  expect(Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })).toEqual([
    'koffi',
    'sodium-native',
  ]);
});

it('pins every dependency, and none needs an install script', () => {
  const manifest = JSON.parse(readFileSync(`${REPOSITORY}package.json`, 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  const lock = JSON.parse(readFileSync(`${REPOSITORY}package-lock.json`, 'utf8')) as {
    packages: Record<string, { hasInstallScript?: boolean; dev?: boolean; resolved?: string }>;
  };
  for (const kind of ['optionalDependencies', 'devDependencies']) {
    for (const version of Object.values(manifest[kind]!))
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  }
  const packages = Object.entries(lock.packages);
  const scripted = packages.filter(
    ([, { hasInstallScript, dev }]) => hasInstallScript === true && dev !== true,
  );
  // koffi's script looks for a binary and builds one if there is none; its binaries come as
  // packages. Everything here is installed without scripts.
  expect(scripted.map(([name]) => name)).toEqual(['node_modules/koffi']);
  expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});
