/**
 * Jest's Node environment with a watchdog, with longer limits for tests and hooks, and with functions
 * that are called at the end of a file. A loop that blocks the event loop also stops Jest's timeouts,
 * so that a run would wait forever for that worker. The watchdog kills the worker, and Jest fails the
 * file.
 */
import { setInterval } from 'node:timers';
import { Worker } from 'node:worker_threads';

import { TestEnvironment } from 'jest-environment-node';

const BEAT = 500;
/**
 * Milliseconds of a blocked event loop in one test: the longest simulation takes a minute, ten on
 * a busy machine.
 */
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

const beats = new Int32Array(new SharedArrayBuffer(4));
const beat = () => Atomics.add(beats, 0, 1);
/** One per process, however many files it runs. */
let watchdog;

function start() {
  setInterval(beat, BEAT).unref();
  const worker = new Worker(WATCHDOG, { eval: true, workerData: { beats, beat: BEAT } });
  worker.unref();
  return worker;
}

export default class WatchedEnvironment extends TestEnvironment {
  #leastTimeout;

  constructor(config, context) {
    super(config, context);
    const { hangLimit = LIMIT, leastTimeout = 0 } = config.projectConfig.testEnvironmentOptions;
    this.#leastTimeout = leastTimeout;
    // Functions to call after all hooks of the file. If one throws, the file fails.
    this.global.afterFile = [];
    watchdog ??= start();
    watchdog.postMessage({ file: context.testPath, limit: hangLimit });
  }

  handleTestEvent({ name, hook, test }, state) {
    if (name === 'run_finish') this.#endFile(state.unhandledErrors);
    // Tests that wait for nothing follow one another without a turn of the event loop.
    if (name === 'test_start') beat();
    this.#raiseLimit({ hook_start: hook, test_fn_start: test }[name]);
  }

  #endFile(errors) {
    for (const end of this.global.afterFile) {
      try {
        end();
      } catch (error) {
        errors.push(error);
      }
    }
  }

  /** Raises the limit that a test or hook sets, because a busy machine may be ten times slower. */
  #raiseLimit(limited) {
    if (limited?.timeout === undefined) return;
    limited.timeout = Math.max(limited.timeout, this.#leastTimeout);
  }
}
