/**
 * Measures the resident memory of `arctun up --mode userspace`: idle, and the peak during an upload,
 * a download and small POSTs: `npm run bench memory`. Compares the peaks with wireguard-go as the
 * client of the same server. Exits with 1 if a limit is exceeded. docs/reference/benchmarks.md
 * describes the measurements.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { Lab, SERVICES } from './support/lab.js';
import { runTask } from './support/task.js';

const ARCTUN = new URL('../bin/run.js', import.meta.url).pathname;
const ALGORITHM = 'bbr';
const HOST = SERVICES[ALGORITHM];
const PROXY = '127.0.0.1:1080';

/** The limits in MB (10⁶ bytes). */
const LIMIT_IDLE = 75;
const LIMIT_LOAD = 130;

/** Milliseconds from the start until memory is read, before V8 collects garbage. */
const FRESH = 2_000;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    /** The seconds without traffic, in which V8 usually collects garbage. */
    idle: { type: 'string', default: '30' },
    /** How many times to start `up`; only the last start is measured under load. */
    starts: { type: 'string', default: '1' },
    /** The `run.js` of another build to measure. */
    arctun: { type: 'string', default: ARCTUN },
    /** Parameters for Node.js. */
    node: { type: 'string', default: '' },
  },
});
const milliseconds = Number(values.seconds) * 1_000;

const lab = await Lab.start();
try {
  lab.setServerCongestion(ALGORITHM);
  for (let start = 1; start < Number(values.starts); start++) await stop((await startUp()).up);
  const { up, forward } = await startUp();
  await measureLoad('arctun', up, { stack: 'socks5', proxy: PROXY }, `${forward}/`, LIMIT_LOAD);
  await pause(Number(values.idle) * 1_000);
  print(`arctun: idle for ${values.idle} s after the load`, residentMemory(up));
  await stop(up);
  const { wireguard } = lab;
  print('wireguard-go: idle', residentMemory(wireguard));
  await measureLoad('wireguard-go', wireguard, { stack: 'kernel' }, `http://${HOST}/`);
} finally {
  lab.close();
}
process.exit();

async function startUp() {
  const up = lab.start('client', [
    ...[process.execPath, ...values.node.split(' ').filter(Boolean), values.arctun],
    ...['up', '--json', '--log-level', 'error', '--mode', 'userspace', '--config', lab.configPath],
    ...['--forward-listen', '127.0.0.1:0', '--forward-to', `${HOST}:80`],
  ]);
  const { forward } = JSON.parse(await up.line((line) => line.startsWith('{')));
  await pause(FRESH);
  print(`arctun: idle for ${FRESH / 1_000} s`, residentMemory(up));
  await pause(Number(values.idle) * 1_000 - FRESH);
  print(`arctun: idle for ${values.idle} s`, residentMemory(up), LIMIT_IDLE);
  return { up, forward };
}

async function stop(up) {
  up.kill('SIGTERM');
  await up.ended();
}

/** Measures the peak of a process during one stream in each direction, and during POSTs. */
async function measureLoad(name, carrier, client, url, limit) {
  const tasks = [
    ['upload', { ...client, task: 'up', host: HOST }],
    ['download', { ...client, task: 'down', host: HOST }],
    ['POSTs on 32 connections', { task: 'posts', connections: 32, url }],
  ];
  for (const [what, task] of tasks) {
    resetPeak(carrier);
    const before = carrier.cpuSeconds();
    const { bytes, perSecond } = await runTask(lab, { ...task, milliseconds });
    const cpu = carrier.cpuSeconds() - before;
    const rate = bytes
      ? `${((bytes * 8) / 1_000 / milliseconds).toFixed(0)} Mbit/s, CPU ${((cpu * 1e9) / bytes).toFixed(1)} s per GB`
      : `${perSecond.toFixed(0)} a second, CPU ${((cpu * 1e9) / perSecond / milliseconds).toFixed(0)} µs each`;
    print(`${name}: peak of ${what} (${rate})`, peakMemory(carrier), limit);
  }
}

function print(what, { resident, dirty }, limit) {
  const isGood = limit === undefined || resident <= limit;
  if (!isGood) process.exitCode = 1;
  const private_ = dirty === undefined ? '' : `, ${dirty.toFixed(1)} MB of it private`;
  const bound = limit === undefined ? '' : ` (limit ${limit})`;
  const mark = isGood ? '    ' : 'FAIL';
  console.log(`${mark} ${what.padEnd(72)} ${resident.toFixed(1)} MB${private_}${bound}`);
}

/** Resident memory, and the part that is not shared with other processes, in MB. */
function residentMemory({ pid }) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return { resident: megabytes(rollup, 'Rss'), dirty: megabytes(rollup, 'Private_Dirty') };
}

/** The peak of resident memory since resetPeak(), in MB. */
function peakMemory({ pid }) {
  return { resident: megabytes(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmHWM') };
}

function resetPeak({ pid }) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function megabytes(text, field) {
  const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text);
  return (Number(kib) * 1024) / 1e6;
}
