/**
 * Writes the npm package's code: the command and the library to dist/bundle, and the library's
 * declarations to dist/types. Bundling halves the command's startup time, and leaves only native
 * packages as dependencies. Code is split, so that a command loads only the code that it needs and
 * shares the rest with the library.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { contentOf, REPOSITORY, smallerOclif } from './bundles.js';
import { buildWithFewerChunks } from './fewer-chunks.js';

const output = join(REPOSITORY, 'dist/bundle');

/** The native addons of sodium-native, by platform and architecture. */
const ADDON = 'sodium-native/prebuilds/*';

/** Loads the package that npm installed for this platform, or otherwise searches like koffi. */
const KOFFI = `
  try { module.exports = require(\`@koromix/koffi-\${process.platform}-\${process.arch}\`); }
  catch { module.exports = require('koffi'); }
`;

/**
 * Loads native packages with require(), which does not scan their source for exports.
 * sodium-native's file is loaded directly, because the package's own lookup loads 19 packages.
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
const options = {
  // bin/run.js starts the first file, and programs import the second.
  entryPoints: ['src/entry/npm.ts', 'src/index.ts'],
  entryNames: '[name]',
  absWorkingDir: REPOSITORY,
  outdir: output,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // Names stay readable without keepNames, because the code is not minified. With keepNames, each
  // closure would get a hash table for its name (docs/explanation/performance.md).
  keepNames: false,
  metafile: true,
  legalComments: 'none',
  // Exclude native packages, an optional peer, and what oclif loads for TypeScript projects.
  external: ['koffi', '@koromix/*', ADDON, 'undici', 'typescript', 'ts-node', 'tsx'],
  plugins: [machineCode, smallerOclif],
  // Define require() for bundled CommonJS packages, under names that no bundled code uses.
  banner: {
    js: [
      "import { createRequire as createRequireForBundle } from 'node:module';",
      'const require = createRequireForBundle(import.meta.url);',
    ].join('\n'),
  },
};
// npm.ts must not load more code before it protects the process, and the library must not load code
// of the command line.
const { metafile } = await buildWithFewerChunks(options, ['src/entry/npm.ts', 'src/index.ts']);
const { bill, notices } = contentOf([metafile]);
writeFileSync(join(output, 'sbom.json'), bill);
writeFileSync(join(output, 'notices.txt'), notices);
copyTypes();

/** Copies the declarations that index.d.ts uses, without those of other packages. */
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
