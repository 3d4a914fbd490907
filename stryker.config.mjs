/**
 * Mutation testing. tools/mutation/mutate.js adds the file to mutate and the tests that must fail.
 *
 * @type {import('@stryker-mutator/api/core').PartialStrykerOptions}
 */
export default {
  plugins: ['@stryker-mutator/jest-runner'],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules'],
  jest: {
    projectType: 'custom',
    configFile: 'jest.config.js',
    // mutate.js names the tests, because searching for related tests takes a second per mutant.
    enableFindRelatedTests: false,
  },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // Stryker counts a timeout as a detected mutant, so a slow machine must not cause one. Stryker ends
  // endless loops by counting how often the mutated code runs.
  timeoutMS: 60_000,
  timeoutFactor: 5,
  // Folders that the tests of src do not read, so that they are not copied for each run.
  ignorePatterns: [
    '/build',
    '/coverage',
    '/dist',
    '/docs',
    '/reports',
    '/test/e2e',
    '/test/interop',
  ],
  cleanTempDir: 'always',
  reporters: ['clear-text', 'json'],
  clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false, reportTests: false },
  // tools/mutation/mutate.js requires `low` for all files together; a single file may be below it.
  thresholds: { high: 95, low: 85, break: null },
  logLevel: 'warn',
};
