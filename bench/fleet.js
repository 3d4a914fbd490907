/**
 * Runs `arctun up` with a folder of 1,000 SIMs and an emulator in another process: `npm run bench
 * fleet`. Each SIM sends a message every 5 s through the forwarder; meanwhile some SIMs are deleted. Exits with 1 if a message is lost, arrives
 * twice or arrives under another SIM. docs/reference/benchmarks.md describes the measurements.
 */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { bootstrap } from '../dist/bundle/index.js';
import { Child } from './support/child.js';
import { FleetLoad } from './support/fleet-load.js';
import { summarize } from './support/statistics.js';

const ARCTUN = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const EMULATOR = fileURLToPath(new URL('./support/fleet-emulator.js', import.meta.url));

/** Milliseconds until all tunnels must have been tried. */
const START_UP = 300_000;
/** Milliseconds without messages before memory is measured. */
const SETTLE = 2_000;
/** The number of SIMs that are created at the same time. */
const LANES = 8;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    /** How long the SIMs send messages. */
    seconds: { type: 'string', default: '600' },
    /** The seconds between two messages of a SIM. */
    interval: { type: 'string', default: '5' },
    /** How many SIMs are deleted meanwhile. */
    delete: { type: 'string', default: '10' },
    /** Prints the figures as one JSON line instead of text. */
    json: { type: 'boolean', default: false },
    /** The state folder, such as one in /dev/shm to keep the state in memory. */
    state: { type: 'string' },
    /** The `run.js` of another build to measure. */
    arctun: { type: 'string', default: ARCTUN },
  },
});
const [count, seconds, interval, deletions] = [
  values.count,
  values.seconds,
  values.interval,
  values.delete,
].map(Number);

const folder = mkdtempSync(join(tmpdir(), 'arctun-fleet-'));
const children = [];
let figures;
try {
  figures = await measure();
} finally {
  for (const child of children) child.kill();
  await Promise.all(children.map((child) => child.ended()));
  rmSync(folder, { recursive: true, force: true });
}
report(figures);
process.exit();

async function measure() {
  const emulator = start([process.execPath, EMULATOR]);
  const platform = JSON.parse(await emulator.line((line) => line.startsWith('{')));
  note(`creating ${count} SIMs`);
  const sims = await createSims(platform);
  const alone = await measureOne(platform);
  const opened = await openFleet('sims', platform);
  const startKib = residentKib(opened.up);
  note(`${opened.isUp} of ${count} tunnels are up; sending for ${seconds} s`);
  const sent = await sendMessages(sims, opened, { emulator, platform });
  const kib = residentKib(opened.up);
  const descriptors = readdirSync(`/proc/${opened.up.pid}/fd`).length;
  opened.up.kill('SIGTERM');
  await opened.up.ended();
  // A copy may arrive later.
  const later = await arrivals(emulator);
  sent.doubled += later.doubled;
  sent.misplaced += later.misplaced;
  return {
    ...{ count, seconds, interval },
    start: { up: opened.isUp, seconds: opened.seconds, cpuSeconds: opened.cpuSeconds },
    memory: { oneSimKib: alone, startKib, endKib: kib, perSimKib: (kib - alone) / (count - 1) },
    descriptors,
    messages: { ...sent, deleted: sent.deleted.size },
  };
}

function start(command, env) {
  const child = new Child(command, env);
  children.push(child);
  return child;
}

/** Creates the SIMs with their files in the folder `sims`; the first one is also in `one`. */
async function createSims({ api, authKeyId, authKey }) {
  for (const name of ['sims', 'one']) mkdirSync(join(folder, name));
  const names = Array.from({ length: count }, (_, index) => `sim-${index + 1}`);
  const sims = [];
  const waiting = names.map((name, index) => ({ name, index }));
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { name, index } = next;
      const path = join(folder, 'sims', `${name}.json`);
      const credentials = { authKeyId, authKey };
      const save = (arcJson) => writeFileSync(path, JSON.stringify(arcJson), { mode: 0o600 });
      const { simId } = await bootstrap({ save, endpoint: api, credentials });
      sims[index] = { name, simId };
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  copyFileSync(join(folder, 'sims', 'sim-1.json'), join(folder, 'one', 'sim-1.json'));
  return sims;
}

/** Returns the memory of the process with one SIM. */
async function measureOne(platform) {
  const { up } = await openFleet('one', platform);
  await pause(SETTLE);
  const kib = residentKib(up);
  up.kill('SIGTERM');
  await up.ended();
  return kib;
}

async function openFleet(sims, { api, authKeyId, authKey }) {
  const began = performance.now();
  const listen = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', 'off'];
  const flags = [...listen, '--log-level', 'error', '--wait', '0', '--json'];
  const up = start(
    [process.execPath, values.arctun, 'up', '--config', join(folder, sims), ...flags],
    {
      ...{ ARCTUN_ENDPOINT: api, ARCTUN_AUTH_KEY_ID: authKeyId, ARCTUN_AUTH_KEY: authKey },
      RUNTIME_DIRECTORY: join(folder, 'run'),
      XDG_STATE_HOME: values.state ?? join(folder, 'state'),
    },
  );
  const line = await up.line((text) => text.startsWith('{'), START_UP);
  const report = JSON.parse(line);
  return {
    ...{ up, url: report.forward },
    isUp: report.sims.filter(({ isUp }) => isUp).length,
    seconds: (performance.now() - began) / 1_000,
    cpuSeconds: up.cpuSeconds(),
  };
}

