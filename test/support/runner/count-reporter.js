/** Appends what a run came to, as a line of JSON, to the file that ARCTUN_TEST_COUNTS names: for .ci/run. */
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';

export default class CountReporter {
  onRunComplete(_contexts, results) {
    const file = process.env.ARCTUN_TEST_COUNTS;
    if (file === undefined) return;
    const counts = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
      failures: results.testResults.flatMap(failuresOf),
    };
    appendFileSync(file, `${JSON.stringify(counts)}\n`);
  }
}

/** Each test of a file that failed, or the file where it did not load, with what was said. */
function failuresOf({ testFilePath, testExecError, failureMessage, testResults }) {
  const file = relative(process.cwd(), testFilePath);
  if (testExecError !== undefined && testExecError !== null) return [`${file}: ${failureMessage}`];
  return testResults
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => `${file}: ${fullName}\n${failureMessages.join('\n')}`);
}
