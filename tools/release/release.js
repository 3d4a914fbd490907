/**
 * Builds every file of a release into build/release: `npm run release -- --dry-run`. With
 * `--publish`, then publishes the npm package. The folder exists only if the release is complete.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { checksumLine } from '../bundle/checked-files.js';
import { actionOf, publicationObstacles, tagFlags } from './publication.js';
import { missingRequirements } from './requirements.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const OUTPUT = join(REPOSITORY, 'build/release');
const UNFINISHED = join(REPOSITORY, 'build/unfinished-release');

process.chdir(REPOSITORY);
process.umask(0o022);
const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'));
const archive = `${name}-${version}.tgz`;
const action = actionOf(process.argv.slice(2), process.env);
if (action === undefined) end(2, 'Usage: npm run release -- --dry-run | --publish');
const missing = missingRequirements();
if (missing !== undefined) end(1, missing);
let current = 'the commit';
try {
  if (action === 'publish') requirePublishable();
  process.env.SOURCE_DATE_EPOCH = releaseTime();
  build();
  if (action === 'publish') publish();
  else console.log(`${OUTPUT} contains the release. Nothing was published.`);
} catch (error) {
  end(1, failureOf(error));
}

function requirePublishable() {
  const obstacles = publicationObstacles(version, (...words) => output('git', words));
  if (obstacles.length > 0) end(1, `Nothing was built or published.\n${obstacles.join('\n')}`);
}

/** Returns the time that all files get, in seconds: that of the commit, unless the user sets it. */
function releaseTime() {
  const wanted = process.env.SOURCE_DATE_EPOCH;
  if (wanted === undefined || wanted === '')
    return output('git', ['show', '--no-patch', '--format=%ct', 'HEAD']);
  if (/^\d+$/.test(wanted)) return wanted;
  throw new Error(`SOURCE_DATE_EPOCH must be a number of seconds, not "${wanted}"`);
}

/** Builds without the results of earlier builds, which may contain files of deleted code. */
function build() {
  for (const folder of ['dist', 'build/executable', 'build/layers', UNFINISHED, OUTPUT])
    rmSync(folder, { recursive: true, force: true });
  mkdirSync(UNFINISHED, { recursive: true });
  step('the programs');
  run('npm', ['run', '--silent', 'build']);
  run('npm', ['run', '--silent', 'build:executable', '--', '--complete']);
  step('the layers and executables');
  run(process.execPath, ['tools/bundle/build-layers.js']);
  for (const folder of ['build/executable', 'build/layers'])
    for (const file of readdirSync(folder).filter((each) => each !== 'SHA256SUMS'))
      copyFileSync(join(folder, file), join(UNFINISHED, file));
  step('the npm package');
  packForNpm();
  step('the Debian packages');
  run(process.execPath, ['tools/release/write-packages.js', UNFINISHED]);
  step('the container image');
  run(process.execPath, ['tools/bundle/build-image.js']);
  copyFileSync('build/image/arctun.tar', join(UNFINISHED, `arctun-${version}.oci.tar`));
  copyFileSync('dist/bundle/sbom.json', join(UNFINISHED, 'arctun-npm.sbom.json'));
  step('the checksums');
  writeSums();
  renameSync(UNFINISHED, OUTPUT);
}

/**
 * Packs the files with fixed modes. A checkout with another umask has other modes, and git keeps only
 * whether a file is executable.
 */
function packForNpm() {
  const options = ['--ignore-scripts', '--loglevel=error'];
  const listed = JSON.parse(output('npm', ['pack', '--dry-run=true', '--json', ...options]));
  const [{ files }] = Object.values(listed);
  for (const { path, mode } of files) {
    const wanted = (mode & 0o100) === 0 ? 0o644 : 0o755;
    if (mode !== wanted) chmodSync(path, wanted);
  }
  output('npm', ['pack', '--dry-run=false', ...options, `--pack-destination=${UNFINISHED}`]);
}

function writeSums() {
  const files = readdirSync(UNFINISHED).sort();
  const sums = files.map((file) => {
    const bytes = readFileSync(join(UNFINISHED, file));
    console.log(`${file}: ${bytes.length} bytes`);
    return checksumLine(file, bytes);
  });
  writeFileSync(join(UNFINISHED, 'SHA256SUMS'), sums.join(''));
}

/** npm needs the terminal, because it may ask for a one-time password. */
function publish() {
  const file = join(OUTPUT, archive);
  step(`npm publish ${file}`);
  const parameters = ['publish', '--dry-run=false', '--access', 'public', ...tagFlags(version)];
  execFileSync('npm', [...parameters, file], { stdio: 'inherit' });
}

function step(text) {
  current = text;
  console.log(`== ${text}`);
}

/** Returns the message for a step that failed. A command has printed its own reason already. */
function failureOf({ status, signal, message }) {
  const reason = signal
    ? `a command was ended by ${signal}`
    : Number.isInteger(status)
      ? `a command failed with exit code ${status}; its messages are above`
      : message;
  if (current.startsWith('npm publish')) {
    // npm may fail after the registry has accepted the package.
    return [
      `cannot publish the release: ${current}: ${reason}`,
      `Run \`npm view ${name}@${version}\` to see whether npm published it.`,
      `If not, fix this, then run the command again. ${OUTPUT} contains the release.`,
    ].join('\n');
  }
  return [
    `cannot build the release: ${current}: ${reason}`,
    'The release is incomplete, and nothing was published.',
    'Fix this, then run the command again.',
  ].join('\n');
}

function run(command, parameters) {
  execFileSync(command, parameters, { stdio: ['ignore', 'inherit', 'inherit'] });
}

function output(command, parameters) {
  return execFileSync(command, parameters, {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

function end(code, message) {
  console.error(message);
  process.exit(code);
}
