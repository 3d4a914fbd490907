/** Threads of this process, with node:worker_threads. */
import { parentPort, Worker, workerData } from 'node:worker_threads';

import type { MessageChannel } from '../../ports/message-channel.js';

/** How long, in milliseconds, a thread may take to end on its own. */
const GRACE = 1_000;

/**
 * Starts a thread.
 *
 * @param entry the module to run
 * @param data the value that threadData() returns in the new thread
 */
export function startThread(entry: URL, data: unknown): MessageChannel {
  // Some options of this process, such as a debugger's options, must not apply to threads.
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
 * Returns the channel to the parent thread. While the channel is open, this thread keeps running.
 *
 * @throws TypeError in the process's first thread
 */
export function parentThread(): MessageChannel {
  if (parentPort === null) throw new TypeError('this function must be called in a worker thread');
  const port = parentPort;
  return {
    post: (message) => port.postMessage(message),
    onMessage: (handler) => void port.on('message', handler),
    // A thread ends with its parent thread, so the parent's end does not need a report.
    onEnd: () => undefined,
    close: () => {
      port.close();
      return Promise.resolve();
    },
  };
}

export function threadData(): unknown {
  return workerData;
}
