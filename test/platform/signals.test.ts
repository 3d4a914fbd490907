import { jest } from '@jest/globals';
import { StoppedError } from '../../src/lib/stopped-error.js';
import { stopSignal } from '../../src/platform/signals.js';

const NAMES = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const exit = jest.spyOn(process, 'exit');
const before = NAMES.map((name) => process.listeners(name));
beforeEach(() => {
  exit.mockReset().mockReturnValue(undefined as never);
});
afterEach(() => {
  NAMES.forEach((name, index) => {
    for (const listener of process.listeners(name)) {
      if (!before[index]?.includes(listener)) process.removeListener(name, listener);
    }
  });
});
afterAll(() => exit.mockRestore());

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)(
  'fires at the first %s, and ends the process with %d at a second stop',
  (name, code) => {
    const signal = stopSignal();
    expect(signal.aborted).toBe(false);
    process.emit(name);
    expect(signal.reason).toBeInstanceOf(StoppedError);
    expect(signal.reason).toMatchObject({ what: `stopped by ${name}`, exitCode: code });
    expect(exit).not.toHaveBeenCalled();
    process.emit('SIGTERM');
    expect(exit).toHaveBeenCalledWith(143);
    process.emit(name);
    expect(exit).toHaveBeenLastCalledWith(code);
  },
);
