/** An emulator with its account, a folder for arc.json, and a state folder. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { SoracomOptions } from '../../src/index.js';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { Processes } from '../support/processes.js';

export class EmulatedAccount {
  readonly emulator: EmulatorProcess;
  readonly folder = mkdtempSync(join(tmpdir(), 'arctun-library-'));
  readonly #processes: Processes;
  readonly #stateHome = process.env.XDG_STATE_HOME;

  private constructor(emulator: EmulatorProcess, processes: Processes) {
    this.emulator = emulator;
    this.#processes = processes;
    process.env.XDG_STATE_HOME = this.folder;
  }

  static async start(): Promise<EmulatedAccount> {
    const processes = new Processes();
    return new EmulatedAccount(await startEmulatorProcess(processes), processes);
  }

  /** How to sign in. */
  get signIn(): Required<SoracomOptions> {
    const { ARCTUN_AUTH_KEY_ID: authKeyId, ARCTUN_AUTH_KEY: authKey } = this.emulator.env;
    return { credentials: { authKeyId, authKey }, endpoint: this.emulator.api };
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  readJson(name: string): Record<string, unknown> {
    return JSON.parse(readFileSync(this.path(name), 'utf8')) as Record<string, unknown>;
  }

  /** The names of the files in the state folder. */
  get kept(): readonly string[] {
    const folder = join(this.folder, 'arctun');
    return statSync(folder, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(folder);
  }

  /** The number of calls that create a SIM. */
  async creations(): Promise<number> {
    return (await this.emulator.calls()).filter((call) => call === 'POST /v1/sims').length;
  }

  async close(): Promise<void> {
    await this.#processes.close();
    rmSync(this.folder, { recursive: true });
    if (this.#stateHome === undefined) delete process.env.XDG_STATE_HOME;
    else process.env.XDG_STATE_HOME = this.#stateHome;
  }
}

/** The error of a promise; undefined if it resolves. */
export const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
