/**
 * Measures how much longer `arctun exec -- curl http://uni.soracom.io/` takes than the same curl with
 * the proxy of a running `up`. Once, `exec` uses the tunnel of that `up`. Once, it has another SIM, and
 * opens its own tunnel. The three commands alternate, so that other load affects all of them. On a busy
 * machine, only the CPU time is meaningful.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { median } from './statistics.js';
import { runTimed } from './timed.js';

/** Seconds. */
const LIMITS = { shared: 0.5, own: 1 };
const CURL = ['curl', '-sSf', '-d', '{"bench":1}', 'http://uni.soracom.io/'];
const NO_PORT = '127.0.0.1:0';

/** @returns {Promise<{ lines: string[], isTooSlow: boolean }>} */
export async function measureExec({ arctun, env, folder, runs }) {
  const shared = { ...env, RUNTIME_DIRECTORY: join(folder, 'run') };
  const own = { ...shared, ARCTUN_CONFIG: join(folder, 'own.json') };
  mkdirSync(shared.RUNTIME_DIRECTORY, { mode: 0o700 });
  runTimed([process.execPath, arctun, 'bootstrap', 'authkey'], own);
  const up = await startUp(arctun, shared);
  try {
    const exec = [process.execPath, arctun, 'exec', '--', ...CURL];
    const plain = [...CURL, '--proxy', up.proxy];
    const extra = { shared: [], own: [] };
    const alone = [];
    // The first of each fills the caches of the file system.
    for (let run = -1; run < runs; run++) {
      const base = runTimed(plain, env);
      const times = { shared: runTimed(exec, shared), own: runTimed(exec, own) };
      if (run < 0) continue;
      alone.push(base);
      for (const name of ['shared', 'own']) extra[name].push(difference(times[name], base));
    }
    return report(medians(alone), { shared: medians(extra.shared), own: medians(extra.own) });
  } finally {
    up.process.kill('SIGTERM');
    // It saves its traffic in the folder that the caller removes.
    await up.ended;
  }
}

function report(alone, extra) {
  const row = (what, name) =>
    `${what}  +${textOf(extra[name])}  (limit ${LIMITS[name].toFixed(1)} s)`;
  return {
    lines: [
      `curl alone, with the proxy of "up"  ${textOf(alone)}`,
      row('exec -- curl, beside "up" ', 'shared'),
      row('exec -- curl, without "up"', 'own'),
    ],
    isTooSlow: extra.shared.wall > LIMITS.shared || extra.own.wall > LIMITS.own,
  };
}

function textOf({ wall, cpu }) {
  return `${wall.toFixed(2)} s, of which ${cpu.toFixed(2)} s are CPU time`;
}

function difference(one, other) {
  return { wall: one.wall - other.wall, cpu: one.cpu - other.cpu };
}

/** Starts `up`, and waits until it is ready. */
async function startUp(arctun, env) {
  const flags = ['--json', '--log-level', 'error', '--mode', 'userspace'];
  const listen = ['--forward-listen', NO_PORT, '--proxy-listen', NO_PORT];
  const command = [arctun, 'up', ...flags, ...listen];
  const up = spawn(process.execPath, command, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(up, 'exit');
  const proxy = await new Promise((resolve, reject) => {
    let output = '';
    up.stdout.on('data', (text) => {
      output += text;
      const [, address] = /"proxy":"([^"]+)"/.exec(output) ?? [];
      if (address !== undefined) resolve(address);
    });
    up.once('exit', () => reject(new Error('"up" ended')));
  });
  return { process: up, ended, proxy: proxy.includes('://') ? proxy : `http://${proxy}` };
}

function medians(runs) {
  const [wall, cpu] = ['wall', 'cpu'].map((name) => median(runs.map((run) => run[name])));
  return { wall, cpu };
}
