/**
 * A Lambda sandbox (execution environment) on this machine. Its processes are real and use its HTTP
 * APIs; README.md in this folder lists the differences from Lambda.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { FakeWallClock } from '../foreign/faketime.js';
import { ApiServer } from './apis/api-server.js';
import { failed, type InvokeResult, succeeded, timeoutError } from './apis/invoke-result.js';
import { Journal, type LogLine, type Step, type StepName } from './journal.js';
import type { FunctionError, Invocation } from './apis/runtime-connection.js';
import { RuntimeDomain, SandboxFailure } from './apis/runtime-domain.js';
import { makeFakeClock, makePlan, type SandboxOptions, type SandboxPlan } from './sandbox-plan.js';
import type { SandboxProcess } from './sandbox-process.js';
import { shutDown, type ShutdownReport } from './shutdown.js';

export interface InitReport {
  readonly status: 'success' | 'timeout' | 'error';
  readonly ms: number;
  readonly error?: FunctionError;
}

/** Milliseconds within which processes stop after SIGSTOP. */
const STOP_LIMIT = 60_000;
/** Milliseconds; ample for a busy machine. */
const PATIENCE = 100_000;

export class LambdaSandbox {
  /** host:port, as in AWS_LAMBDA_RUNTIME_API. */
  readonly address: string;
  readonly #options: SandboxOptions;
  readonly #plan: SandboxPlan;
  readonly #server: ApiServer;
  /** The sandbox's own folder on this machine, removed by `close`. */
  readonly folder: string;
  readonly #journal: Journal;
  readonly #clock: { offsetMs: number; fake: FakeWallClock | undefined };
  /** All processes ever started, because a surviving child is in its parent's group. */
  readonly #started: SandboxProcess[] = [];
  #init: Promise<InitReport>;
  /** Whether an invocation has already waited for the init. */
  #isInitPaid = false;
  #isFrozen = false;
  #isShutDown = false;
  #running = 0;
  #lastReset: ShutdownReport | undefined;
  /** Shared, because several invocations of a managed instance may fail with one process. */
  readonly #endings = new WeakMap<RuntimeDomain, Promise<ShutdownReport>>();

  private constructor(
    options: SandboxOptions,
    plan: SandboxPlan,
    server: ApiServer,
    folder: string,
    clock: { offsetMs: number; fake: FakeWallClock | undefined },
  ) {
    this.#options = options;
    this.#plan = plan;
    this.#server = server;
    this.folder = folder;
    this.#clock = clock;
    this.#journal = new Journal();
    this.address = server.address;
    this.#init = this.#initialize(plan.initLimitMs);
  }

