/**
 * Writes what the npm package runs: dist/bundle, with the command and the library, and dist/types, with the
 * library's declarations. Bundled, the command starts in half the time, and the package brings no packages but
 * those of machine code. Split, a command loads its own code alone, and shares the rest with the library.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { build } from 'esbuild';

import { contentOf, REPOSITORY, withoutDiscovery } from './bundles.js';

const output = join(REPOSITORY, 'dist/bundle');

/** sodium-native's machine code, by platform and architecture. */
const ADDON = 'sodium-native/prebuilds/*';

/** Of the package that npm has installed for this platform, or as koffi itself finds it. */
const KOFFI = `
  try { module.exports = require(\`@koromix/koffi-\${process.platform}-\${process.arch}\`); }
  catch { module.exports = require('koffi'); }
`;

/**
 * The packages with machine code are loaded by require(), which does not scan their text for exports, and
 * sodium-native's file at once: its own search for it loads 19 packages.
 */
const machineCode = {
  name: 'machine-code',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^koffi$/ }, ({ namespace }) =>
      namespace === 'machine-code' ? undefined : { path: 'koffi', namespace: 'machine-code' },
    );
    onResolve({ filter: /^\.\/binding$/ }, ({ importer }) =>
      importer.includes('node_modules/sodium-native/')
        ? { path: 'sodium-native', namespace: 'machine-code' }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'machine-code' }, ({ path }) => ({
      contents:
        path === 'koffi'
          ? KOFFI
          : 'module.exports = require(`sodium-native/prebuilds/${process.platform}-${process.arch}/sodium-native.node`);',
      resolveDir: REPOSITORY,
    }));
  },
};

rmSync(output, { recursive: true, force: true });
const { metafile } = await build({
  // bin/run.js starts the first, a thread of the tunnel is the second, a program imports the third.
  entryPoints: ['src/entry/npm.ts', 'src/cli/tunnel-thread.ts', 'src/index.ts'],
  entryNames: '[name]',
  absWorkingDir: REPOSITORY,
  outdir: output,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // Stack traces are read by people.
  keepNames: true,
  metafile: true,
  legalComments: 'none',
  // Machine code, and what oclif asks for if a project is written in TypeScript.
  external: ['koffi', '@koromix/*', ADDON, 'typescript', 'ts-node', 'tsx'],
  plugins: [machineCode, withoutDiscovery],
  // CommonJS packages in the bundle ask for Node's modules. No code of the bundle has these names.
  banner: {
    js: [
      "import { createRequire as createRequireForBundle } from 'node:module';",
      'const require = createRequireForBundle(import.meta.url);',
    ].join('\n'),
  },
});
const { bill, notices } = contentOf([metafile]);
writeFileSync(join(output, 'sbom.json'), bill);
writeFileSync(join(output, 'notices.txt'), notices);
copyTypes();

/** The declarations that index.d.ts reaches; those of other packages would have to be installed. */
function copyTypes() {
  const [from, to] = ['dist/src', 'dist/types'].map((folder) => join(REPOSITORY, folder));
  rmSync(to, { recursive: true, force: true });
  const files = new Set(['index.d.ts']);
  for (const file of files) {
    const text = readFileSync(join(from, file), 'utf8');
    for (const [, specifier] of text.matchAll(/\b(?:from|import\() ?'([^']+)'/g)) {
      if (specifier.startsWith('.'))
        files.add(join(dirname(file), specifier).replace(/\.js$/, '.d.ts'));
      else if (!specifier.startsWith('node:'))
        throw new Error(`the types of ${file} need the package ${specifier}`);
    }
    mkdirSync(dirname(join(to, file)), { recursive: true });
    copyFileSync(join(from, file), join(to, file));
  }
}
