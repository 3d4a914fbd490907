/** @type {import('jest').Config} */
export default {
  // What starts processes takes as long as the machine does; what hangs is to be ended, some time.
  testTimeout: 30_000,
  testEnvironment: '<rootDir>/test/support/runner/watched-environment.js',
  // Many tests wait for time to pass behind foreign peers: three files at once, also on two cores.
  maxWorkers: 3,
  // A worker keeps the modules of each file that it has run, and slows down several times by collecting garbage.
  workerIdleMemoryLimit: '200MB',
  testSequencer: '<rootDir>/test/longest-first.js',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/(build|dist|[.]stryker-tmp)/'],
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
  // These two ship syntax that has to go through the transform to load as ES modules.
  transformIgnorePatterns: ['/node_modules/(?!(@apidevtools|openapi-backend)/)'],
  // @oclif/test loses the captured output without it.
  verbose: true,
  reporters: [
    'default',
    '<rootDir>/test/support/runner/count-reporter.js',
    '<rootDir>/test/support/runner/run-ends.js',
  ],
};
