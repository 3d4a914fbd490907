/** Downloads Node for Linux through npm, which knows the user's registry and proxy settings. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { CommandError, type CommandRunner } from '../../ports/command-runner.js';
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { type Architecture, NODE_PACKAGES, type NodePackage } from './node-release.js';
import { packageFiles } from './package-files.js';

/** The timeout of a download in milliseconds; a package is about 50 MB. */
const TIMEOUT = 15 * 60_000;

export interface NodeFiles {
  readonly executable: Uint8Array;
  readonly license: Uint8Array;
}

/**
 * Returns Node for an architecture, after comparing its checksum with the one in arctun's source.
 *
 * @param folder the download folder; if it already contains the package, nothing is downloaded
 * @param expected the version and its checksum; by default those of the executable
 * @throws UserError of kind `failed`
 */
export async function fetchNode(
  architecture: Architecture,
  commands: CommandRunner,
  folder: string,
  expected: NodePackage = NODE_PACKAGES[architecture],
): Promise<NodeFiles> {
  const file = join(folder, `${expected.name}-${expected.version}.tgz`);
  let archive = await readIfThere(file);
  if (archive === undefined || integrityOf(archive) !== expected.integrity) {
    await downloadPackage(expected, commands, folder);
    archive = await readIfThere(file);
  }
  if (archive === undefined) throw failure(expected, `npm pack did not write ${file}`);
  const integrity = integrityOf(archive);
  if (integrity !== expected.integrity) {
    await rm(file, { force: true });
    throw failure(
      expected,
      `the checksum of the download is ${integrity}, but this version of arctun expects ${expected.integrity}`,
      [
        'Try again. If the download fails again, do not use the file: your registry or a proxy is serving a different file.',
      ],
    );
  }
  try {
    const [executable, license] = packageFiles(archive, ['package/bin/node', 'package/LICENSE']);
    if (executable === undefined || license === undefined) throw new Error('the package is empty');
    return { executable, license };
  } catch (error) {
    throw failure(expected, messageOf(error), [], error);
  }
}

function integrityOf(bytes: Uint8Array): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function downloadPackage(
  wanted: NodePackage,
  commands: CommandRunner,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const specification = `${wanted.name}@${wanted.version}`;
  // By default, if the network is down, npm retries for minutes and prints nothing.
  const waits = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];
  const patience = ['--fetch-retries=1', ...waits, '--fetch-timeout=60000'];
  // `npm pack --dry-run` and `npm publish --dry-run` pass their option to the scripts that they run.
  const options = ['--dry-run=false', '--ignore-scripts', '--loglevel=error', ...patience];
  const destination = `--pack-destination=${folder}`;
  const command = ['npm', 'pack', specification, destination, ...options];
  const result = await commands.run(command, { timeout: TIMEOUT }).catch((error: unknown) => {
    if (!(error instanceof CommandError)) throw error;
    throw failure(
      wanted,
      error.failure === 'not-found' ? 'npm was not found on the PATH' : error.message,
      error.failure === 'not-found'
        ? ['Install npm (it comes with Node.js), or use --thin, which does not need Node.js.']
        : [],
      error,
    );
  });
  if (result.exitCode === 0) return;
  throw failure(wanted, `npm pack: ${reasonOf(result.stderr)}`, [
    `Check that \`npm view ${specification}\` works here. npm reads the registry and the proxy from its own configuration.`,
  ]);
}

/** Returns npm's error message without the path of npm's log file. */
function reasonOf(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!) ?/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('A complete log of this run'));
  return lines.slice(0, 4).join('; ') || 'npm failed without a message';
}

function failure(
  { name, version }: NodePackage,
  why: string,
  next: readonly string[] = [],
  cause?: unknown,
): UserError {
  const what = `cannot download Node.js ${version} (the npm package ${name})`;
  return new UserError('failed', { what, why, next, cause });
}
