import { EventEmitter } from 'node:events';

import { stopSignal } from '../../../tools/smoke/stop-signal.js';

class Host extends EventEmitter {
  exitCode: number | undefined;
  readonly stderr = { write: () => true };
  exit = (code: number): void => {
    this.exitCode ??= code;
  };
}

function start() {
  const host = new Host();
  const clock = { now: 5_000 };
  const stop = stopSignal(host as unknown as Parameters<typeof stopSignal>[0], () => clock.now);
  let reminders = 0;
  stop.onSecond = () => {
    reminders += 1;
  };
  return { host, clock, stop, reminders: () => reminders };
}

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])('aborts after %s, with its exit code', (name, code) => {
  const { host, stop } = start();
  expect(stop.signal.aborted).toBe(false);
  expect(stop.exitCode).toBeUndefined();
  host.emit(name);
  expect(stop.exitCode).toBe(code);
  expect(stop.signal.reason).toEqual(new Error(`stopped by ${name}`));
  expect(host.exitCode).toBeUndefined();
});

it('ignores a signal that arrives together with the first, and exits after a later one', () => {
  const { host, clock, reminders } = start();
  host.emit('SIGINT');
  clock.now += 999;
  host.emit('SIGINT');
  expect([host.exitCode, reminders()]).toEqual([undefined, 0]);
  clock.now += 1;
  host.emit('SIGTERM');
  expect([host.exitCode, reminders()]).toEqual([143, 1]);
});
