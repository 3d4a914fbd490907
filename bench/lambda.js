/**
 * Benchmarks the Lambda extension, in sandboxes of the Lambda emulator, and the single executable
 * by itself: `npm run bench lambda`. docs/reference/benchmarks.md describes the measurements.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';

import { NODE_VERSION } from '../dist/src/lambda/layer/node-release.js';
import { LambdaLab } from './support/lambda-lab.js';
import { runCold, runFreeze, runWarm, warmPlatform } from './support/lambda-runs.js';
import {
  judgeCold,
  judgeThaw,
  judgeWarm,
  medianOf,
  milliseconds,
  Verdicts,
} from './support/lambda-verdicts.js';
import { cpuSoFar, runMemory, startUp } from './support/standalone-runs.js';
import { differences, summarize } from './support/statistics.js';
import { runTimed } from './support/timed.js';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: 'warm,cold,freeze,start-up' },
    program: { type: 'string', default: 'executable,thin' },
    server: { type: 'string', default: 'arctun' },
  },
});
const INVOCATIONS = values.quick ? 40 : 200;
/** The number of first invocations to discard, because V8 has not compiled the code yet. */
const WARM_UP = 10;
/** The number of messages that SORACOM's emulator handles before the measurement. */
const EARLIER = values.quick ? 200 : 1000;
const SANDBOXES = values.quick ? 5 : 15;
const FREEZES = values.quick ? 2 : 7;
const STARTS = values.quick ? 5 : 15;
const MESSAGES = 200;
/** The round-trip times in milliseconds. */
const ROUND_TRIPS = [0, 40];
const PHASES = ['listenMs', 'registerMs', 'handshakeMs', 'readyMs'];

const parts = {
  warm: compareWarm,
  cold: compareCold,
  freeze: compareFreeze,
  'start-up': compareStarts,
};
const selected = choices('only', values.only.split(','), Object.keys(parts));
const programs = choices('program', values.program.split(','), ['executable', 'thin']);
const [server] = choices('server', [values.server], ['arctun', 'wireguard-go']);
const verdicts = new Verdicts();
const load = loadavg()[0];
const isRealTime = goFirst();
const lab = await LambdaLab.start(server);
try {
  const missing = programs.find((program) => !existsSync(lab.programs[program] ?? ''));
  if (missing !== undefined)
    throw new Error(`${missing} does not exist: build it with "npm run package layers"`);
  for (const part of selected) {
    console.error(`${part} ...`);
    await parts[part]();
  }
} finally {
  await lab.close();
}
console.log(
  `Node ${NODE_VERSION} in the executable, ${process.version} elsewhere, ` +
    `${cpus().length} × ${cpus()[0].model}, load ${load.toFixed(1)} to ${loadavg()[0].toFixed(1)}, ` +
    (isRealTime ? 'with real-time priority' : 'with normal priority'),
);
console.log(verdicts.lines.join('\n'));
process.exit(verdicts.isGood ? 0 : 1);

/** Returns the chosen values of an option, or throws if one of them is unknown. */
function choices(option, chosen, allowed) {
  const unknown = chosen.find((choice) => !allowed.includes(choice));
  if (unknown === undefined) return chosen;
  throw new Error(`--${option}: "${unknown}" is none of ${allowed.join(', ')}`);
}

