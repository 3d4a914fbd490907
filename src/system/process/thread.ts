/** Threads of this process, by node:worker_threads. */
import { parentPort, Worker, workerData } from 'node:worker_threads';

import type { MessageChannel } from '../../ports/message-channel.js';

/** Milliseconds that a thread has to end by itself, when it has nothing to do any more. */
const GRACE = 1_000;

/**
 * Starts a thread.
 *
 * @param entry the module that it runs
 * @param data for threadData() there
 */
export function startThread(entry: URL, data: unknown): MessageChannel {
  // Options of this process may concern its entry alone, as those of a debugger do.
  const worker = new Worker(entry, { workerData: data, execArgv: [] });
  const ended = new Promise<Error>((resolve) => {
    worker.on('error', resolve);
    worker.on('exit', (code) => resolve(new Error(`the thread exited with code ${code}`)));
  });
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (handler) => void worker.on('message', handler),
    onEnd: (handler) => void ended.then(handler),
    close: async () => {
      let timer: NodeJS.Timeout | undefined;
      const isLate = new Promise<true>((resolve) => {
        timer = setTimeout(() => resolve(true), GRACE);
      });
      if ((await Promise.race([ended, isLate])) === true) await worker.terminate();
      clearTimeout(timer);
    },
  };
}

/**
 * The way to the thread that has started this one, which goes on for as long as it is open.
 *
 * @throws TypeError in the first thread of the process
 */
export function parentThread(): MessageChannel {
  if (parentPort === null) throw new TypeError('this is the first thread');
  const port = parentPort;
  return {
    post: (message) => port.postMessage(message),
    onMessage: (handler) => void port.on('message', handler),
    // A thread ends with the one that has started it.
    onEnd: () => undefined,
    close: () => {
      port.close();
      return Promise.resolve();
    },
  };
}

/** What this thread was started with. */
export function threadData(): unknown {
  return workerData;
}
