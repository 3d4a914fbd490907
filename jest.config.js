// The absolute path of this folder, because Stryker does not replace `<rootDir>`.
const root = import.meta.dirname;

/** Milliseconds. A test may set a longer limit, and a shorter one has no effect. */
const LEAST_TIMEOUT = 240_000;

/** @type {import('jest').Config} */
export default {
  rootDir: root,
  // Tests that start processes are slow on a slow machine. The limits end tests that hang.
  testTimeout: LEAST_TIMEOUT,
  testEnvironment: `${root}/test/support/runner/watched-environment.js`,
  testEnvironmentOptions: { leastTimeout: LEAST_TIMEOUT },
  setupFilesAfterEnv: ['count-packets.ts', 'retry.ts'].map(
    (name) => `${root}/test/support/runner/${name}`,
  ),
  // Many tests wait for the timers of foreign peers, so three files run at once even on two cores.
  maxWorkers: 3,
  // A worker keeps the modules of each file that it has run, and garbage collection then makes it several times slower.
  workerIdleMemoryLimit: '200MB',
  testSequencer: `${root}/test/longest-first.js`,
  testMatch: [`${root}/test/**/*.test.ts`],
  // Only `npm run test:release` runs these tests (jest.release.config.js).
  testPathIgnorePatterns: ['/node_modules/', `${root}/test/release/`, '[.]release[.]test[.]ts$'],
  modulePathIgnorePatterns: [`${root}/(build|dist|[.]stryker-tmp)/`],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.(ts|js)$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript' },
          experimental: { keepImportAttributes: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
  // Transform these two packages, because Jest cannot load their syntax as ES modules.
  transformIgnorePatterns: ['/node_modules/(?!(@apidevtools|openapi-backend)/)'],
  // Without this option, @oclif/test loses captured output.
  verbose: true,
  reporters: [
    'default',
    `${root}/test/support/runner/count-reporter.js`,
    `${root}/test/support/runner/run-ends.js`,
  ],
};
