/**
 * Measures the throughput of a tunnel over a path that is faster than this machine: `npm run
 * bench tunnel`. Streams, pings and UDP use the network interface of `arctun up --mode tun`. In
 * userspace mode, streams and UDP use the proxy or a port forward, and small POSTs use the forwarder. Each
 * is compared with wireguard-go as the client of the same server, and TCP through a port forward with the
 * proxy. `--only tun` and `--socket dgram` restrict the runs.
 * docs/reference/benchmarks.md describes the measurements.
 */
import { parseArgs } from 'node:util';

import { ping, PORT as UDP_PORT, streamRate, udpRate, warmUp } from './support/datagrams.js';
import { Goals } from './support/goals.js';
import { Lab, SERVICES, TUN_SERVICE } from './support/lab.js';
import { median } from './support/statistics.js';
import { StolenTime } from './support/stolen-time.js';
import { PORTS } from './support/streams.js';
import { runTask } from './support/task.js';

const LOCAL = '127.0.0.1';
const PROXY = `${LOCAL}:1080`;
const ARCTUN = new URL('../bin/run.js', import.meta.url).pathname;
const ALGORITHM = 'bbr';
const HOST = SERVICES[ALGORITHM];

/** The goals (docs/explanation/performance-goals.md), most of them ratios to wireguard-go's figures. */
const GOALS = {
  tun: { rate: { atLeast: 1 }, cpu: { atMost: 1 } },
  ping: { atMost: 1.3 },
  tunUdp: { atLeast: 1 },
  proxy: { rate: { atLeast: 0.8 }, cpu: { atMost: 1.5 } },
  /** POSTs, for each number of connections. */
  forwarder: { 1: { atLeast: 0.6 }, 32: { atLeast: 0.55 } },
  forwarderThatCloses: { 1: { atLeast: 0.5 }, 32: { atLeast: 0.5 } },
  proxyPosts: { 1: { atLeast: 0.65 }, 32: { atLeast: 0.65 } },
  /** The 99th percentile of POSTs through the forwarder, as a multiple of arctun's own median. */
  forwarderP99: { 32: { atMost: 4 } },
};

/** How many streams run at once. */
const STREAMS = [1, 10];

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

const PARTS = {
  tun: compareInterfaces,
  ping: comparePings,
  'tun-udp': compareInterfaceDatagrams,
  streams: compareStreams,
  udp: compareDatagrams,
  forwards: compareForwards,
  posts: comparePosts,
};
if (values.only !== undefined && !Object.hasOwn(PARTS, values.only))
  throw new Error(`--only must be one of: ${Object.keys(PARTS).join(', ')}`);

const goals = new Goals();
const stolen = new StolenTime();
const lab = await Lab.start();
try {
  lab.setServerCongestion(ALGORITHM);
  for (const [name, compare] of Object.entries(PARTS)) {
    if (values.only === undefined || values.only === name) await compare();
  }
} finally {
  lab.close();
}
console.log(`CPU time that the hypervisor took from this machine: ${stolen}`);
if (goals.missed.length > 0) console.log(`missed: ${goals.missed.join('; ')}`);
process.exit(goals.missed.length > 0 ? 1 : 0);

/** Compares arctun's interface with wireguard-go's, with the kernel's TCP at both ends. */
async function compareInterfaces() {
  const { up, stop } = await startInterface();
  await compareTransfers(
    '--mode tun',
    { stack: 'kernel', host: TUN_SERVICE, process: up },
    { stack: 'kernel', host: HOST, process: lab.wireguard },
    { goals: GOALS.tun },
  );
  await stop();
}

async function comparePings() {
  const { stop } = await startInterface();
  for (const host of [TUN_SERVICE, HOST]) warmUp(lab, host);
  const pings = await inTurn((host) => ping(lab, host), TUN_SERVICE, HOST);
  print('ping, --mode tun / wireguard-go', pings, 'ms', GOALS.ping);
  await stop();
}

async function compareInterfaceDatagrams() {
  const { stop } = await startInterface();
  const rates = await inTurn((host) => udpRate(lab, host, milliseconds / 1000), TUN_SERVICE, HOST);
  const what = 'UDP with less than 1 % loss, --mode tun / wireguard-go';
  print(what, rates, 'Mbit/s', GOALS.tunUdp);
  await stop();
}

async function startInterface() {
  const up = lab.start('client', [...UP, '--mode', 'tun', '--config', lab.tunConfigPath]);
  await up.line((line) => line.startsWith('{'));
  lab.setTunCongestion(ALGORITHM);
  const stop = () => {
    up.kill('SIGTERM');
    return up.ended();
  };
  return { up, stop };
}

async function compareStreams() {
  const { up, stop } = await startUp();
  await compareTransfers(
    'SOCKS5 proxy',
    { stack: 'socks5', proxy: PROXY, host: HOST, process: up },
    { stack: 'kernel', host: HOST, process: lab.wireguard },
    { goals: GOALS.proxy },
  );
  await stop();
}

async function compareDatagrams() {
  const { stop } = await startUp();
  await compareStreamRates('SOCKS5 proxy', { proxy: PROXY });
  await stop();
}

