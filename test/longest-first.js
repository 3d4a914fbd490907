/**
 * The order in which Jest starts the test files. Files that start processes wait most of the time,
 * so they start first, and no single process runs one at the end. Jest knows how long a file takes
 * only if it has run on the same machine before.
 */
import TestSequencer from '@jest/test-sequencer';

const FIRST = /\/test\/(interop|docs|e2e|deploy|hostile)\//;

export default class LongestFirst extends TestSequencer {
  /** Starts the tests first that failed in the last run, as Jest does by default. */
  sort(tests) {
    return super
      .sort(tests)
      .toSorted(
        (one, other) =>
          Number(this.hasFailed(other)) - Number(this.hasFailed(one)) ||
          Number(FIRST.test(other.path)) - Number(FIRST.test(one.path)),
      );
  }
}
