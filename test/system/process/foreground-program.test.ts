import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { isInForeground, run } from '../../../src/system/process/foreground-program.js';
import { STOP_SIGNALS } from '../../../src/lib/errors/stopped-error.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-program-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs a script with the descriptors of the test, so the script must not print anything. */
const sh = (script: string, hasTerminal = () => false) =>
  run(['sh', '-c', script], { ADDED: 'yes' }, hasTerminal);

it.each([
  ['exit 0', 0],
  ['exit 7', 7],
  ['kill -TERM $$', 143],
  ['kill -KILL $$', 137],
  ['test "$ADDED" = yes && test -n "$PATH"', 0],
])('returns the status of: %s', async (script, status) => {
  await expect(sh(script)).resolves.toBe(status);
});

it('removes variables from the environment', async () => {
  process.env.ARCTUN_TEST_REMOVED = 'yes';
  try {
    const script = 'test -z "${ARCTUN_TEST_REMOVED+set}"';
    const variables = { ARCTUN_TEST_REMOVED: undefined };
    await expect(run(['sh', '-c', script], variables)).resolves.toBe(0);
  } finally {
    delete process.env.ARCTUN_TEST_REMOVED;
  }
});

it('keeps arguments unchanged', async () => {
  const script = 'test "$*" = "a  b a" && test $# = 2';
  await expect(run(['sh', '-c', script, 'x', 'a  b', 'a'], {})).resolves.toBe(0);
});

it('reports that the program was not found, or is not executable', async () => {
  const file = join(folder, 'text');
  writeFileSync(file, 'x', { mode: 0o644 });
  await expect(run([join(folder, 'none')], {})).rejects.toMatchObject({ failure: 'not-found' });
  await expect(run([file], {})).rejects.toMatchObject({ failure: 'denied' });
  await expect(run([''], {})).rejects.toMatchObject({ name: 'CommandError' });
});

it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)('passes %s on', async (name) => {
  const ready = join(folder, 'ready');
  const short = name.slice(3);
  const running = sh(`trap 'exit 9' ${short}; : > ${ready}; while :; do sleep 0.02; done`);
  await created(ready);
  process.emit(name, name);
  await expect(running).resolves.toBe(9);
});

it('does not repeat a Ctrl-C that the terminal has sent to the program', async () => {
  const ready = join(folder, 'ready');
  const running = sh(
    `trap 'exit 9' INT; trap 'exit 8' TERM; : > ${ready}; while :; do sleep 0.02; done`,
    () => true,
  );
  await created(ready);
  process.emit('SIGINT', 'SIGINT');
  process.emit('SIGTERM', 'SIGTERM');
  await expect(running).resolves.toBe(8);
});

it('stops listening for signals afterwards', async () => {
  const counts = () => [...STOP_SIGNALS, 'SIGQUIT'].map((name) => process.listenerCount(name));
  const before = counts();
  await sh('exit 0');
  expect(counts()).toEqual(before);
});

it.each([
  ['1 (sh) S 0 7 7 34816 7 0', true],
  ['1 (a b) c) S 0 7 7 34816 8 0', false],
  ['1 (sh) S 0 7 7 0 -1 0', false],
])('recognizes the foreground in %s', (stat, isForeground) => {
  expect(isInForeground(() => stat)).toBe(isForeground);
});

async function created(path: string): Promise<void> {
  const { existsSync } = await import('node:fs');
  const { until } = await import('../../support/until.js');
  await until(() => existsSync(path));
}