/** Compares TCP through port forwards with TCP through SOCKS5, and UDP with wireguard-go's interface. */
async function compareForwards() {
  const tcp = [PORTS.up, PORTS.down].map((port) => `${port}:${HOST}:${port}`);
  const udp = `${UDP_PORT}:${HOST}:${UDP_PORT}/udp`;
  const { up, stop } = await startUp(...[...tcp, udp].flatMap((forward) => ['-L', forward]));
  await compareTransfers(
    'port forward',
    { stack: 'kernel', host: LOCAL, process: up },
    { stack: 'socks5', proxy: PROXY, host: HOST, process: up },
    { baseline: 'SOCKS5 proxy' },
  );
  await compareStreamRates('port forward', { target: LOCAL });
  await stop();
}

/** Compares the rate of UDP in each direction with that through wireguard-go's interface. */
async function compareStreamRates(name, way) {
  const seconds = milliseconds / 1000;
  for (const direction of ['up', 'down']) {
    const measure = (one) => streamRate(lab, { host: HOST, direction, seconds, ...one });
    const rates = await inTurn(measure, way, {});
    const what = `UDP ${direction} with less than 1 % loss, ${name} / wireguard-go`;
    print(what, rates, 'Mbit/s');
  }
}

/** Compares the rate and the CPU time of one stream, and of ten, in each direction. */
async function compareTransfers(
  name,
  ours,
  theirs,
  { baseline = 'wireguard-go', goals: { rate, cpu } = {} } = {},
) {
  for (const streams of STREAMS) {
    for (const task of ['up', 'down']) {
      const both = await alternate({ ...ours, task, streams }, { ...theirs, task, streams });
      const what = `${task}load, streams: ${streams}, ${name} / ${baseline}`;
      print(what, both.map(rateOf), 'Mbit/s', rate);
      print(`CPU time, ${what}`, both.map(cpuOf), 'ms per gigabyte', cpu);
    }
  }
}

/** Returns the medians of a measurement that is made for each setup in turn. */
async function inTurn(measure, ...setups) {
  const results = setups.map(() => []);
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [index, setup] of setups.entries()) results[index].push(await measure(setup));
  }
  return results.map(median);
}

function rateOf(results) {
  return median(results.map(({ bytes }) => (bytes * 8) / 1000 / milliseconds));
}

/** Returns the milliseconds of CPU per 10⁹ bytes. */
function cpuOf(results) {
  return median(results.map(({ bytes, cpu }) => (cpu * 1e12) / bytes));
}

/** Compares small POSTs through the forwarder and through SOCKS5 with direct ones. */
async function comparePosts() {
  const { forward, stop } = await startUp();
  const straight = `http://${HOST}`;
  for (const connections of [1, 32]) {
    for (const { name, path = '/', proxy, rateGoals, p99Goals = {} } of [
      { name: 'forwarder', rateGoals: GOALS.forwarder, p99Goals: GOALS.forwarderP99 },
      { name: 'forwarder, closing server', path: '/close', rateGoals: GOALS.forwarderThatCloses },
      { name: 'SOCKS5 proxy', proxy: PROXY, rateGoals: GOALS.proxyPosts },
    ]) {
      const base = proxy === undefined ? forward : straight;
      const task = { task: 'posts', connections };
      const both = await alternate(
        { ...task, url: `${base}${path}`, proxy },
        { ...task, url: `${straight}${path}` },
      );
      const what = `POSTs, ${connections} at once, ${name} / wireguard-go`;
      print(what, postsOf(both, 'perSecond'), 'a second', rateGoals[connections]);
      printTimes(what, both, p99Goals[connections]);
    }
  }
  await stop();
}

/** Returns the medians of a figure, for arctun and wireguard-go. */
function postsOf(both, figure) {
  return both.map((results) => median(results.map(({ [figure]: value }) => value)));
}

/** @param goal for arctun's 99th percentile, as a multiple of the median */
function printTimes(what, both, goal) {
  const [p50, p99, longest] = ['p50', 'p99', 'longest'].map((figure) => postsOf(both, figure));
  for (const [index, whose] of ['arctun', 'wireguard-go'].entries()) {
    const multiple = rounded(p99[index] / p50[index], 1);
    const words = index === 0 ? goals.judge(`99th percentile, ${what}`, multiple, goal) : '';
    const times = `p50 ${p50[index].toFixed(2)}, p99 ${p99[index].toFixed(2)}`;
    const all = `${times} (${multiple} times the median${words})`;
    console.log(`  ms a POST ${whose}: ${all}, longest ${longest[index].toFixed(2)}`);
  }
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

/** Starts `arctun up` in userspace, and waits until it is ready. */
async function startUp(...flags) {
  const listen = ['--forward-listen', '127.0.0.1:0', '--forward-to', `${HOST}:80`];
  const mode = ['--mode', 'userspace', '--config', lab.configPath];
  const up = lab.start('client', [...UP, ...mode, ...listen, ...flags]);
  const { forward } = JSON.parse(await up.line((line) => line.startsWith('{')));
  const stop = async () => {
    up.kill('SIGTERM');
    await up.ended();
  };
  return { up, forward, stop };
}

/** Prints a figure of arctun and the one that it is compared with. */
function print(what, [ours, theirs], unit, goal) {
  const ratio = rounded(ours / theirs, 2);
  const [own, their] = [ours, theirs].map((figure) => figure.toFixed(unit === 'ms' ? 2 : 0));
  const figures = `${what.padEnd(64)} ${ratio.toFixed(2)}  (${own} / ${their} ${unit})`;
  console.log(`${figures}${goals.judge(what, ratio, goal)}`);
}

/** Rounds a figure as it is printed, so that the comparison with its goal agrees with the output. */
function rounded(figure, digits) {
  return Number(figure.toFixed(digits));
}
