/** Bundles a program into one CommonJS file, and lists its contents. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { withEagerModules } from './eager-modules.js';

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const locked = JSON.parse(readFileSync(`${REPOSITORY}package-lock.json`, 'utf8')).packages;

/**
 * The programs, each with its target Node version and its entry code, in which paths are relative
 * to the repository. The single executable consists of the first two.
 */
export const PROGRAMS = {
  executable: { entry: `import './src/entry/executable.ts';`, target: 'node24' },
  'command-line': {
    entry: `import './src/entry/executable-command-line.ts';`,
    target: 'node24',
    // Native packages, each with the file that loads the addon.
    addons: { koffi: /^koffi$/, 'sodium-native': /^\.\/binding$/ },
  },
  extension: {
    entry: `import { main } from './src/lambda/main.ts';\nvoid main();`,
    target: 'node20',
    // Each start runs this program. Setting the names of its 1,500 functions would take 3 to 5 ms.
    keepNames: false,
  },
};

/** Packages that oclif loads for TypeScript projects, or that only the library loads. */
const NOT_NEEDED = /^(typescript|ts-node|tsx|undici)$/;
/** Native packages. */
const MACHINE_CODE = /^(koffi|sodium-native)$/;

/** Makes the program load native addons from the executable's assets, which are named NAME.node. */
const embeddedAddons = (addons) => ({
  name: 'embedded-addons',
  setup({ onResolve, onLoad }) {
    for (const [name, filter] of Object.entries(addons)) {
      onResolve({ filter }, ({ importer }) =>
        name === 'koffi' || importer.includes(`node_modules/${name}/`)
          ? { path: `${name}.node`, namespace: 'addon' }
          : undefined,
      );
    }
    onLoad({ filter: /.*/, namespace: 'addon' }, ({ path }) => ({
      contents: `module.exports = require('./src/entry/embedded-addon.ts').loadAddon('${path}');`,
      resolveDir: REPOSITORY,
    }));
  },
});

/**
 * Replacements for packages that oclif loads at startup, as the code of CommonJS modules.
 * src/entry/plugin.ts does the work of the absent packages, which search for plugins and commands.
 */
const REPLACED = {
  minimatch: absent('minimatch'),
  tinyglobby: absent('tinyglobby'),
  lilconfig: absent('lilconfig'),
  // Debug output would contain the arguments, which may be secrets.
  debug: 'module.exports = () => () => {};',
  // Load the template engine only for help.
  ejs: "exports.render = (...words) => require('ejs').render(...words);",
  // oclif uses only these two spinners by default.
  'cli-spinners': "exports.dots2 = exports.line = { frames: ['-', '\\\\', '|', '/'] };",
};

function absent(name) {
  return `
    const refuse = () => { throw new Error('${name} is not in this program'); };
    module.exports = new Proxy({}, { get: () => refuse });`;
}

export const smallerOclif = {
  name: 'smaller-oclif',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z-]+$/ }, ({ path, importer }) =>
      importer.includes('node_modules/@oclif/core/') && path in REPLACED
        ? { path, namespace: 'replaced' }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'replaced' }, ({ path }) => ({
      contents: REPLACED[path],
      resolveDir: `${REPOSITORY}node_modules/@oclif/core`,
    }));
  },
};

const absentPackages = (filter) => ({
  name: 'absent-packages',
  setup({ onResolve, onLoad }) {
    onResolve({ filter }, ({ path }) => ({ path, namespace: 'absent' }));
    // Bundle the package instead of resolving it at run time, because another layer may contain a
    // different version.
    onLoad({ filter: /.*/, namespace: 'absent' }, ({ path }) => ({
      contents: `throw new Error('${path} is not in this program');`,
    }));
  },
});

/**
 * @param {{ entry: string, target: string, addons?: Record<string, RegExp>, keepNames?: boolean }} program
 * @returns {Promise<{ code: string, metafile: import('esbuild').Metafile }>}
 */
