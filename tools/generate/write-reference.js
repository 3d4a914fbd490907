/**
 * Writes the generated parts of docs/reference: `npm run reference`. With --check, writes nothing,
 * and fails if a page is outdated.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { format, resolveConfig } from 'prettier';

import { EXIT_CODES } from '../../dist/src/cli/errors/exit-codes.js';
import { environmentPage, exitCodesPage, pageOf, withUsage } from './reference.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const isCheck = process.argv.includes('--check');
const manifest = JSON.parse(readFileSync(`${root}oclif.manifest.json`, 'utf8'));

function read(path) {
  return existsSync(root + path) ? readFileSync(root + path, 'utf8') : undefined;
}

const commands = Object.values(manifest.commands);
const pages = [
  ...commands.map((command) => [pageOf(command.id), withUsage(read(pageOf(command.id)), command)]),
  ['docs/reference/environment.md', environmentPage(manifest)],
  ['docs/reference/exit-codes.md', exitCodesPage(EXIT_CODES)],
];
for (const [path, text] of pages) {
  const options = { ...(await resolveConfig(root + path)), parser: 'markdown' };
  const wanted = await format(text, options);
  if (wanted === read(path)) continue;
  if (!isCheck) writeFileSync(root + path, wanted);
  else fail(`${path} is out of date: run "npm run reference" and commit it.`);
}
const known = new Set(pages.map(([path]) => path));
for (const name of readdirSync(`${root}docs/reference/commands`)) {
  const path = `docs/reference/commands/${name}`;
  if (!known.has(path)) fail(`${path} does not belong to a command: move its text and remove it.`);
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}
