/**
 * Names the tests that failed once and then passed (retry.ts). Appends a run's results as a JSON line
 * to the file named by ARCTUN_TEST_COUNTS, for .ci/run.
 */
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';

export default class CountReporter {
  onRunComplete(_contexts, results) {
    const retried = results.testResults.flatMap(retriedOf);
    for (const name of retried) process.stderr.write(`passed the second time: ${name}\n`);
    const file = process.env.ARCTUN_TEST_COUNTS;
    if (file === undefined) return;
    const counts = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
      failures: results.testResults.flatMap(failuresOf),
      retried,
    };
    appendFileSync(file, `${JSON.stringify(counts)}\n`);
  }
}

function retriedOf({ testFilePath, testResults }) {
  return testResults
    .filter(({ status, invocations }) => status === 'passed' && invocations > 1)
    .map(({ fullName }) => `${relative(process.cwd(), testFilePath)}: ${fullName}`);
}

/** The failed tests of a file, or the file itself if it did not load, with their messages. */
function failuresOf({ testFilePath, testExecError, failureMessage, testResults }) {
  const file = relative(process.cwd(), testFilePath);
  if (testExecError !== undefined && testExecError !== null) return [`${file}: ${failureMessage}`];
  return testResults
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => `${file}: ${fullName}\n${failureMessages.join('\n')}`);
}
