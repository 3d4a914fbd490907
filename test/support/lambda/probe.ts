/** Sandboxes with extensions that do what a test says (functions/probe.mjs), for one test file. */
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';

import { FUNCTIONS, nodeFunction } from './apis/runtimes.js';
import type { SandboxOptions } from './sandbox-plan.js';
import { LambdaSandbox } from './sandbox.js';

const PROBE = join(FUNCTIONS, 'probe.mjs');

/** Behaviours by the extension's name, which is of letters alone. */
export type Probes = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export class Sandboxes {
  readonly #all: LambdaSandbox[] = [];

  /** A sandbox with the function `echo`, unless the options have another. */
  async start(probes: Probes, options: Partial<SandboxOptions> = {}): Promise<LambdaSandbox> {
    const variables = Object.entries(probes).map(([name, behaviour]): [string, string] => [
      `PROBE_${name.toUpperCase()}`,
      JSON.stringify(behaviour),
    ]);
    const started = await LambdaSandbox.start({
      extensions: Object.keys(probes).map((name) => ({ name, file: PROBE })),
      ...nodeFunction('echo'),
      // A machine that others use as well is slow: what a test does not look at has time.
      timeoutMs: 30_000,
      initLimitMs: 30_000,
      ...options,
      env: { ...Object.fromEntries(variables), ...options.env },
    });
    this.#all.push(started);
    return started;
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((one) => one.close()));
    this.#all.length = 0;
  }
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** What a probe told under that word, each time. */
export function toldBy(sandbox: LambdaSandbox, name: string, word: string): unknown[] {
  const own = sandbox.log.filter((line) => line.name === name);
  const lines = own.filter(({ text }) => text.startsWith(`${word} `));
  return lines.map(({ text }) => JSON.parse(text.slice(word.length + 1)) as unknown);
}
