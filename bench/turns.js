/**
 * Measures the CPU time of each turn of the event loop in `arctun up` under load: `npm run
 * bench:turns`. An upload, a download and POSTs on 32 connections run through the SOCKS5 proxy and
 * the forwarder of userspace mode, and through the interface of tun mode. Exits with 1 if a turn
 * takes longer than the limit; the first 3 s of each load do not count, because V8 compiles the code
 * then. docs/reference/benchmarks.md describes the measurement.
 */
import { parseArgs } from 'node:util';

import { Lab, SERVICES, TUN_SERVICE } from './support/lab.js';
import { StolenTime } from './support/stolen-time.js';
import { runTask } from './support/task.js';
import { LIMIT_MS, TurnClock } from './support/turn-clock.js';

const ARCTUN = new URL('../bin/run.js', import.meta.url).pathname;
const ALGORITHM = 'bbr';
const HOST = SERVICES[ALGORITHM];
const PROXY = '127.0.0.1:1080';
/** A load causes far more turns. */
const LEAST_TURNS = 100;

const { values } = parseArgs({
  options: {
    /** The time of each task, in seconds. */
    seconds: { type: 'string', default: '8' },
    /** The `run.js` of another build to measure. */
    arctun: { type: 'string', default: ARCTUN },
  },
});

/** How long each task runs, in ms. In the first run, V8 compiles the code. */
const DURATIONS = { cold: 3_000, compiled: Number(values.seconds) * 1_000 };

const stolen = new StolenTime();
const lab = await Lab.start({ throughRelay: false });
const clock = new TurnClock(lab.folder);
try {
  clock.check();
  lab.setServerCongestion(ALGORITHM);
  await measureUserspace();
  await measureTun();
} finally {
  clock.close();
  lab.close();
}
console.log(`     CPU time that the hypervisor took from this machine: ${stolen}`);
process.exit();

async function measureUserspace() {
  const forward = ['--forward-listen', '127.0.0.1:0', '--forward-to', `${HOST}:80`];
  const { up, ready } = await startUp('userspace', lab.configPath, forward);
  const streams = { stack: 'socks5', proxy: PROXY, host: HOST };
  await measureTasks('userspace', up, streams, `${ready.forward}/`);
}

async function measureTun() {
  const { up } = await startUp('tun', lab.tunConfigPath);
  lab.setTunCongestion(ALGORITHM);
  const streams = { stack: 'kernel', host: TUN_SERVICE };
  await measureTasks('tun', up, streams, `http://${TUN_SERVICE}/`);
}

async function startUp(mode, config, options = []) {
  clock.forget();
  const flags = ['--json', '--log-level', 'error', '--mode', mode, '--config', config];
  const command = [process.execPath, values.arctun, 'up', ...flags, ...options];
  const up = lab.start('client', clock.around(command));
  const ready = JSON.parse(await up.line((line) => line.startsWith('{')));
  return { up, ready };
}

async function measureTasks(mode, up, streams, url) {
  const tasks = [
    ['upload', { ...streams, task: 'up' }],
    ['download', { ...streams, task: 'down' }],
    ['POSTs on 32 connections', { task: 'posts', connections: 32, url }],
  ];
  for (const [what, task] of tasks) {
    for (const [part, milliseconds] of Object.entries(DURATIONS)) {
      clock.reset();
      await runTask(lab, { ...task, milliseconds });
      const threads = clock.read();
      if (!threads.some(({ count }) => count >= LEAST_TURNS))
        throw new Error(`too few turns were measured: ${JSON.stringify(threads)}`);
      for (const turns of threads) {
        const thread = turns.id === up.pid ? 'main thread' : `thread ${turns.id}`;
        report(`--mode ${mode}, ${what}, ${thread}`, part, turns);
      }
    }
  }
  up.kill('SIGTERM');
  await up.ended();
}

function report(what, part, { count, longest, p999, over }) {
  const figures = `${longest.toFixed(1)} ms, 99.9 % up to ${p999.toFixed(1)} ms`;
  if (part === 'cold') {
    console.log(
      `     ${what}: ${figures} while V8 compiles; ${over} of ${count} above ${LIMIT_MS} ms`,
    );
    return;
  }
  const isGood = longest <= LIMIT_MS;
  if (!isGood) process.exitCode = 1;
  const mark = isGood ? 'ok  ' : 'FAIL';
  console.log(`${mark} ${what}: ${figures}; ${over} of ${count} above the limit of ${LIMIT_MS} ms`);
}
