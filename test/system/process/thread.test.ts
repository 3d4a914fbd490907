import { pathToFileURL } from 'node:url';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parentThread, startThread } from '../../../src/system/process/thread.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-thread-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A module that a thread runs. */
function entry(text: string): URL {
  const path = join(folder, 'entry.mjs');
  writeFileSync(
    path,
    `import { parentPort, threadId, workerData } from 'node:worker_threads';\n${text}\n`,
  );
  return pathToFileURL(path);
}

const ECHO =
  "parentPort.on('message', (message) => parentPort.postMessage([workerData, message]));";

it('runs a module in a thread, with its data, and receives its messages', async () => {
  const thread = startThread(entry(ECHO), { level: 'debug' });
  const answer = new Promise((resolve) => thread.onMessage(resolve));
  thread.post(['hello', new Uint8Array([1, 2])]);
  expect(await answer).toEqual([{ level: 'debug' }, ['hello', new Uint8Array([1, 2])]]);
  await thread.close();
});

it('reports why a thread failed', async () => {
  const thread = startThread(entry("throw new TypeError('a bug');"), undefined);
  const error = await new Promise<Error>((resolve) => thread.onEnd(resolve));
  expect(error).toMatchObject({ name: 'TypeError', message: 'a bug' });
  thread.post('nowhere');
  await thread.close();
});

it('reports that a thread has ended, even to late listeners', async () => {
  const thread = startThread(entry('process.exit(4);'), undefined);
  const error = await new Promise<Error>((resolve) => thread.onEnd(resolve));
  expect(error.message).toBe('the thread exited with code 4');
  await expect(new Promise((resolve) => thread.onEnd(resolve))).resolves.toBe(error);
});

it.each([
  ['waits', ECHO],
  ['hangs', 'for (;;);'],
])('ends a thread that %s', async (_does, text) => {
  const thread = startThread(entry(text), undefined);
  const ended = new Promise((resolve) => thread.onEnd(resolve));
  await thread.close();
  await ended;
});

it('is not available in the main thread', () => {
  // The test runner may have made this a worker.
  expect(() => parentThread()).toThrow('this function must be called in a worker thread');
});
