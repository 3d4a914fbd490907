/**
 * Shared code for the rule lists of WireGuard (conformance.js) and TCP (tcp-conformance.js). A rule
 * lists the files that implement it, and the title of a test names the rules that the test checks.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the test files in a folder, as sorted paths relative to `root`. */
export function testFiles(root, folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.test.ts'))
    .sort();
}

export function readJson(root, path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

/**
 * Returns what a rule lists but does not exist: files, and tests that check the rule under other
 * names.
 *
 * @param {string} root
 * @param {{name: string, files: string[], elsewhere: {file: string, title: string}[]}} rule
 * @returns {string[]}
 */
export function missingOf(root, { name, files, elsewhere }) {
  const isIn = ({ file, title }) =>
    existsSync(join(root, file)) && readFileSync(join(root, file), 'utf8').includes(title);
  return [
    ...files
      .filter((file) => !existsSync(join(root, file)))
      .map((file) => `${name}: ${file} does not exist`),
    ...elsewhere
      .filter((test) => !isIn(test))
      .map(({ file, title }) => `${name}: "${title}" does not exist in ${file}`),
  ];
}

/**
 * Groups tests by file. Files and tests keep their original order.
 *
 * @template {{file: string}} T
 * @param {T[]} tests
 * @returns {[file: string, tests: T[]][]}
 */
export function byFile(tests) {
  const files = [...new Set(tests.map(({ file }) => file))];
  return files.map((file) => [file, tests.filter((test) => test.file === file)]);
}

export function fileList(files) {
  return files.map((file) => `\`${file}\``).join(', ');
}
