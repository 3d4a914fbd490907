/** Each test file that starts a tunnel has counters that see its packets. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { REPOSITORY } from '../processes.js';
import { COUNTED, EXCEPTIONS, isCounted } from './counted-files.js';

const TEST = `${REPOSITORY}test/`;
const EMULATOR_PROCESS = `${TEST}support/emulator-process.ts`;
const EMULATOR = `${REPOSITORY}src/emulator/emulator.ts`;
/** Imported by each network with counters. */
const OUTER_WIRE = `${TEST}support/foreign/outer-wire.ts`;

/** Folders and files whose packets are not counted, and why. */
const NOT_COUNTED: Readonly<Record<string, string>> = {
  'e2e/armhf.release.test.ts':
    'runs tests of UDP sockets, which send other datagrams in large segments',
  'interop/browsers.release.test.ts': 'browsers send queries, and arctun does not open a tunnel',
  'interop/programs/page.release.test.ts': 'reads a page, and does not start arctun',
  'release/': 'installs packages from the network',
  'support/foreign/private-network.release.test.ts':
    'opens private networks, and sends what is forbidden',
};

const isExcepted = (name: string) =>
  Object.keys(NOT_COUNTED).some((start) => name.startsWith(start));

const direct = new Map<string, readonly string[]>();

/** What a file and the files in test/ that it imports import. */
function importsOf(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  let imported = direct.get(file);
  if (imported === undefined) {
    const text = readFileSync(file, 'utf8');
    imported = [...text.matchAll(/\b(?:from|import\() ?'(\.[^']+)'/g)]
      .map(([, path]) => resolve(dirname(file), path!).replace(/\.js$/, '.ts'))
      .filter((path) => existsSync(path));
    direct.set(file, imported);
  }
  // Each file may have the modules that arctun itself uses.
  for (const path of imported) {
    if (path.startsWith(TEST)) importsOf(path, found);
    else found.add(path);
  }
  return found;
}

const files = readdirSync(TEST, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => ({ name, path: TEST + name, imports: importsOf(TEST + name) }));

it('all files of the list exist', () => {
  for (const name of [...COUNTED, ...Object.keys(NOT_COUNTED)])
    expect(files.some((file) => file.name.startsWith(name))).toBe(true);
});

it('each file that stays in the network of the machine has a reason', () => {
  expect(EXCEPTIONS.filter((name) => !isExcepted(name))).toEqual([]);
});

it('the packets of each file that starts the emulator are counted', () => {
  const starting = files.filter(
    ({ imports }) => imports.has(EMULATOR_PROCESS) || imports.has(EMULATOR),
  );
  expect(starting.length).toBeGreaterThan(40);
  const others = starting.filter(({ name, path }) => !isCounted(path) && !isExcepted(name));
  expect(others.map(({ name }) => name)).toEqual([]);
});

it('the packets of each file in interop/ are counted', () => {
  const others = files
    .filter(({ name }) => name.startsWith('interop/') && !isExcepted(name))
    .filter(({ path, imports }) => !isCounted(path) && !imports.has(OUTER_WIRE));
  expect(others.map(({ name }) => name)).toEqual([]);
});