/** Requests real-time priority, so that other processes do not delay this one and its children. */
function goFirst() {
  try {
    execFileSync('chrt', ['--rr', '--pid', '1', String(process.pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function compareWarm() {
  await warmPlatform(lab, programs[0], EARLIER);
  for (const freezeBetweenInvokes of [false, true]) {
    const invocations = WARM_UP + INVOCATIONS;
    const options = { invocations, freezeBetweenInvokes };
    const all = await runWarm(lab, programs[0], options);
    const runs = all.slice(WARM_UP);
    const how = freezeBetweenInvokes ? 'frozen between invocations' : 'never frozen';
    verdicts.title(
      `Warm, ${programs[0]}, ${how}: a POST through the extension minus a direct POST`,
    );
    judgeWarm(verdicts, 'overhead', differences(runs), server);
    const { median, p99 } = summarize(differences(all));
    verdicts.tell(
      `overhead, including the first ${WARM_UP}: median, p99`,
      `${milliseconds(median)}, ${milliseconds(p99)}`,
    );
    verdicts.tell(
      'POST through the extension, and directly: medians',
      pair(runs, 'ours', 'baseline'),
    );
    const post = summarize(runs.map(({ postRuntime }) => postRuntime));
    verdicts.tell(
      'after the function (PostRuntimeExtensionsDuration): median, p99',
      `${milliseconds(post.median)}, ${milliseconds(post.p99)}`,
    );
  }
}

async function compareCold() {
  const paths = [];
  for (const roundTrip of ROUND_TRIPS) {
    const path = roundTrip === 0 ? undefined : await lab.openPath(roundTrip);
    paths.push({ roundTrip, config: lab.createSim(path) });
  }
  const cells = programs.flatMap((program) =>
    paths.map((path) => ({ program, ...path, runs: [] })),
  );
  // Discard the first round, which reads the files from disk.
  for (let round = -1; round < SANDBOXES; round++) {
    for (const { program, config, runs } of cells) {
      const run = await runCold(lab, program, config);
      if (round >= 0) runs.push(run);
    }
  }
  for (const { program, roundTrip, runs } of cells) {
    verdicts.title(`Cold, ${program}, RTT ${roundTrip} ms, medians of ${runs.length} sandboxes`);
    judgeCold(verdicts, 'cold', runs, roundTrip);
    const phases = runs.map((run) => run.phases);
    verdicts.tell(
      'phases from its log, ms since exec',
      PHASES.map((phase) => `${phase} ${medianOf(phases, phase).toFixed(1)}`).join(', '),
    );
  }
}

async function compareFreeze() {
  for (const { roundTrip, isForgotten } of [
    { roundTrip: 0, isForgotten: false },
    { roundTrip: 40, isForgotten: false },
    { roundTrip: 40, isForgotten: true },
  ]) {
    const path = await lab.openPath(roundTrip);
    const runs = [];
    for (let run = 0; run < FREEZES; run++)
      runs.push(await runFreeze(lab, programs[0], path, { isForgotten }));
    const nat = isForgotten ? ', without the NAT mapping' : '';
    verdicts.title(
      `After a freeze of 10 minutes, RTT ${roundTrip} ms${nat}, medians of ${runs.length} sandboxes`,
    );
    judgeThaw(verdicts, 'after the freeze', runs, roundTrip);
  }
}

async function compareStarts() {
  const cpuOf = (command) => runTimed(command).cpu * 1000;
  const config = lab.createSim();
  const runs = [];
  for (let run = 0; run < STARTS; run++) {
    const node = cpuOf([lab.node, '-e', '0']);
    const version = cpuOf([lab.programs.executable, 'version']);
    const { child } = await startUp(lab, config);
    const up = cpuSoFar(child.pid);
    child.kill('SIGTERM');
    await child.ended();
    runs.push({ node, version: version / node, up: up / node });
  }
  verdicts.title(`The executable by itself, medians of ${runs.length}, by CPU time`);
  verdicts.tell('node -e 0', milliseconds(medianOf(runs, 'node')));
  verdicts.tell('version / node -e 0', medianOf(runs, 'version').toFixed(2));
  verdicts.tell(
    'up --mode userspace until it listens / node -e 0',
    medianOf(runs, 'up').toFixed(2),
  );
  const { idle, behind } = await runMemory(lab, config, MESSAGES);
  verdicts.tell('memory of up, idle: resident, anonymous', megabytes(idle));
  verdicts.tell(`memory of up, after ${MESSAGES} messages`, megabytes(behind));
}

function pair(runs, ...keys) {
  return keys.map((key) => milliseconds(medianOf(runs, key))).join(', ');
}

function megabytes({ resident, anonymous }) {
  return `${resident.toFixed(1)} MB, ${anonymous.toFixed(1)} MB`;
}
