/**
 * Runs one of the programs of a group: `npm run GROUP NAME`, with options as in
 * `npm run GROUP NAME -- --option`.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BUILD = 'npm run --silent build';
const EXECUTABLES = 'npm run --silent build:executable';
const HARNESS = 'tsc -p tsconfig.harness.json';
const LAYERS = 'node tools/bundle/build-layers.js';

const harness = (file) => [HARNESS, `node build/harness/test/${file}.js`];
const bench = (file, ...before) => [BUILD, ...before, `node bench/${file}.js`];

/** The commands of each program in order. The last one gets the options. */
const GROUPS = {
  bench: {
    'start-up': bench('start-up'),
    tunnel: bench('tunnel'),
    memory: bench('memory'),
    allocation: bench('allocation'),
    fleet: bench('fleet'),
    lambda: bench('lambda', EXECUTABLES, LAYERS, HARNESS),
  },
  generate: {
    reference: ['tsc -p tsconfig.build.json', 'node tools/generate/write-reference.js'],
    schema: [BUILD, 'node tools/generate/write-schema.js'],
    wasm: ['node tools/generate/write-checksum-code.js'],
    library: [
      'typedoc --entryPoints src/index.ts --tsconfig tsconfig.build.json --readme none --excludeInternal --disableSources --logLevel Error --out build/library-reference',
    ],
  },
  harness: {
    sim: harness('sim/main'),
    fuzz: harness('fuzz/main'),
    goodput: harness('goodput/main'),
  },
  package: {
    layers: [BUILD, EXECUTABLES, LAYERS],
    image: [BUILD, EXECUTABLES, 'node tools/bundle/build-image.js'],
  },
  smoke: {
    soracom: [BUILD, 'node tools/smoke/smoke-soracom.js'],
    lambda: ['node tools/smoke/smoke-lambda.js'],
  },
};

const [group, name = '', ...options] = process.argv.slice(2);
const programs = GROUPS[group];
process.chdir(fileURLToPath(new URL('../', import.meta.url)));
process.exitCode = Object.hasOwn(programs, name) ? run(programs[name]) : usage();

function run(commands) {
  // The program decides what a signal of the terminal means.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
  for (const [index, command] of commands.entries()) {
    const [program, ...words] = command.split(' ');
    const given = index === commands.length - 1 ? options : [];
    const { status, error } = spawnSync(program, [...words, ...given], { stdio: 'inherit' });
    if (error !== undefined) throw error;
    if (status !== 0) return status ?? 1;
  }
  return 0;
}

function usage() {
  console.error(`Usage: npm run ${group} NAME [-- OPTIONS]`);
  console.error(`NAME is one of: ${Object.keys(programs).join(', ')}`);
  return 2;
}
