/**
 * Measures small POSTs through a tunnel and the delay of a new session while the client's UDP port
 * receives a flood of handshake initiations with a valid mac1: `node bench/flood.js`. Compares
 * arctun's forwarder with wireguard-go as the client of the same server. Exits with 1 if a limit is
 * exceeded. docs/reference/benchmarks.md describes the measurements.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { judgeFlood } from './support/flood-verdicts.js';
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
    seconds: { type: 'string', default: '8' },
    repeats: { type: 'string', default: '3' },
    /** The `run.js` of each build to measure. */
    arctun: { type: 'string', multiple: true, default: [ARCTUN] },
  },
});
const milliseconds = Number(values.seconds) * 1_000;

const lab = await Lab.start({ throughRelay: false });
try {
  const ours = values.arctun.map((program) => ({ program, runs: [] }));
  const theirs = [];
  for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
    for (const { program, runs } of ours) runs.push(await measureArctun(program));
    theirs.push(await measureWireGuardGo());
  }
  for (const { program, runs } of ours) report(program, judgeFlood(runs, theirs));
} finally {
  lab.close();
}
process.exit();

async function measureArctun(program) {
  const options = ['--mode', 'userspace', '--config', lab.configPath];
  const forward = ['--forward-listen', '127.0.0.1:0', '--forward-to', `${HOST}:80`];
  const command = [process.execPath, program, 'up', '--json', '--log-level', 'error'];
  const up = lab.start('client', [...command, ...options, ...forward]);
  const { forward: url } = JSON.parse(await up.line((line) => line.startsWith('{')));
  const [, port] = /:(\d+)\s.*"node/.exec(lab.run('client', 'ss', '-ulnpHO')) ?? [];
  const { publicKey } = JSON.parse(readFileSync(lab.configPath, 'utf8'));
  console.log(`arctun (${program})`);
  const figures = await measure({ carrier: up, url, port, publicKey });
  up.kill('SIGTERM');
  await up.ended();
  return figures;
}

async function measureWireGuardGo() {
  const device = lab.run('client', 'wg', 'show', `ab${process.pid}c`, 'dump').split('\n')[0];
  const [, publicKey, port] = device.split('\t');
  console.log('wireguard-go');
  return measure({ carrier: lab.wireguard, url: `http://${HOST}`, port, publicKey });
}

/** Returns the figures without and with the flood; undefined for those that cannot be measured. */
async function measure(client) {
  const quiet = await measurePart(client, 'without a flood');
  if (quiet === undefined) return {};
  const target = [`${CLIENT}:${client.port}`, client.publicKey];
  const flood = lab.startProgram('relay', 'initiations.js', ...target, values.rate);
  await pause(1_000);
  const flooded = await measurePart(client, `${values.rate} initiations a second`);
  flood.endInput();
  console.log(`  ${await flood.line((line) => line.startsWith('sent'))}`);
  await flood.ended();
  return { quiet, flooded };
}

async function measurePart({ carrier, url, publicKey }, name) {
  const cpu = carrier.cpuSeconds();
  const began = performance.now();
  const task = { task: 'posts', connections: 1, url: `${url}/`, milliseconds };
  const result = await runTask(lab, task).catch(({ message }) => message);
  if (typeof result === 'string') {
    console.log(`  ${name}: POSTs fail: ${result.slice(-300).trim()}`);
    return undefined;
  }
  const { p50, p99, longest, perSecond } = result;
  const passed = (performance.now() - began) / 1_000;
  const load = (((carrier.cpuSeconds() - cpu) / passed) * 100).toFixed(0);
  const times = [p50, p99, longest].map((time) => time.toFixed(2)).join(', ');
  const rate = `${perSecond.toFixed(0)} POSTs a second; CPU ${load} %`;
  console.log(`  ${name}: ms per POST (median, p99, max) ${times}; ${rate}`);
  const replaced = await replaceSession(url, publicKey);
  console.log(`    seconds until a lost session is replaced: ${replaced.toFixed(1)}`);
  return { p50, p99, replaced };
}

function report(program, verdicts) {
  console.log(`arctun (${program}), medians of ${values.repeats} runs`);
  for (const { text, isGood } of verdicts) {
    console.log(`${isGood ? 'ok  ' : 'FAIL'} ${text}`);
    if (!isGood) process.exitCode = 1;
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
  return seconds;
}
