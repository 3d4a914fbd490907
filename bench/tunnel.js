/**
 * What a tunnel carries where nothing but this machine limits it: `npm run bench:tunnel`. One stream
 * through the proxy of `arctun up`, and small POSTs through its forwarder, beside wireguard-go as the
 * client of the same server. docs/benchmarks.md tells more.
 */
import { parseArgs } from 'node:util';

import { Lab, SERVER, SERVICES } from './support/lab.js';
import { median } from './support/results.js';
import { runTask } from './support/task.js';

const PROXY_PORT = 1080;
const ARCTUN = new URL('../bin/run.js', import.meta.url).pathname;
const ALGORITHM = 'bbr';
const HOST = SERVICES[ALGORITHM];

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    repeats: { type: 'string' },
  },
});
const milliseconds = Number(values.seconds ?? (values.quick ? 3 : 10)) * 1000;
const repeats = Number(values.repeats ?? (values.quick ? 1 : 5));

const lab = await Lab.start({ throughRelay: false });
try {
  lab.setServerCongestion(ALGORITHM);
  await compareStreams();
  await comparePosts();
} finally {
  lab.close();
}
process.exit(0);

async function compareStreams() {
  const stop = await startUp();
  // A build without the proxy: the library's dialer does without the way through it.
  const hasProxy = await listens(PROXY_PORT);
  const ours = hasProxy ? { stack: 'socks5', proxy: `127.0.0.1:${PROXY_PORT}` } : { stack: 'ours' };
  if (!hasProxy) await stop();
  const name = hasProxy ? 'SOCKS5 proxy' : "library's dialer";
  for (const task of ['up', 'down']) {
    const rates = await alternate(
      { ...ours, task, config: lab.configPath, congestion: ALGORITHM, host: HOST },
      { stack: 'kernel', task, host: HOST },
    );
    const [own, theirs] = rates.map((results) =>
      median(results.map(({ bytes }) => (bytes * 8) / 1000 / milliseconds)),
    );
    print(`one stream ${task}, ${name} / wireguard-go`, own, theirs, 'Mbit/s');
  }
  if (hasProxy) await stop();
}

async function comparePosts() {
  const stop = await startUp();
  const forward = { task: 'posts', url: stop.forward };
  for (const [name, url] of [
    ['straight over wireguard-go', `http://${HOST}/`],
    ['straight without a tunnel', `http://${SERVER}/`],
  ]) {
    const [own, theirs] = (await alternate(forward, { task: 'posts', url })).map((results) =>
      median(results.map(({ perSecond }) => perSecond)),
    );
    print(`small POSTs, forwarder / ${name}`, own, theirs, 'a second');
  }
  await stop();
}

/** One run of each, in turn, so often; the results of both. */
async function alternate(...setups) {
  const results = setups.map(() => []);
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [index, setup] of setups.entries()) {
      results[index].push(await runTask(lab, { ...setup, milliseconds }));
    }
  }
  return results;
}

/** `arctun up`, waited for; the function ends it and has the URL of its forwarder. */
async function startUp() {
  const command = [process.execPath, ARCTUN, 'up', '--json', '--log-level', 'error'];
  const up = lab.start('client', [
    ...command,
    ...[
      '--config',
      lab.configPath,
      '--forward-listen',
      '127.0.0.1:0',
      '--forward-to',
      `${HOST}:80`,
    ],
  ]);
  const { forward } = JSON.parse(await up.line((line) => line.startsWith('{')));
  const stop = async () => {
    up.kill('SIGTERM');
    await up.ended();
  };
  return Object.assign(stop, { forward });
}

/** Whether somebody in the client's namespace listens there. */
async function listens(port) {
  return lab.run('client', 'ss', '-tlnHO', 'sport', `:${port}`).trim() !== '';
}

function print(what, ours, theirs, unit) {
  const ratio = (ours / theirs).toFixed(2);
  console.log(`${what.padEnd(58)} ${ratio}  (${ours.toFixed(0)} / ${theirs.toFixed(0)} ${unit})`);
}
