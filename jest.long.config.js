/** `npm run test:long`: runs at full length the tests that `npm test` shortens (test/support/runner/tier.ts). */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import base from './jest.config.js';

const root = fileURLToPath(new URL('./', import.meta.url));
const tiered = readdirSync(`${root}test`, { recursive: true })
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => readFileSync(root + name, 'utf8').includes('support/runner/tier.js'));

/** @type {import('jest').Config} */
export default {
  ...base,
  globals: { isLongRun: true },
  testMatch: tiered.map((name) => `<rootDir>/${name}`),
  // Tests in virtual time are slow on a slow machine.
  testTimeout: 600_000,
};
