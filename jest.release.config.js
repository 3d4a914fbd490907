/** The tests of build/release; `npm run test:release` builds it and runs them. */
import base from './jest.config.js';

/** @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['<rootDir>/test/release/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  // Installs a Debian system, and runs programs for arm64 in qemu.
  testTimeout: 600_000,
};
