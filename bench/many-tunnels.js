/**
 * Opens many tunnels in this process, for bench/tunnels.js:
 *
 *     node many-tunnels.js CLIENTS.json IDLE_SECONDS URL [--heap FILE]
 *
 * CLIENTS.json contains an array of arc.json objects. Prints the measurements as one JSON line.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { writeHeapSnapshot } from 'node:v8';

import { createTunnel } from '../dist/bundle/index.js';

/** Milliseconds to wait for a session. */
const WAIT = 60_000;
/** Milliseconds without input before a measurement of memory. */
const SETTLE = 1_000;
/** The number of POSTs in flight. */
const LANES = 32;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { heap: { type: 'string' } },
});
const [file, idleSeconds, url] = positionals;
const configs = JSON.parse(readFileSync(file, 'utf8'));

// Loads and compiles what each tunnel uses.
const first = await createTunnel({ config: configs[0], wait: WAIT });
await post(first);
await first.close();
await pause(SETTLE);
if (values.heap) writeHeapSnapshot(`${values.heap}-before.heapsnapshot`);
const startKib = residentKib();

const began = performance.now();
const settled = await Promise.allSettled(
  configs.map((config) => createTunnel({ config, wait: WAIT })),
);
const seconds = (performance.now() - began) / 1_000;
const tunnels = settled.filter(({ status }) => status === 'fulfilled').map(({ value }) => value);
await pause(SETTLE);
const marks = [residentKib()];

const cpuBefore = process.cpuUsage();
const turnsBefore = loopTurns();
await pause(Number(idleSeconds) * 1_000);
const used = process.cpuUsage(cpuBefore);
const cpu = (used.user + used.system) / 1e4 / Number(idleSeconds);
const wakeUps = (loopTurns() - turnsBefore) / Number(idleSeconds);
marks.push(residentKib());
if (values.heap) writeHeapSnapshot(`${values.heap}-after.heapsnapshot`);

const waiting = [...tunnels];
await Promise.all(
  Array.from({ length: LANES }, async () => {
    for (let tunnel = waiting.pop(); tunnel; tunnel = waiting.pop()) await post(tunnel);
  }),
);
await pause(SETTLE);
marks.push(residentKib());

const result = { opened: tunnels.length, seconds, startKib, marks, cpu, wakeUps };
console.log(JSON.stringify(result));
for (const { reason } of settled.filter(({ status }) => status === 'rejected').slice(0, 3)) {
  console.error(reason);
}
process.exit(0);

async function post(tunnel) {
  const { hostname, port } = new URL(url);
  const socket = await tunnel.dialer.dial({ host: hostname, port: Number(port || 80) });
  const options = { createConnection: () => socket, method: 'POST', host: hostname };
  const outgoing = request({ ...options, headers: { Connection: 'close', 'Content-Length': 6 } });
  outgoing.end('arctun');
  const [response] = await once(outgoing, 'response');
  await once(response.resume(), 'end');
}

/** The turns of the event loop so far; needs Node.js 20.19 or later. */
function loopTurns() {
  return performance.nodeTiming.uvMetricsInfo.loopCount;
}

/** Resident memory in KiB. */
function residentKib() {
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
  return Number(/^Rss:\s+(\d+) kB/m.exec(rollup)[1]);
}