  /**
   * Creates a sandbox and starts its init, which `initialized` and the first `invoke` wait for.
   *
   * @throws Error if the machine or user does not support the options
   */
  static async start(options: SandboxOptions): Promise<LambdaSandbox> {
    const folder = mkdtempSync(join(tmpdir(), 'arctun-lambda-'));
    const server = await ApiServer.start();
    try {
      chmodSync(folder, 0o755);
      const clock = {
        offsetMs: 0,
        fake: options.fakeClock === true ? makeFakeClock(folder) : undefined,
      };
      const plan = await makePlan(options, folder, server.address, clock);
      return new LambdaSandbox(options, plan, server, folder, clock);
    } catch (error) {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get log(): readonly LogLine[] {
    return this.#journal.lines;
  }

  get steps(): readonly Step[] {
    return this.#journal.steps;
  }

  /** The steps as `step: name`, to check their order. */
  get order(): string[] {
    return this.steps.map(({ step, name }) => (name === undefined ? step : `${step}: ${name}`));
  }

  /** The running processes: the leaders of their groups. */
  get processes(): { readonly name: string; readonly pid: number }[] {
    const alive = (this.#server.domain?.processes ?? []).filter(({ isRunning }) => isRunning);
    return alive.map(({ name, pid }) => ({ name, pid: pid! }));
  }

  /** The sandbox's wall-clock time. */
  get wallClock(): number {
    return this.#plan.wallClock();
  }

  /** The whole output of a process across all its runs. */
  output(name: string): string {
    const own = this.log.filter((line) => line.name === name);
    return own.map(({ text }) => `${text}\n`).join('');
  }

  /** The result of the init; after a failure the next invocation retries it. */
  initialized(): Promise<InitReport> {
    return this.#init;
  }

  /**
   * Resolves when a step has occurred `times` times.
   *
   * @throws Error with all recorded steps after `limit` ms
   */
  async seen(step: StepName, name?: string, times = 1, limit = PATIENCE): Promise<void> {
    const isIt = (one: Step): boolean =>
      one.step === step && (name === undefined || one.name === name);
    await this.#until(() => this.steps.filter(isIt).length >= times, `${step} ${name}`, limit);
  }

  /** Resolves when a process has written a line that matches the pattern. */
  async said(name: string, pattern: RegExp, limit = PATIENCE): Promise<RegExpExecArray> {
    let match: RegExpExecArray | null = null;
    const condition = (): boolean => {
      match = pattern.exec(this.output(name));
      return match !== null;
    };
    await this.#until(condition, `${name}: ${String(pattern)}`, limit);
    return match!;
  }

  /**
   * Invokes the function after the init; after a reset, the new init counts against this
   * invocation's timeout. A frozen sandbox is thawed first.
   *
   * @param payload the event
   * @param options `traceId` of X-Ray, the empty string for none; `timeoutMs` for this invocation
   * only; `graceMs` after the timeout in which a slow machine can still finish the invocation
   * @throws Error if another invocation is running (except on managed instances), or after
   * `shutdown`
   */
  async invoke(
    payload: unknown,
    options: {
      readonly traceId?: string;
      readonly timeoutMs?: number;
      readonly graceMs?: number;
    } = {},
  ): Promise<InvokeResult> {
    const { traceId = newTraceId(), timeoutMs = this.#plan.timeoutMs, graceMs = 0 } = options;
    if (this.#isShutDown) throw new Error('the sandbox is shut down');
    if (this.#running > 0 && !this.#plan.isManaged) throw new Error('an invocation runs');
    this.#running++;
    try {
      return await this.#invoke(JSON.stringify(payload), traceId, timeoutMs, graceMs);
    } finally {
      this.#running--;
      const canFreeze = this.#running === 0 && this.#server.domain !== undefined;
      if (this.#options.freezeBetweenInvokes === true && canFreeze) await this.freeze();
    }
  }

  /** Stops all processes, as Lambda does between invocations. */
  async freeze(): Promise<void> {
    if (this.#plan.isManaged) throw new Error('managed instances are never frozen');
    this.#collect();
    for (const one of this.#started) one.signal('SIGSTOP');
    const alive = this.#started.filter(({ isRunning }) => isRunning);
    const until = performance.now() + STOP_LIMIT;
    // Polls, because no event reports that a process has stopped.
    while (alive.some((one) => one.isRunning && !one.isStopped)) {
      if (performance.now() > until) throw new Error('a process does not stop');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    this.#isFrozen = true;
    this.#journal.record('frozen');
  }

  thaw(): void {
    if (!this.#isFrozen) return;
    for (const one of this.#started) one.signal('SIGCONT');
    this.#isFrozen = false;
    this.#journal.record('thawed');
  }

  /** Moves the wall clock of all processes; monotonic clocks and timers are unaffected. */
  jumpClock(milliseconds: number): void {
    const { fake } = this.#clock;
    if (fake === undefined) throw new Error('the sandbox was started without fakeClock');
    this.#clock.offsetMs += milliseconds;
    fake.set(this.#clock.offsetMs / 1000);
    this.#journal.record('clock jumped', undefined, String(milliseconds));
  }

  /** Shuts the sandbox down as Lambda does. The caller still has to call `close`. */
  async shutdown(reason = 'spindown'): Promise<ShutdownReport> {
    this.#isShutDown = true;
    this.thaw();
    const { domain } = this.#server;
    if (domain === undefined) return { reason, totalMs: 0, processes: [] };
    return this.#end(domain, reason);
  }

  /** Kills all remaining processes, including surviving children, and removes all files. */
  async close(): Promise<void> {
    this.#isShutDown = true;
    this.#server.domain?.end();
    this.#collect();
    for (const one of this.#started) one.signal('SIGKILL');
    const isOver = (): boolean => this.#started.every(({ isRunning }) => !isRunning);
    await this.#until(isOver, 'the end of all processes', STOP_LIMIT);
    await this.#init;
    for (const one of this.#started) one.release();
    await this.#server.close();
    await this.#plan.confinement.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #invoke(
    payload: string,
    traceId: string,
    timeoutMs: number,
    graceMs: number,
  ): Promise<InvokeResult> {
    this.thaw();
    const report = await this.#init;
    let initMs = this.#isInitPaid ? 0 : report.ms;
    this.#isInitPaid = true;
    const startedAt = performance.now();
    const until = startedAt + timeoutMs + graceMs;
    const invocation: Invocation = {
      requestId: randomUUID(),
      payload,
      traceId,
      deadlineMs: Math.round(this.wallClock + timeoutMs),
    };
    if (this.#server.domain === undefined) {
      // After a failure or reset, the init runs again within the function's timeout.
      this.#init = this.#initialize(timeoutMs);
      const again = await this.#init;
      initMs = again.ms;
      if (again.error !== undefined) {
        const error =
          again.status === 'timeout' ? timeoutError(invocation, timeoutMs) : again.error;
        return failed(invocation, startedAt, { error, initMs, reset: this.#lastReset });
      }
    }
    const domain = this.#server.domain!;
    try {
      const moments = await domain.invoke(invocation, until);
      return succeeded(invocation, startedAt, moments, initMs);
    } catch (failure) {
      if (!(failure instanceof SandboxFailure)) throw failure;
      const isTimeout = failure.errorType === 'Sandbox.Timedout';
      const error = isTimeout
        ? timeoutError(invocation, timeoutMs)
        : { errorType: failure.errorType, errorMessage: failure.message };
      this.#journal.record('invoke failed', undefined, error.errorType);
      await this.#end(domain, isTimeout ? 'timeout' : 'failure');
      return failed(invocation, startedAt, { error, initMs, reset: this.#lastReset });
    }
  }

  async #initialize(limit: number): Promise<InitReport> {
    const startedAt = performance.now();
    const domain = new RuntimeDomain(this.#plan, this.#journal);
    this.#server.domain = domain;
    try {
      await domain.init(limit);
      return { status: 'success', ms: performance.now() - startedAt };
    } catch (failure) {
      if (!(failure instanceof SandboxFailure)) throw failure;
      const { errorType, message } = failure;
      this.#journal.record('init failed', undefined, errorType);
      const ms = performance.now() - startedAt;
      const isTimeout = errorType === 'Sandbox.InitTimeout';
      await this.#end(domain, isTimeout ? 'timeout' : 'failure');
      const error = { errorType, errorMessage: message };
      return { status: isTimeout ? 'timeout' : 'error', ms, error };
    }
  }

  async #end(domain: RuntimeDomain, reason: string): Promise<ShutdownReport> {
    const ending = this.#endings.get(domain) ?? shutDown(domain, reason);
    this.#endings.set(domain, ending);
    this.#lastReset = await ending;
    this.#collect();
    if (this.#server.domain === domain) this.#server.domain = undefined;
    return this.#lastReset;
  }

  /** Remembers the processes that are running now. */
  #collect(): void {
    for (const one of this.#server.domain?.processes ?? []) {
      if (!this.#started.includes(one)) this.#started.push(one);
    }
  }

  async #until(condition: () => boolean, what: string, limit: number): Promise<void> {
    if (await this.#journal.changes.until(condition, limit)) return;
    const lines = this.log.map(({ name, text }) => `${name}| ${text}`);
    throw new Error([`never seen: ${what}`, ...this.order, ...lines].join('\n'));
  }
}

function newTraceId(): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  const [root, parent] = [randomUUID(), randomUUID()].map((id) => id.replaceAll('-', ''));
  return `Root=1-${seconds}-${root!.slice(0, 24)};Parent=${parent!.slice(0, 16)};Sampled=0`;
}
