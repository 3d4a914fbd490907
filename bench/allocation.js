/**
 * Measures how many bytes V8 allocates on its heap for each packet of a TCP stream: `npm run
 * bench allocation`. The server is wireguard-go, as in bench/tunnel.js. Exits with 1 if a figure misses
 * the goal. docs/reference/benchmarks.md describes the measurement.
 */
import { parseArgs } from 'node:util';

import { Goals } from './support/goals.js';
import { Lab, SERVICES, TUN_SERVICE } from './support/lab.js';
import { runTask } from './support/task.js';

const ARCTUN = new URL('../bin/run.js', import.meta.url).pathname;
const ALGORITHM = 'bbr';
const PROXY = '127.0.0.1:1080';
/** The bytes of a full segment: the MTU of 1,420 without the headers of IPv4 and TCP. */
const SEGMENT = 1_368;
/** The goal in bytes for each packet (docs/explanation/performance-goals.md). */
const GOAL = { atMost: 64 };

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' } } });
const milliseconds = Number(values.seconds) * 1000;

const goals = new Goals();
const lab = await Lab.start();
try {
  lab.setServerCongestion(ALGORITHM);
  await measure('tun', lab.tunConfigPath, { stack: 'kernel', host: TUN_SERVICE });
  const proxied = { stack: 'socks5', proxy: PROXY, host: SERVICES[ALGORITHM] };
  await measure('userspace', lab.configPath, proxied);
} finally {
  lab.close();
}
process.exit(goals.missed.length > 0 ? 1 : 0);

async function measure(mode, config, way) {
  const traced = [process.execPath, '--trace-gc-nvp', ARCTUN];
  const flags = ['--json', '--log-level', 'error', '--mode', mode, '--config', config];
  const up = lab.start('client', [...traced, 'up', ...flags]);
  await up.line((line) => line.startsWith('{'));
  if (mode === 'tun') lab.setTunCongestion(ALGORITHM);
  for (const task of ['up', 'down']) {
    // V8 compiles the code in the first run.
    await runTask(lab, { ...way, task, milliseconds });
    up.takeLines(isTrace);
    const { bytes } = await runTask(lab, { ...way, task, milliseconds });
    const allocated = up.takeLines(isTrace).reduce((sum, line) => sum + allocatedIn(line), 0);
    const each = Math.round(allocated / (bytes / SEGMENT));
    const what = `${task}load, --mode ${mode}`;
    const words = goals.judge(what, each, GOAL);
    console.log(`${what}: ${each} bytes allocated for each packet of data${words}`);
  }
  up.kill('SIGTERM');
  await up.ended();
}

function isTrace(line) {
  return / allocated=\d/.test(line);
}

/** Returns the bytes that were allocated between the last two garbage collections. */
function allocatedIn(line) {
  return Number(/ allocated=(\d+)/.exec(line)[1]);
}
