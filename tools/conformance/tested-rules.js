/**
 * What the lists of rules share, those of WireGuard (conformance.js) and those of TCP
 * (tcp-conformance.js): a rule names the files in which we do it, and tests that hold it hold it by
 * their titles.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The test files under a folder, by their paths from `root`, in the order of their names. */
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
 * What a rule names and is not there: its files, and the tests that hold it and bear other names.
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
      .map((file) => `${name}: there is no ${file}`),
    ...elsewhere
      .filter((test) => !isIn(test))
      .map(({ file, title }) => `${name}: there is no "${title}" in ${file}`),
  ];
}

/**
 * Tests under their files, both in the order in which they come.
 *
 * @template {{file: string}} T
 * @param {T[]} tests
 * @returns {[file: string, tests: T[]][]}
 */
export function byFile(tests) {
  const files = [...new Set(tests.map(({ file }) => file))];
  return files.map((file) => [file, tests.filter((test) => test.file === file)]);
}

/** The files as they stand in a document. */
export function fileList(files) {
  return files.map((file) => `\`${file}\``).join(', ');
}
