/**
 * Runs test files of Jest with Node's own test runner, because Jest needs native code that has no
 * build for 32-bit ARM: `node run-tests.js FILE...`. Supports the functions that these tests use.
 */
import { resolve } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';

import { expect } from 'expect';
import { bind } from 'jest-each';

/** The calls of the file that is being loaded; undefined after all files were loaded. */
let calls;

const test = later((name, body, timeout) => it(name, { timeout }, () => body()));
const group = later((name, body) => describe(name, () => void body()));
const hook = (register) => later((body) => register(() => body()));
Object.assign(globalThis, {
  expect,
  it: Object.assign(test, { each: bind(test) }),
  describe: Object.assign(group, { each: bind(group), skip: describe.skip }),
  ...{ beforeAll: hook(before), beforeEach: hook(beforeEach) },
  ...{ afterAll: hook(after), afterEach: hook(afterEach) },
});

const files = [];
for (const file of process.argv.slice(2)) {
  files.push([file, (calls = [])]);
  await import(pathToFileURL(resolve(file)));
}
calls = undefined;
// Hooks at the top of a file are for the tests of this file only.
for (const [file, ofFile] of files) describe(file, () => ofFile.forEach((call) => call()));

/** Postpones calls at the top of a file, because Node starts the first test immediately. */
function later(register) {
  return (...parameters) => {
    if (calls === undefined) register(...parameters);
    else calls.push(() => register(...parameters));
  };
}