export async function bundle({ entry, target, addons, keepNames = true }) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: entry, resolveDir: REPOSITORY, loader: 'ts' },
    absWorkingDir: REPOSITORY,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target,
    // Minify, because each cold start reads and compiles the code.
    minify: true,
    // Keep function and class names, because stack traces in logs contain them.
    keepNames,
    write: false,
    metafile: true,
    legalComments: 'none',
    // import.meta.url is used only to locate thread files, which these programs do not have.
    logOverride: { 'empty-import-meta': 'silent' },
    plugins: [
      smallerOclif,
      absentPackages(NOT_NEEDED),
      addons ? embeddedAddons(addons) : absentPackages(MACHINE_CODE),
    ],
  });
  return { code: withEagerModules(outputFiles[0].text), metafile };
}

/**
 * Lists the contents of bundles.
 *
 * @param {import('esbuild').Metafile[]} metafiles
 * @returns {{ inputs: string[], bill: string, notices: string }} the inputs as paths in the
 * repository
 */
export function contentOf(metafiles) {
  // Keep only files whose code remains after tree shaking.
  const kept = metafiles
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => path);
  const inputs = [...new Set(kept)].sort();
  const packages = packagesOf(inputs);
  return { inputs, bill: billOfMaterials(packages), notices: notices(packages) };
}

/** Returns the packages that contain the files, according to the lock file. */
function packagesOf(paths) {
  const folders = paths.flatMap(
    (path) =>
      /^(.*node_modules\/(@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ??
      (path === 'addon:koffi.node' ? ['node_modules/koffi'] : []),
  );
  return [...new Set(folders)].sort().map((folder) => {
    if (locked[folder] === undefined) throw new Error(`${folder} is not in package-lock.json`);
    const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return { ...locked[folder], folder, name };
  });
}

/**
 * Creates a CycloneDX 1.5 bill of the bundle's packages from the lock file. `npm sbom` lists all
 * installed packages, is not reproducible, and omits bundled development dependencies.
 */
function billOfMaterials(packages) {
  const kept = new Set(packages.map(({ name }) => name));
  const reference = ({ name, version }) => `${name}@${version}`;
  const own = locked[''];
  const dependsOn = ({ dependencies = {} }) =>
    Object.keys(dependencies)
      .filter((name) => kept.has(name))
      .map((name) => reference(packages.find((other) => other.name === name)));
  const bill = {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { ...componentOf(own), type: 'application' } },
    components: packages.map(componentOf),
    dependencies: [own, ...packages].map((from) => ({
      ref: reference(from),
      dependsOn: dependsOn(from),
    })),
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

function componentOf({ name, version, license, integrity }) {
  const reference = `${name}@${version}`;
  return {
    'bom-ref': reference,
    type: 'library',
    name,
    version,
    scope: 'required',
    ...(integrity && {
      hashes: [
        {
          alg: 'SHA-512',
          content: Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex'),
        },
      ],
    }),
    licenses: [{ license: { id: license } }],
    purl: `pkg:npm/${reference.replace(/^@/, '%40')}`,
  };
}

/** Returns the license texts, which must accompany the code. */
function notices(packages) {
  return packages
    .map(({ folder, name, version }) => `==== ${name} ${version} ====\n\n${licenceOf(folder)}\n`)
    .join('\n');
}

function licenceOf(folder) {
  const files = readdirSync(`${REPOSITORY}${folder}`);
  const textOf = (pattern) => {
    const file = files.find((name) => pattern.test(name));
    return file && readFileSync(`${REPOSITORY}${folder}/${file}`, 'utf8').trim();
  };
  // In some packages, the license is the last section of the README.
  const text =
    textOf(/^licen[cs]e/i) ?? /^#* ?licen[cs]e\s[^]*/im.exec(textOf(/^readme/i) ?? '')?.[0];
  if (text === undefined) throw new Error(`${folder} has no licence`);
  return text;
}
