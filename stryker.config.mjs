/**
 * Mutation testing. tools/mutation/mutate.js adds the file to mutate and the tests that have to notice.
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
    // The tests are named one by one; to search for related ones takes a second per mutant.
    enableFindRelatedTests: false,
  },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // A timeout counts as detected, so that a slow machine must not cause one. Endless loops are ended
  // by Stryker's count of how often the mutated code runs.
  timeoutMS: 60_000,
  timeoutFactor: 5,
  // What no test of a folder under src reads is not copied for each run.
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
  // tools/mutation/mutate.js holds the whole to `low`; a single file may be below it.
  thresholds: { high: 95, low: 85, break: null },
  logLevel: 'warn',
};
