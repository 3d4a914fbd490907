import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { jest } from '@jest/globals';
import { StoppedError } from '../../../src/lib/errors/stopped-error.js';
import { processGroups } from '../../../src/system/process/command-runner.js';
import { passSignals, reloadRequests, stopSignal } from '../../../src/system/process/signals.js';
import { REPOSITORY } from '../../support/processes.js';

const BUILT = `${REPOSITORY}dist/src/system/process/signals.js`;

const NAMES = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGABRT'] as const;

const exit = jest.spyOn(process, 'exit');
const kill = jest.spyOn(process, 'kill');
const before = NAMES.map((name) => process.listeners(name));
beforeEach(() => {
  exit.mockReset().mockReturnValue(undefined as never);
  kill.mockReset().mockReturnValue(true);
});
afterEach(() => {
  NAMES.forEach((name, index) => {
    for (const listener of process.listeners(name)) {
      if (!before[index]?.includes(listener)) process.removeListener(name, listener);
    }
  });
});
afterAll(() => {
  exit.mockRestore();
  kill.mockRestore();
});

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
  ['SIGABRT', 134],
] as const)('fires at the first %s, and exits with %d at a second stop signal', (name, code) => {
  let now = 0;
  const signal = stopSignal(() => now);
  expect(signal.aborted).toBe(false);
  process.emit(name);
  // A wrapper forwards the signal that this process has also received.
  now = 100;
  process.emit(name);
  expect(signal.reason).toBeInstanceOf(StoppedError);
  expect(signal.reason).toMatchObject({ what: `stopped by ${name}`, exitCode: code });
  expect(exit).not.toHaveBeenCalled();
  now = 101;
  process.emit('SIGTERM');
  expect(exit).toHaveBeenCalledWith(143);
  expect(kill.mock.calls).toEqual([[process.pid, 'SIGTERM']]);
});

it('terminates commands in their own group before the process exits', () => {
  processGroups.add(1_000_001);
  processGroups.add(1_000_002);
  processGroups.delete(1_000_002);
  let now = 0;
  stopSignal(() => now);
  process.emit('SIGINT');
  expect(kill).not.toHaveBeenCalled();
  now = 1_000;
  process.emit('SIGINT');
  expect(kill.mock.calls).toEqual([
    [-1_000_001, 'SIGKILL'],
    [process.pid, 'SIGINT'],
  ]);
});

it('exits at the second signal, without waiting for a thread', async () => {
  kill.mockRestore();
  const program = `
    import { pbkdf2 } from 'node:crypto';
    const { stopSignal } = await import(process.argv[1]);
    const signal = stopSignal();
    // A minute's work for a thread, as a lookup is one.
    pbkdf2('', '', 2 ** 31 - 1, 64, 'sha512', () => undefined);
    signal.addEventListener('abort', () => {
      setTimeout(() => process.kill(process.pid, 'SIGINT'), 200);
    });
    process.kill(process.pid, 'SIGINT');
    setInterval(() => undefined, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, BUILT]);
  expect(await once(child, 'exit')).toEqual([null, 'SIGINT']);
}, 60_000);

describe('SIGHUP', () => {
  afterEach(() => reloadRequests(true));

  it('is a stop signal on a terminal, because it means that the terminal closed', () => {
    expect(reloadRequests(true)).toBeUndefined();
    const signal = stopSignal();
    process.emit('SIGHUP');
    expect(signal.aborted).toBe(true);
  });

  it('requests a reload otherwise, even before a listener is added', () => {
    const signal = stopSignal();
    const requests = reloadRequests(false)!;
    const asked: string[] = [];
    process.emit('SIGHUP');
    process.emit('SIGHUP');
    requests.onRequest(() => asked.push('first'));
    expect(asked).toEqual(['first']);
    process.emit('SIGHUP');
    requests.onRequest(() => asked.push('second'));
    process.emit('SIGHUP');
    expect(asked).toEqual(['first', 'first', 'second']);
    expect(signal.aborted).toBe(false);
  });

  it('neither requests a reload nor ends the process after a stop signal', () => {
    const signal = stopSignal();
    let asked = 0;
    reloadRequests(false)!.onRequest(() => asked++);
    process.emit('SIGTERM');
    process.emit('SIGHUP');
    expect(asked).toBe(0);
    expect(signal.aborted).toBe(true);
    expect(kill).not.toHaveBeenCalled();
  });
});

it('passes all stop signals to another program while it runs', () => {
  let now = 0;
  const signal = stopSignal(() => now);
  const passed: string[] = [];
  const stop = passSignals((name) => passed.push(name));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.emit(name);
  now = 1_000;
  process.emit('SIGINT');
  expect(passed).toEqual(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGINT']);
  expect(signal.aborted).toBe(false);
  stop();
  process.emit('SIGINT');
  expect(signal.aborted).toBe(true);
  expect(passed).toHaveLength(5);
});
