import { ux } from '@oclif/core';
import { jest } from '@jest/globals';
import { createProgress } from '../../../src/cli/output/progress.js';

afterEach(() => jest.restoreAllMocks());

function watched() {
  const calls: string[] = [];
  jest.spyOn(ux.action, 'start').mockImplementation((name) => void calls.push(`start ${name}`));
  jest.spyOn(ux.action, 'stop').mockImplementation((text) => void calls.push(`stop ${text}`));
  return calls;
}

it('shows one step at a time, and the result of the last one', () => {
  const calls = watched();
  const progress = createProgress(true);
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

it('shows nothing without a terminal', () => {
  const calls = watched();
  const progress = createProgress(false);
  progress.step('Signing in');
  progress.end();
  expect(calls).toEqual([]);
});
