/**
 * Writes a Debian package and a bill of materials for each executable in a folder:
 * `node tools/release/write-packages.js FOLDER`. --fast, for tests, compresses less and takes only
 * seconds.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { EXIT_CODES } from '../../dist/src/cli/errors/exit-codes.js';
import { fetchNode } from '../../dist/src/lambda/layer/fetch-node.js';
import { executableDocuments } from '../../dist/src/lambda/layer/layers.js';
import { readPrebuilt } from '../../dist/src/lambda/layer/prebuilt.js';
import { systemCommands } from '../../dist/src/system/process/command-runner.js';
import { debianVersion, writeDebianPackage } from './debian-package.js';
import { manualPages } from './manual-pages.js';

/** The executables, with the names that the layers and Debian use for their architecture. */
const EXECUTABLES = [
  { name: 'arctun-linux-x64', architecture: 'x86_64', debian: 'amd64' },
  { name: 'arctun-linux-arm64', architecture: 'arm64', debian: 'arm64' },
];

const [folderName, ...flags] = process.argv.slice(2);
const folder = resolve(folderName);
process.chdir(fileURLToPath(new URL('../../', import.meta.url)));
const { version, description } = readJson('package.json');
const release = {
  version,
  description,
  // Properties of the commit, so that each build of the commit gives the same bytes.
  maintainer: output('git', 'log', '-1', '--format=%an <%ae>'),
  // https://reproducible-builds.org/docs/source-date-epoch/
  time: Number(process.env.SOURCE_DATE_EPOCH || output('git', 'log', '-1', '--format=%ct')),
};
const date = new Date(release.time * 1000).toISOString().slice(0, 10);
const shared = {
  changelog: existsSync('CHANGELOG.md') ? readFileSync('CHANGELOG.md', 'utf8') : undefined,
  manual: manualPages(readJson('oclif.manifest.json'), { ...release, date }, EXIT_CODES),
  completions: Object.fromEntries(
    ['bash', 'fish', 'zsh'].map((shell) => [
      shell,
      `${output(process.execPath, 'bin/run.js', 'completion', shell)}\n`,
    ]),
  ),
};
const compression = flags.includes('--fast') ? ['-Zgzip', '-z1'] : undefined;

for (const { name, architecture, debian } of EXECUTABLES) {
  const executable = join(folder, name);
  if (!existsSync(executable)) continue;
  const documents = await documentsFor(architecture);
  writeFileSync(`${executable}.sbom.json`, documents.bill);
  const contents = { ...shared, ...documents, executable: readFileSync(executable) };
  const file = join(folder, `arctun_${debianVersion(version)}_${debian}.deb`);
  writeDebianPackage(file, debian, release, contents, compression);
}

/** Returns the documents that the layer of an architecture contains. */
async function documentsFor(architecture) {
  const prebuilt = await readPrebuilt('dist/executable', architecture);
  const node = await fetchNode(architecture, systemCommands, 'build/node');
  const entries = executableDocuments(prebuilt, node, architecture);
  const [license, notices, bill] = ['LICENSE', 'NOTICES.txt', 'sbom.json'].map((name) =>
    Buffer.from(entries.find(({ path }) => path.endsWith(`/${name}`)).content).toString(),
  );
  return { license, notices, bill };
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function output(command, ...parameters) {
  return execFileSync(command, parameters, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}
