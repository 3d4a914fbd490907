import { ux } from '@oclif/core';
import { jest } from '@jest/globals';
import { createProgress } from '../../../src/cli/output/progress.js';

afterEach(() => jest.restoreAllMocks());

const TERMINAL = { stderrIsTerminal: () => true, isVerbose: false };

function watched() {
  const calls: string[] = [];
  jest.spyOn(ux.action, 'start').mockImplementation((name) => void calls.push(`start ${name}`));
  jest.spyOn(ux.action, 'stop').mockImplementation((text) => void calls.push(`stop ${text}`));
  return calls;
}

it('shows one step at a time, and the result of the last one', () => {
  const calls = watched();
  const progress = createProgress(TERMINAL, { quiet: false });
  progress.step('Signing in');
  progress.step('Creating a virtual SIM');
  progress.end('failed');
  progress.end();
  expect(calls).toEqual([
    'start Signing in',
    'stop done',
    'start Creating a virtual SIM',
    'stop failed',
  ]);
});

it.each([
  ['without a terminal', { ...TERMINAL, stderrIsTerminal: () => false }, false],
  ['between the dumps of SORACOM_VERBOSE', { ...TERMINAL, isVerbose: true }, false],
  ['with --quiet', TERMINAL, true],
])('shows nothing %s', (_, context, quiet) => {
  const calls = watched();
  const progress = createProgress(context, { quiet });
  progress.step('Signing in');
  progress.end();
  expect(calls).toEqual([]);
});
