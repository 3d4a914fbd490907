/**
 * Writes dist/executable, from which layers and single executables are built
 * (src/lambda/layer/prebuilt.ts): `npm run build:executable`. Node for Linux, which creates the
 * blobs, is downloaded from npm once.
 *
 * Parts that this machine cannot build are skipped with a warning. With `--complete`, for a
 * release, such parts are errors.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { fetchNode } from '../../dist/src/lambda/layer/fetch-node.js';
import { ARCHITECTURES, NODE_VERSION } from '../../dist/src/lambda/layer/node-release.js';
import { systemCommands } from '../../dist/src/system/process/command-runner.js';
import { addonsOf } from './addons.js';
import { bundle, contentOf, PROGRAMS, REPOSITORY } from './bundles.js';

const output = join(REPOSITORY, 'dist/executable');
/** The folder for Node packages and earlier build results. */
const cache = join(REPOSITORY, 'build/node');
/** Runs arm64 programs; requires Debian's libraries for arm64. */
const EMULATOR = ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'];
/**
 * The environment in which code is compiled. The result depends on it, for example on colors, and on
 * whether the user has a name and a shell.
 */
const VARIABLES = { HOME: '/', SHELL: '/bin/sh' };
const HOST =
  process.platform === 'linux' ? { x64: 'x86_64', arm64: 'arm64' }[process.arch] : undefined;
const isComplete = process.argv.includes('--complete');

rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
mkdirSync(cache, { recursive: true });
const [main, commandLine, extension] = await Promise.all(
  ['executable', 'command-line', 'extension'].map((name) => bundle(PROGRAMS[name])),
);
writeFileSync(join(output, 'extension.cjs'), extension.code);
describe('extension', [extension]);
await writeBlobs(main.code, wrapped(commandLine.code));
describe('executable', [main, commandLine]);

function describe(name, bundles) {
  const { inputs, bill, notices } = contentOf(bundles.map(({ metafile }) => metafile));
  writeFileSync(join(output, `${name}.sbom.json`), bill);
  writeFileSync(join(output, `${name}.notices.txt`), notices);
  // Write the list of inputs for the tests.
  writeFileSync(join(cache, `${name}.inputs.json`), JSON.stringify(inputs));
  const bytes = bundles.reduce((sum, { code }) => sum + code.length, 0);
  console.log(`${name}: ${bytes} bytes from ${inputs.length} modules`);
}

/** Wraps code in a function with a CommonJS module's parameters, for src/entry/embedded.ts. */
function wrapped(code) {
  return `(function (require, module, exports) {${code}\n})`;
}

async function writeBlobs(main, commandLine) {
  if (HOST === undefined)
    return leaveOut('no blobs were built: that requires Linux on x86_64 or arm64');
  for (const architecture of ARCHITECTURES) {
    try {
      writeFileSync(
        join(output, `arctun-${architecture}.blob.gz`),
        gzipSync(await blobOf(main, commandLine, architecture)),
      );
    } catch (error) {
      leaveOut(`cannot build the blob for ${architecture}: ${error.message}`);
    }
  }
}

/** Reports a part that cannot be built. @throws Error with `--complete` */
function leaveOut(why) {
  if (isComplete) throw new Error(why);
  console.warn(why);
}

/**
 * Builds the program with precompiled code, which makes a cold start a third shorter. The code is
 * compiled by the same Node that will run it, under qemu if the architecture differs.
 */
async function blobOf(code, commandLine, architecture) {
  const runs = await nodeFor(architecture);
  if (runs === undefined)
    leaveOut(
      `the program for ${architecture} was not precompiled, because this machine cannot run it`,
    );
  const addons = addonsFor(architecture);
  const assets = ['command-line.cjs', 'command-line.cache', ...Object.keys(addons)];
  const settings = {
    main: 'arctun.cjs',
    disableExperimentalSEAWarning: true,
    useCodeCache: runs !== undefined,
    // Ignore NODE_OPTIONS, which is meant for the function and may refer to files that do not exist
    // here.
    execArgvExtension: 'none',
    assets: Object.fromEntries(assets.map((name) => [name, name])),
  };
  const compiler = readFileSync(join(REPOSITORY, 'tools/bundle/compile-ahead.js'), 'utf8');
  const recipe = JSON.stringify([settings, VARIABLES]);
  const made = [NODE_VERSION, architecture, recipe, code, commandLine, compiler];
  const hash = createHash('sha256');
  for (const part of [...made, ...Object.values(addons)]) hash.update(part).update('\0');
  const key = hash.digest('hex').slice(0, 16);
  const blob = join(cache, `${key}.blob`);
  if (!existsSync(blob)) {
    const folder = join(cache, key);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'arctun.cjs'), code);
    writeFileSync(join(folder, 'command-line.cjs'), commandLine);
    writeFileSync(join(folder, 'command-line.cache'), '');
    for (const [name, bytes] of Object.entries(addons)) writeFileSync(join(folder, name), bytes);
    writeFileSync(join(folder, 'sea.json'), JSON.stringify({ ...settings, output: 'blob' }));
    const [program, ...words] = runs ?? (await nodeFor(HOST));
    // Use a fixed seed for reproducible bytes, because the layout depends on seeded hashes.
    const run = (...options) =>
      execFileSync(program, [...words, '--random-seed=1', ...options], {
        cwd: folder,
        stdio: 'pipe',
        env: { PATH: process.env.PATH, ...VARIABLES },
      });
    if (runs !== undefined) run(join(REPOSITORY, 'tools/bundle/compile-ahead.js'), 'command-line');
    run('--experimental-sea-config', 'sea.json');
    // The cache must not contain the part of a blob that a killed build or a full disk leaves.
    renameSync(join(folder, 'blob'), blob);
    rmSync(folder, { recursive: true });
  }
  return readFileSync(blob);
}

/** Returns the addons. If they are missing, `up` reports what a network interface requires. */
function addonsFor(architecture) {
  try {
    return addonsOf(architecture, cache);
  } catch (error) {
    leaveOut(
      `the program for ${architecture} was built without the native addons of packages: ${error.message}`,
    );
    return {};
  }
}

/**
 * Returns the command that runs Node for an architecture on this machine; undefined if impossible.
 */
async function nodeFor(architecture) {
  const isForeign = architecture !== HOST;
  if (isForeign && (architecture !== 'arm64' || !canRun(EMULATOR[0]))) return undefined;
  const path = join(cache, `node-${NODE_VERSION}-${architecture}`);
  if (!existsSync(path)) {
    const { executable } = await fetchNode(architecture, systemCommands, cache);
    const unfinished = `${path}.unfinished`;
    writeFileSync(unfinished, executable, { mode: 0o755 });
    renameSync(unfinished, path);
  }
  return isForeign ? [...EMULATOR, path] : [path];
}

function canRun(program) {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
