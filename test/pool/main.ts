/** `npm run pool`; see USAGE in options.ts. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { parseOptions, type PoolOptions, USAGE } from './options.js';
import { PoolReport } from './report.js';

const ARCTUN = join(process.cwd(), 'bin/run.js');
const FORWARDER = fileURLToPath(new URL('forwarder.js', import.meta.url));
const INTERVAL = 1_000;
const POLL = 5_000;
const run = promisify(execFile);

interface Emulator {
  readonly process: ChildProcess;
  readonly api: string;
  readonly env: NodeJS.ProcessEnv;
}

async function startEmulator(): Promise<Emulator> {
  const listen = ['--api-listen', '127.0.0.1:0', '--arc-listen', '127.0.0.1:0', '--json'];
  const emulator = spawn(process.execPath, [ARCTUN, 'emulator', ...listen], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: emulator.stdout }), 'line')) as [string];
  const { api, authKeyId, authKey } = JSON.parse(line) as Record<string, string>;
  const env = {
    ...process.env,
    ARCTUN_ENDPOINT: api,
    ARCTUN_AUTH_KEY_ID: authKeyId,
    ARCTUN_AUTH_KEY: authKey,
  };
  return { process: emulator, api: api!, env };
}

/** Makes the SIMs, and an arc.json for each. */
async function makeSims(folder: string, count: number, env: NodeJS.ProcessEnv): Promise<void> {
  for (let serial = 0; serial < count; serial++) {
    const path = join(folder, `${String(serial).padStart(3, '0')}.json`);
    await run(process.execPath, [ARCTUN, 'bootstrap', 'authkey', '--config', path], { env });
  }
}

function startSandbox(serial: number, folder: string, options: PoolOptions): ChildProcess {
  const [program, ...args] =
    options.command.length > 0 ? options.command : [process.execPath, FORWARDER];
  return spawn(program!, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ARCTUN_CONFIG: folder,
      ARCTUN_LAMBDA_PORT: String(options.port + serial),
      SANDBOX: String(serial),
      ...options.env,
    },
  });
}

/** Sends a message a second, one behind the other. */
async function postMessages(
  serial: number,
  { port }: PoolOptions,
  report: PoolReport,
  signal: AbortSignal,
): Promise<void> {
  for (let number = 0; !signal.aborted; number++) {
    const message = `sandbox ${serial} message ${number}`;
    const next = pause(INTERVAL * (0.5 + Math.random()));
    try {
      const answer = await fetch(`http://127.0.0.1:${port + serial}/`, {
        method: 'POST',
        body: message,
        signal: AbortSignal.timeout(60_000),
      });
      await answer.arrayBuffer();
      report.answered(message, answer.status);
    } catch {
      report.answered(message, 0);
    }
    await next;
  }
}

async function main(options: PoolOptions): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'arctun-pool-'));
  const sims = join(folder, 'sims');
  mkdirSync(sims);
  const emulator = await startEmulator();
  const processes = [emulator.process];
  const ending = new AbortController();
  try {
    await makeSims(sims, options.sims, emulator.env);
    const began = Date.now();
    const report = new PoolReport(options.sandboxes, () => (Date.now() - began) / 1_000);
    const posting = [];
    for (let serial = 0; serial < options.sandboxes; serial++) {
      processes.push(startSandbox(serial, sims, options));
      posting.push(postMessages(serial, options, report, ending.signal));
    }
    const poll = async () => {
      const answer = await fetch(`${emulator.api}/emulator/messages`);
      report.arrived((await answer.json()) as { simId: string; body: string; at: string }[]);
      console.log(report.line());
    };
    while (Date.now() - began < options.minutes * 60_000) {
      await pause(POLL);
      await poll();
    }
    ending.abort();
    await Promise.all(posting);
    await poll();
    for (const line of report.faults()) console.error(line);
    return report.faults().length === 0;
  } finally {
    for (const one of processes.reverse()) one.kill('SIGTERM');
    rmSync(folder, { recursive: true });
  }
}

if (process.argv.includes('--help')) console.log(USAGE);
else process.exitCode = (await main(parseOptions(process.argv.slice(2)))) ? 0 : 1;
