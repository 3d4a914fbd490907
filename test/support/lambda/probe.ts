/**
 * Sandboxes for one test file, with extensions that behave as the test says (functions/probe.mjs).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FUNCTIONS, nodeFunction } from './apis/runtimes.js';
import type { SandboxOptions } from './sandbox-plan.js';
import { LambdaSandbox } from './sandbox.js';

const PROBE = join(FUNCTIONS, 'probe.mjs');

/** Behaviors by the extension's name, which consists of letters only. */
export type Probes = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Holds a process of a sandbox back until the test opens it. */
export class Gate {
  readonly #folder = mkdtempSync(join(tmpdir(), 'arctun-gate-'));
  /** A file that exists when the gate is open. */
  readonly path = join(this.#folder, 'open');

  open(): void {
    writeFileSync(this.path, '');
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

export class Sandboxes {
  readonly #all: LambdaSandbox[] = [];
  readonly #gates: Gate[] = [];

  gate(): Gate {
    const gate = new Gate();
    this.#gates.push(gate);
    return gate;
  }

  /** Starts a sandbox with the function `echo`, unless the options set another. */
  async start(probes: Probes, options: Partial<SandboxOptions> = {}): Promise<LambdaSandbox> {
    const variables = Object.entries(probes).map(([name, behaviour]): [string, string] => [
      `PROBE_${name.toUpperCase()}`,
      JSON.stringify(behaviour),
    ]);
    const started = await LambdaSandbox.start({
      extensions: Object.keys(probes).map((name) => ({ name, file: PROBE })),
      ...nodeFunction('echo'),
      // Generous limits by default, because a busy machine is slow.
      timeoutMs: 30_000,
      initLimitMs: 30_000,
      shutdownLimitMs: 30_000,
      ...options,
      env: { ...Object.fromEntries(variables), ...options.env },
    });
    this.#all.push(started);
    return started;
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((one) => one.close()));
    this.#all.length = 0;
    for (const gate of this.#gates.splice(0)) gate.close();
  }
}

/** All values that a probe reported under a keyword. */
export function toldBy(sandbox: LambdaSandbox, name: string, word: string): unknown[] {
  const own = sandbox.log.filter((line) => line.name === name);
  const lines = own.filter(({ text }) => text.startsWith(`${word} `));
  return lines.map(({ text }) => JSON.parse(text.slice(word.length + 1)) as unknown);
}
