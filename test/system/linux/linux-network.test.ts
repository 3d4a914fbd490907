import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

/** Opens a socket in a worker, and ends in a way that leaves the socket open. */
const PROGRAM = `
  import { Worker } from 'node:worker_threads';
  const [, module, end] = process.argv;
  const source = \`
    import(\${JSON.stringify(module)}).then(async ({ linuxNetwork }) => {
      const { sockets } = await linuxNetwork();
      await sockets.open({ address: '127.0.0.1', port: 0 });
      require('node:worker_threads').parentPort.postMessage('open');
    });\`;
  const worker = new Worker(source, { eval: true, execArgv: [] });
  worker.on('message', async () => {
    if (end === 'terminate') process.exitCode = 6 + (await worker.terminate());
    else process.exit(7);
  });`;

describeWith(['linux', 'koffi'], 'the network in a worker thread', () => {
  it.each(['terminate', 'exit'])(
    'does not crash the process if the worker ends with an open socket: %s',
    async (end) => {
      const module = `${REPOSITORY}dist/src/system/linux/linux-network.js`;
      const options = ['--input-type=module', '-e', PROGRAM, module, end];
      const child = spawn(process.execPath, options, { stdio: 'ignore' });
      expect(await once(child, 'exit')).toEqual([7, null]);
    },
    60_000,
  );
});
