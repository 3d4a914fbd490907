/**
 * Builds every file of a release into build/release: `npm run release -- --dry-run`. With
 * `--publish`, then publishes the npm package.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { actionOf, publicationObstacles } from './publication.js';
import { missingRequirements } from './requirements.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const OUTPUT = join(REPOSITORY, 'build/release');

process.chdir(REPOSITORY);
// The npm package contains the modes of the built files.
process.umask(0o022);
const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'));
const action = actionOf(process.argv.slice(2), process.env);
if (action === undefined) end(2, 'Usage: npm run release -- --dry-run | --publish');
const missing = missingRequirements();
if (missing !== undefined) end(1, missing);
if (action === 'publish') {
  const obstacles = publicationObstacles(version, (...words) => output('git', words));
  if (obstacles.length > 0) end(1, `Nothing was built or published.\n${obstacles.join('\n')}`);
}

build();
step('the Debian packages');
run(process.execPath, ['tools/release/write-packages.js', OUTPUT]);
step('the container image');
// The time of the commit, so that the same commit gives the same bytes.
process.env.SOURCE_DATE_EPOCH ??= output('git', ['show', '--no-patch', '--format=%ct', 'HEAD']);
run(process.execPath, ['tools/bundle/build-image.js']);
copyFileSync('build/image/arctun.tar', join(OUTPUT, `arctun-${version}.oci.tar`));
copyFileSync('dist/bundle/sbom.json', join(OUTPUT, 'arctun-npm.sbom.json'));
writeSums();
const archive = join(OUTPUT, `${name}-${version}.tgz`);
if (action === 'publish') {
  step(`npm publish ${archive}`);
  run('npm', ['publish', '--dry-run=false', '--access', 'public', archive]);
} else {
  console.log(`${OUTPUT} contains the release. Nothing was published.`);
}

/** Builds without the results of earlier builds, which may contain files of deleted code. */
function build() {
  for (const folder of ['dist', 'build/executable', 'build/layers', OUTPUT])
    rmSync(folder, { recursive: true, force: true });
  mkdirSync(OUTPUT, { recursive: true });
  step('the programs');
  run('npm', ['run', '--silent', 'build']);
  run('npm', ['run', '--silent', 'build:executable', '--', '--complete']);
  step('the layers and executables');
  run(process.execPath, ['tools/bundle/build-layers.js']);
  for (const folder of ['build/executable', 'build/layers'])
    for (const file of readdirSync(folder).filter((each) => each !== 'SHA256SUMS'))
      copyFileSync(join(folder, file), join(OUTPUT, file));
  step('the npm package');
  const options = ['--dry-run=false', '--ignore-scripts', '--silent'];
  output('npm', ['pack', ...options, `--pack-destination=${OUTPUT}`]);
}

function writeSums() {
  const files = readdirSync(OUTPUT).sort();
  const sums = files.map((file) => {
    const bytes = readFileSync(join(OUTPUT, file));
    console.log(`${file}: ${bytes.length} bytes`);
    return `${createHash('sha256').update(bytes).digest('hex')}  ${file}\n`;
  });
  writeFileSync(join(OUTPUT, 'SHA256SUMS'), sums.join(''));
}

function step(text) {
  console.log(`== ${text}`);
}

function run(command, parameters) {
  execFileSync(command, parameters, { stdio: ['ignore', 'inherit', 'inherit'] });
}

function output(command, parameters) {
  return execFileSync(command, parameters, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}

function end(code, message) {
  console.error(message);
  process.exit(code);
}
