/**
 * Jest's environment for Node with a watchdog: a loop that never leaves its turn of the event loop
 * stops Jest's timeouts too, and a run would wait for that worker for ever. The watchdog kills it, and
 * Jest fails the file.
 */
import { setInterval } from 'node:timers';
import { Worker } from 'node:worker_threads';

import { TestEnvironment } from 'jest-environment-node';

const BEAT = 500;
/** Milliseconds without a turn: the longest simulation takes a minute, and ten on a busy machine. */
const LIMIT = 900_000;

const WATCHDOG = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { writeSync } = require('node:fs');
  const { beats, beat } = workerData;
  let current = {};
  let last = -1;
  let since = Date.now();
  parentPort.on('message', (message) => (current = message));
  setInterval(() => {
    const now = Atomics.load(beats, 0);
    if (now !== last) {
      last = now;
      since = Date.now();
    } else if (Date.now() - since > current.limit) {
      writeSync(2, 'no turn of the event loop in ' + current.limit / 1000 + ' s: ' + current.file + '\\n');
      process.kill(process.pid, 'SIGKILL');
    }
  }, beat);
`;

/** One for each process, however many files it runs. */
let watchdog;

function start() {
  const beats = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => Atomics.add(beats, 0, 1), BEAT).unref();
  const worker = new Worker(WATCHDOG, { eval: true, workerData: { beats, beat: BEAT } });
  worker.unref();
  return worker;
}

export default class WatchedEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    const { hangLimit = LIMIT } = config.projectConfig.testEnvironmentOptions;
    watchdog ??= start();
    watchdog.postMessage({ file: context.testPath, limit: hangLimit });
  }
}
