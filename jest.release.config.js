/**
 * The tests that `npm run test:release` runs in addition: those of build/release, those in
 * `*.release.test.ts`, and at full length those that `npm test` shortens (test/support/runner/tier.ts).
 */
import { readdirSync, readFileSync } from 'node:fs';

import base from './jest.config.js';

const root = base.rootDir;
const files = readdirSync(`${root}/test`, { recursive: true })
  .map((name) => `${root}/test/${name.replaceAll('\\', '/')}`)
  .filter((path) => path.endsWith('.test.ts'));
const isShortened = (path) => readFileSync(path, 'utf8').includes('support/runner/tier.js');

/** @type {import('jest').Config} */
export default {
  ...base,
  globals: { isLongRun: true },
  testMatch: files.filter(
    (path) => /\.release\.test\.ts$|\/test\/release\//.test(path) || isShortened(path),
  ),
  testPathIgnorePatterns: ['/node_modules/'],
  // Tests in virtual time are slow on a slow machine; others install a Debian system, or run
  // programs for another processor in qemu.
  testTimeout: 600_000,
};
