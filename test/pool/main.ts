/** `npm run pool`; see USAGE in options.ts. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import type { LambdaSandbox } from '../support/lambda/main.js';
import { LambdaLab } from '../support/foreign/lambda-lab.js';
import { parseOptions, type PoolOptions, USAGE } from './options.js';
import { PoolReport } from './report.js';

const INTERVAL = 1_000;
const POLL = 5_000;

/** Interval in ms between the starts of sandboxes that begin together, as in a burst of events. */
const BURST = 200;

const lab = new LambdaLab();

async function makeSims(folder: string, count: number): Promise<void> {
  for (let serial = 0; serial < count; serial++) {
    await lab.createSim(join(folder, `${String(serial).padStart(3, '0')}.json`));
  }
}

async function startSandbox(serial: number, folder: string): Promise<LambdaSandbox> {
  // Each Lambda sandbox has its own /tmp.
  const TMPDIR = lab.subfolder(`tmp${serial}`);
  return lab.sandbox({
    env: { TMPDIR },
    settings: { ARCTUN_CONFIG: folder },
    freezeBetweenInvokes: true,
    timeoutMs: 60_000,
    initLimitMs: 60_000,
  });
}

/** Invokes the function once a second, sequentially; each invocation sends a message. */
async function sendMessages(
  sandbox: LambdaSandbox,
  serial: number,
  report: PoolReport,
  signal: AbortSignal,
): Promise<void> {
  for (let number = 0; !signal.aborted; number++) {
    const message = `sandbox ${serial} message ${number}`;
    const next = pause(INTERVAL * (0.5 + Math.random()));
    const { response } = await sandbox.invoke(message);
    const { statusCode } = JSON.parse(response ?? '{"statusCode":0}') as { statusCode: number };
    report.answered(message, statusCode);
    await next;
  }
}

async function poll(report: PoolReport): Promise<void> {
  const messages = await lab.platform.messages();
  report.arrived(
    messages.map(({ simId, body, at }) => ({
      simId: String(simId),
      body: JSON.parse(String(body)) as string,
      at: String(at),
    })),
  );
  console.log(report.line());
}

async function main({ sandboxes, sims, minutes }: PoolOptions): Promise<boolean> {
  const ending = new AbortController();
  await lab.start();
  try {
    const folder = join(lab.folder, 'sims');
    mkdirSync(folder);
    await makeSims(folder, sims);
    const began = Date.now();
    const report = new PoolReport(sandboxes, () => (Date.now() - began) / 1_000);
    const sending = [];
    const started: LambdaSandbox[] = [];
    for (let serial = 0; serial < sandboxes; serial++) {
      const sandbox = await startSandbox(serial, folder);
      started.push(sandbox);
      sending.push(sendMessages(sandbox, serial, report, ending.signal));
      await pause(BURST);
    }
    while (Date.now() - began < minutes * 60_000) {
      await pause(POLL);
      await poll(report);
    }
    ending.abort();
    await Promise.all(sending);
    await poll(report);
    const named = started.filter((one) => /another tunnel uses/i.test(one.output('arctun')));
    console.log(`${named.length} of ${sandboxes} have named a conflict in their logs`);
    for (const line of report.faults()) console.error(line);
    return report.faults().length === 0;
  } finally {
    await lab.close();
  }
}

if (process.argv.includes('--help')) console.log(USAGE);
else process.exitCode = (await main(parseOptions(process.argv.slice(2)))) ? 0 : 1;
