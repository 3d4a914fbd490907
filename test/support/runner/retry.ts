/**
 * The tests in test/interop talk to foreign programs in real time. One that fails runs a second time,
 * and the end of the output names it (count-reporter.js). No other test is repeated.
 */
import { jest } from '@jest/globals';

if (expect.getState().testPath?.includes('/test/interop/') === true)
  jest.retryTimes(1, { logErrorsBeforeRetry: true, retryImmediately: true });
