/**
 * Measures small POSTs through a tunnel and the delay of a new session while the client's UDP port
 * receives a flood of handshake initiations with a valid mac1: `node bench/flood.js`. Compares
 * arctun's forwarder with wireguard-go as the client of the same server.
 * docs/reference/benchmarks.md describes the measurements.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { Lab, SERVICES } from './support/lab.js';
import { runTask } from './support/task.js';

const ARCTUN = new URL('../bin/run.js', import.meta.url).pathname;
const HOST = SERVICES.bbr;
const CLIENT = '192.0.2.2';
/** In ms. */
const LONGEST_REKEY = 90_000;

const { values } = parseArgs({
  options: {
    /** Initiations per second. */
    rate: { type: 'string', default: '30000' },
    seconds: { type: 'string', default: '20' },
    repeats: { type: 'string', default: '1' },
    /** The `run.js` of each build to measure. */
    arctun: { type: 'string', multiple: true, default: [ARCTUN] },
    /** Also waits until the client replaces a session that the server lost. */
    rekey: { type: 'boolean', default: false },
  },
});
const milliseconds = Number(values.seconds) * 1_000;

const lab = await Lab.start({ throughRelay: false });
try {
  for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
    for (const program of values.arctun) await measureArctun(program);
    await measureWireGuardGo();
  }
} finally {
  lab.close();
}
process.exit(0);

async function measureArctun(program) {
  const options = ['--mode', 'userspace', '--config', lab.configPath];
  const forward = ['--forward-listen', '127.0.0.1:0', '--forward-to', `${HOST}:80`];
  const command = [process.execPath, program, 'up', '--json', '--log-level', 'error'];
  const up = lab.start('client', [...command, ...options, ...forward]);
  const { forward: url } = JSON.parse(await up.line((line) => line.startsWith('{')));
  const [, port] = /:(\d+)\s.*"node/.exec(lab.run('client', 'ss', '-ulnpHO')) ?? [];
  const { publicKey } = JSON.parse(readFileSync(lab.configPath, 'utf8'));
  await measure({ name: `arctun (${program})`, carrier: up, url, port, publicKey });
  up.kill('SIGTERM');
  await up.ended();
}

async function measureWireGuardGo() {
  const device = lab.run('client', 'wg', 'show', `ab${process.pid}c`, 'dump').split('\n')[0];
  const [, publicKey, port] = device.split('\t');
  const url = `http://${HOST}`;
  await measure({ name: 'wireguard-go', carrier: lab.wireguard, url, port, publicKey });
}

async function measure({ name, carrier, url, port, publicKey }) {
  console.log(name);
  const task = { task: 'posts', connections: 1, url: `${url}/`, milliseconds };
  for (const rate of [0, Number(values.rate)]) {
    const flood =
      rate === 0
        ? undefined
        : lab.startProgram('relay', 'initiations.js', `${CLIENT}:${port}`, publicKey, String(rate));
    if (flood) await pause(1_000);
    const cpu = carrier.cpuSeconds();
    const began = performance.now();
    const result = await runTask(lab, task).catch(({ message }) => message);
    if (typeof result === 'string') {
      console.log(`  ${rate} initiations a second: POSTs fail: ${result.slice(-300).trim()}`);
      flood?.kill();
      return;
    }
    const { p50, p99, longest, perSecond } = result;
    const passed = (performance.now() - began) / 1_000;
    const times = [p50, p99, longest].map((time) => time.toFixed(2)).join(', ');
    const load = (((carrier.cpuSeconds() - cpu) / passed) * 100).toFixed(0);
    console.log(
      `  ${rate} initiations a second: ms per POST (median, p99, max) ${times};` +
        ` ${perSecond.toFixed(0)} POSTs a second; CPU ${load} %`,
    );
    if (values.rekey) {
      console.log(
        `    seconds until a lost session is replaced: ${await replaceSession(url, publicKey)}`,
      );
    }
    if (!flood) continue;
    flood.endInput();
    console.log(`    ${await flood.line((line) => line.startsWith('sent'))}`);
  }
}

/** Makes the server lose a client's session, sends a request, and waits for the next handshake. */
async function replaceSession(url, publicKey) {
  const device = `ab${process.pid}s`;
  const show = (what) => {
    const lines = lab.run('server', 'wg', 'show', device, what).trim().split('\n');
    return lines.map((line) => line.split('\t')).find(([key]) => key === publicKey)[1];
  };
  const allowedIps = show('allowed-ips');
  const set = ['wg', 'set', device, 'peer', publicKey];
  lab.run('server', ...set, 'remove');
  lab.run('server', ...set, 'allowed-ips', allowedIps);
  const began = performance.now();
  const request = lab.start('client', ['curl', '-s', '-o', '/dev/null', '-m', '120', url]);
  while (show('latest-handshakes') === '0') {
    await pause(50);
    if (performance.now() - began > LONGEST_REKEY) break;
  }
  const seconds = (performance.now() - began) / 1_000;
  await request.ended();
  return seconds.toFixed(1);
}
