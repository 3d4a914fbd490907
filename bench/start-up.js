/**
 * Measures the CPU time of startup as a multiple of `node -e 0`, with alternating runs, because
 * absolute times are meaningless on a shared machine. `up` is measured until it listens, against a
 * separate emulator. Also measures how much longer `exec -- curl` takes than curl alone.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { measureExec } from './support/exec-cost.js';
import { median } from './support/statistics.js';
import { runTimed } from './support/timed.js';

const ARCTUN = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const RUNS = 15;
const LIMIT_VERSION = 2.1;
const LIMIT_UP = 4.6;

function ratio(parameters, env) {
  const ratios = [];
  for (let run = 0; run < RUNS; run++) {
    const base = runTimed([process.execPath, '-e', '0']);
    ratios.push(runTimed([process.execPath, ...parameters], env).cpu / base.cpu);
  }
  return median(ratios);
}

const folder = mkdtempSync(join(tmpdir(), 'arctun-bench-'));
const emulator = spawn(
  process.execPath,
  [ARCTUN, 'emulator', '--api-listen', '127.0.0.1:0', '--arc-listen', '127.0.0.1:0', '--json'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
try {
  const platform = await new Promise((resolve, reject) => {
    emulator.stdout.once('data', (line) => resolve(JSON.parse(String(line))));
    emulator.once('exit', () => reject(new Error('the emulator ended')));
  });
  const env = {
    ...process.env,
    ARCTUN_CONFIG: join(folder, 'arc.json'),
    STATE_DIRECTORY: join(folder, 'state'),
    ARCTUN_AUTH_KEY_ID: platform.authKeyId,
    ARCTUN_AUTH_KEY: platform.authKey,
    ARCTUN_ENDPOINT: platform.api,
  };
  runTimed([process.execPath, ARCTUN, 'bootstrap', 'authkey'], env);
  const version = ratio([ARCTUN, 'version']);
  const up = ratio([fileURLToPath(new URL('./support/up-once.js', import.meta.url))], env);
  console.log(
    `node ${process.version} on ${cpus()[0].model}, ${RUNS} pairs each, medians, in multiples of the CPU time of "node -e 0"`,
  );
  console.log(`arctun version          ${version.toFixed(2)}  (limit ${LIMIT_VERSION})`);
  console.log(`arctun up, until it listens  ${up.toFixed(2)}  (limit ${LIMIT_UP})`);
  const exec = await measureExec({ arctun: ARCTUN, env, folder, runs: RUNS });
  for (const line of exec.lines) console.log(line);
  if (version > LIMIT_VERSION || up > LIMIT_UP || exec.isTooSlow) process.exitCode = 1;
} finally {
  emulator.kill('SIGTERM');
  rmSync(folder, { recursive: true });
}