async function sendMessages(sims, { up, url }, { emulator, platform }) {
  const load = new FleetLoad(url);
  await arrivals(emulator);
  const deleted = new Set();
  const deleting = deleteSims(sims, deleted, platform);
  const cpu = [up, emulator].map((process) => process.cpuSeconds());
  const perSecond = count / interval;
  const isDeleted = (simId) => deleted.has(simId);
  const run = await load.send({ sims, perSecond, seconds, isDeleted });
  await deleting;
  load.close();
  const [upCpu, emulatorCpu] = [up, emulator].map(
    (process, index) => process.cpuSeconds() - cpu[index],
  );
  const arrived = await arrivals(emulator);
  return {
    deleted,
    ...verdict(run, arrived, isDeleted),
    milliseconds: summarize(run.times),
    cpuSeconds: { up: upCpu, emulator: emulatorCpu },
  };
}

/** Deletes SIMs one by one, in the middle of the time in which messages are sent. */
async function deleteSims(sims, deleted, { api, authKeyId, authKey }) {
  const headers = { 'Content-Type': 'application/json' };
  const post = async (path, body) => {
    const options = { method: 'POST', headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(`${api}/v1${path}`, options);
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
    return response.json();
  };
  const { apiKey, token } = await post('/auth', { authKeyId, authKey });
  Object.assign(headers, { 'X-Soracom-API-Key': apiKey, 'X-Soracom-Token': token });
  await pause(seconds * 250);
  for (let index = 0; index < deletions; index++) {
    const { simId } = sims[Math.floor(((index + 0.5) * sims.length) / deletions)];
    deleted.add(simId);
    await post(`/sims/${simId}/enable_termination`);
    await post(`/sims/${simId}/terminate`);
    await pause((seconds * 500) / deletions);
  }
}

/** Compares what was sent with what has arrived. The SIMs that were deleted may lose messages. */
function verdict({ sent, answered, failures }, { arrived, doubled, misplaced }, isDeleted) {
  let [total, lost, unanswered] = [0, 0, 0];
  for (const [simId, number] of sent) {
    const expected = isDeleted(simId) ? (answered.get(simId) ?? 0) : number;
    lost += Math.max(0, expected - (arrived[simId] ?? 0));
    if (isDeleted(simId)) unanswered += number - expected;
    else total += number;
  }
  const failed = failures.length;
  return {
    sent: total,
    lost,
    doubled,
    misplaced,
    failed,
    failures: failures.slice(0, 3),
    unanswered,
  };
}

/** Returns what has arrived at the emulator since the last call. */
async function arrivals(emulator) {
  emulator.tell('counts');
  return JSON.parse(await emulator.line((line) => line.startsWith('{')));
}

/** Resident memory in KiB. */
function residentKib({ pid }) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Rss:\s+(\d+) kB/m.exec(rollup)[1]);
}

function note(text) {
  if (!values.json) console.log(`     ${text}`);
}

function report(found) {
  const { start, memory, descriptors, messages } = found;
  const { lost, doubled, misplaced, failed } = messages;
  const isWhole = lost + doubled + misplaced + failed === 0;
  if (start.up < count || !isWhole) process.exitCode = 1;
  if (values.json) {
    console.log(JSON.stringify(found));
    return;
  }
  const { median, p99, largest } = messages.milliseconds;
  const share = (part) => `${((part / seconds) * 100).toFixed(0)} %`;
  line(
    start.up === count,
    `${start.up} of ${count} tunnels up after ${start.seconds.toFixed(1)} s`,
  );
  line(
    isWhole,
    `${messages.sent} messages: ${lost} lost, ${doubled} doubled, ${misplaced} under another SIM, ${failed} failed`,
  );
  for (const failure of messages.failures) note(failure);
  note(`${messages.deleted} SIMs were deleted; ${messages.unanswered} of their messages failed`);
  note(`ms for a message (median, p99, max): ${[median, p99, largest].map(tenths).join(', ')}`);
  note(
    `${mib(memory.endKib)} MiB resident (${mib(memory.startKib)} at the start, ${mib(memory.oneSimKib)} with one SIM): ${tenths(memory.perSimKib)} KiB for each further SIM`,
  );
  note(`${descriptors} file descriptors`);
  const { up, emulator } = messages.cpuSeconds;
  note(
    `CPU: ${tenths(start.cpuSeconds)} s to start; while sending ${tenths(up)} s (${share(up)} of a core), the emulator ${share(emulator)}`,
  );
}

function line(isGood, text) {
  console.log(`${isGood ? 'ok  ' : 'FAIL'} ${text}`);
}

function tenths(value) {
  return value.toFixed(1);
}

function mib(kib) {
  return (kib / 1_024).toFixed(0);
}
