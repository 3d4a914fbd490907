/**
 * Writes oclif.manifest.json and the generated parts of docs/reference: `npm run generate reference`. With
 * --check, writes nothing, and fails if a file is outdated.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { format, resolveConfig } from 'prettier';

import { EXIT_CODES } from '../../dist/src/cli/errors/exit-codes.js';
import { environmentPage, exitCodesPage, pageOf, withUsage } from './reference.js';

const MANIFEST = 'oclif.manifest.json';
process.chdir(fileURLToPath(new URL('../../', import.meta.url)));

const manifest = manifestOfCommands();
const commands = Object.values(manifest.commands);
const pages = [
  ...commands.map((command) => [pageOf(command.id), withUsage(read(pageOf(command.id)), command)]),
  ['docs/reference/environment.md', environmentPage(manifest)],
  ['docs/reference/exit-codes.md', exitCodesPage(EXIT_CODES)],
];
for (const [path, text] of [[MANIFEST, JSON.stringify(manifest, null, 2)], ...pages]) {
  const wanted = await format(text, { ...(await resolveConfig(path)), filepath: path });
  if (wanted === read(path)) continue;
  if (!process.argv.includes('--check')) writeFileSync(path, wanted);
  else fail(`${path} is out of date: run "npm run generate reference" and commit it.`);
}
const known = new Set(pages.map(([path]) => path));
for (const name of readdirSync('docs/reference/commands')) {
  const path = `docs/reference/commands/${name}`;
  if (!known.has(path)) fail(`${path} does not belong to a command: move its text and remove it.`);
}

/** Lets oclif describe the commands in dist, and restores the file that oclif writes. */
function manifestOfCommands() {
  const before = readFileSync(MANIFEST);
  try {
    // Set SHELL: without it, oclif asks the system for the user's shell, which throws for a user ID
    // that the passwd file does not contain, as in a container or a CI job.
    execFileSync('npx', ['--no-install', 'oclif', 'manifest'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { SHELL: '/bin/sh', ...process.env },
    });
    const written = JSON.parse(readFileSync(MANIFEST, 'utf8'));
    // oclif writes the commands in the order in which the file system lists folders.
    const sorted = Object.entries(written.commands).sort(([one], [other]) =>
      one < other ? -1 : 1,
    );
    return { ...written, commands: Object.fromEntries(sorted) };
  } finally {
    writeFileSync(MANIFEST, before);
  }
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}
