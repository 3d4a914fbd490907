/**
 * Measures the throughput of a tunnel over a path that is faster than this machine: `npm run
 * bench:tunnel`. One stream uses the network interface of `arctun up --mode tun`, one uses the
 * proxy in userspace, and small POSTs use the forwarder. Each is compared with wireguard-go as the
 * client of the same server. `--only tun` and `--socket dgram` restrict the runs.
 * docs/reference/benchmarks.md describes the measurements.
 */
import { parseArgs } from 'node:util';

import { Lab, SERVICES, TUN_SERVICE } from './support/lab.js';
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
    only: { type: 'string' },
    socket: { type: 'string', default: 'auto' },
  },
});
const milliseconds = Number(values.seconds ?? (values.quick ? 3 : 10)) * 1000;
const repeats = Number(values.repeats ?? (values.quick ? 1 : 5));

const UP = [
  ...[process.execPath, ARCTUN, 'up', '--json', '--log-level', 'error'],
  ...['--socket', values.socket],
];

const lab = await Lab.start({ throughRelay: false });
try {
  lab.setServerCongestion(ALGORITHM);
  const parts = { tun: compareInterfaces, streams: compareStreams, posts: comparePosts };
  for (const [name, compare] of Object.entries(parts)) {
    if (values.only === undefined || values.only === name) await compare();
  }
} finally {
  lab.close();
}
process.exit(0);

/** Compares arctun's interface with wireguard-go's, with the kernel's TCP at both ends. */
async function compareInterfaces() {
  const up = lab.start('client', [...UP, '--mode', 'tun', '--config', lab.tunConfigPath]);
  await up.line((line) => line.startsWith('{'));
  lab.setTunCongestion(ALGORITHM);
  for (const task of ['up', 'down']) {
    const [own, theirs] = await alternate(
      { stack: 'kernel', task, host: TUN_SERVICE, process: up },
      { stack: 'kernel', task, host: HOST, process: lab.wireguard },
    );
    print(
      `one ${task}load stream, --mode tun / wireguard-go`,
      rateOf(own),
      rateOf(theirs),
      'Mbit/s',
    );
    const [ownCpu, theirCpu] = [cpuOf(own), cpuOf(theirs)];
    print('CPU of that stream, --mode tun / wireguard-go', ownCpu, theirCpu, 'ms a gigabyte');
  }
  up.kill('SIGTERM');
  await up.ended();
}

function rateOf(results) {
  return median(results.map(({ bytes }) => (bytes * 8) / 1000 / milliseconds));
}

/** Returns the milliseconds of CPU per 10⁹ bytes. */
function cpuOf(results) {
  return median(results.map(({ bytes, cpu }) => (cpu * 1e12) / bytes));
}

async function compareStreams() {
  const stop = await startUp();
  // If the build has no proxy, use the library's dialer directly.
  const hasProxy = await listens(PROXY_PORT);
  const ours = hasProxy ? { stack: 'socks5', proxy: `127.0.0.1:${PROXY_PORT}` } : { stack: 'ours' };
  if (!hasProxy) await stop();
  const name = hasProxy ? 'SOCKS5 proxy' : "library's dialer";
  for (const task of ['up', 'down']) {
    const [own, theirs] = await alternate(
      { ...ours, task, config: lab.configPath, congestion: ALGORITHM, host: HOST },
      { stack: 'kernel', task, host: HOST },
    );
    print(`one ${task}load stream, ${name} / wireguard-go`, rateOf(own), rateOf(theirs), 'Mbit/s');
  }
  if (hasProxy) await stop();
}

/** Compares small POSTs through the forwarder and through SOCKS5 with direct ones. */
async function comparePosts() {
  const stop = await startUp();
  const straight = `http://${HOST}`;
  for (const connections of [1, 32]) {
    for (const [name, path, proxy] of [
      ['forwarder', '/'],
      ['forwarder, closing server', '/close'],
      ['SOCKS5 proxy', '/', `127.0.0.1:${PROXY_PORT}`],
    ]) {
      const base = proxy === undefined ? stop.forward : straight;
      const task = { task: 'posts', connections };
      const [own, theirs] = await alternate(
        { ...task, url: `${base}${path}`, proxy },
        { ...task, url: `${straight}${path}` },
      );
      const what = `POSTs, ${connections} at once, ${name} / wireguard-go`;
      print(what, postsOf(own, 'perSecond'), postsOf(theirs, 'perSecond'), 'a second');
      printTimes('of the first', own);
      printTimes('of the second', theirs);
    }
  }
  await stop();
}

function postsOf(results, figure) {
  return median(results.map(({ [figure]: value }) => value));
}

function printTimes(whose, results) {
  const figures = ['p50', 'p99', 'longest'].map(
    (figure) => `${figure} ${postsOf(results, figure).toFixed(2)}`,
  );
  console.log(`  ms a POST ${whose}: ${figures.join(', ')}`);
}

/** Runs the setups in turn, `repeats` times each, and returns the results of all runs. */
async function alternate(...setups) {
  const results = setups.map(() => []);
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [index, setup] of setups.entries()) {
      const { process: carrier, ...task } = setup;
      const before = carrier?.cpuSeconds();
      const result = await runTask(lab, { ...task, milliseconds });
      results[index].push({ ...result, ...(carrier && { cpu: carrier.cpuSeconds() - before }) });
    }
  }
  return results;
}

/**
 * Starts `arctun up` and waits until it is ready. Returns a function that stops it, with the
 * forwarder's URL as the property `forward`.
 */
async function startUp() {
  const up = lab.start('client', [
    ...UP,
    ...[
      '--mode',
      'userspace',
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

/** Whether a process listens on the port in the client's namespace. */
async function listens(port) {
  return lab.run('client', 'ss', '-tlnHO', 'sport', `:${port}`).trim() !== '';
}

function print(what, ours, theirs, unit) {
  const ratio = (ours / theirs).toFixed(2);
  console.log(`${what.padEnd(60)} ${ratio}  (${ours.toFixed(0)} / ${theirs.toFixed(0)} ${unit})`);
}
