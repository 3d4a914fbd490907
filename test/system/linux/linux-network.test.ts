import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

/**
 * Starts a worker whose sockets receive datagrams all the time, and ends the worker in the given
 * way without closing the sockets. Repeats this several times.
 */
const PROGRAM = `
  import { createSocket } from 'node:dgram';
  import { once } from 'node:events';
  import { Worker } from 'node:worker_threads';
  const [, module, end] = process.argv;
  const source = \`
    const { parentPort } = require('node:worker_threads');
    import(\${JSON.stringify(module)}).then(async ({ linuxNetwork }) => {
      const { sockets } = await linuxNetwork();
      let isEnding = false;
      parentPort.once('message', () => (isEnding = true));
      const ports = [];
      for (let index = 0; index < 8; index++) {
        const socket = await sockets.open({ address: '127.0.0.1', port: 0 });
        ports.push(socket.localPort);
        socket.onReceive = () => {
          if (!isEnding) return;
          if (\${JSON.stringify(end)} === 'exit') process.exit(1);
          throw new Error('end');
        };
      }
      parentPort.postMessage(ports);
    });\`;
  const sender = createSocket('udp4');
  for (let run = 0; run < 8; run++) {
    const worker = new Worker(source, { eval: true, execArgv: [] });
    worker.on('error', () => undefined);
    const ended = new Promise((resolve) => worker.on('exit', resolve));
    const [ports] = await once(worker, 'message');
    const flood = setInterval(() => {
      for (const port of ports) for (let count = 0; count < 9; count++) sender.send('x', port);
    }, 1);
    await new Promise((resolve) => setTimeout(resolve, 10 + run));
    if (end === 'exit of the process') process.exit(7);
    if (end === 'terminate') void worker.terminate();
    else worker.postMessage('end');
    await ended;
    clearInterval(flood);
  }
  sender.close();
  process.exitCode = 7;`;

describeWith(['linux', 'koffi'], 'the network in a worker thread', () => {
  it.each(['terminate', 'exit', 'error', 'exit of the process'])(
    'does not crash the process if the worker ends while datagrams arrive: %s',
    async (end) => {
      const module = `${REPOSITORY}dist/src/system/linux/linux-network.js`;
      const options = ['--input-type=module', '-e', PROGRAM, module, end];
      const child = spawn(process.execPath, options, { stdio: 'ignore' });
      expect(await once(child, 'exit')).toEqual([7, null]);
    },
    60_000,
  );
});
