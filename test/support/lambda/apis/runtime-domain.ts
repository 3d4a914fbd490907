/**
 * One run of a sandbox's processes: the extensions, the runtime, and the phases that they
 * synchronize on. A reset ends it, and the next invocation creates another in the same sandbox.
 */
import type { ServerResponse } from 'node:http';

import { FUNCTION_ARN } from '../environment.js';
import { Extension } from '../extension.js';
import type { Journal } from '../journal.js';
import { sendText } from './replies.js';
import { type FunctionError, type Invocation, RuntimeConnection } from './runtime-connection.js';
import { type ProcessExit, SandboxProcess } from '../sandbox-process.js';
import type { SandboxPlan } from '../sandbox-plan.js';

/** The reason why a sandbox failed, with the error type that the function's caller gets. */
export class SandboxFailure extends Error {
  readonly errorType: string;

  constructor(errorType: string, message: string) {
    super(message);
    this.errorType = errorType;
  }
}

/** Times of performance.now(). */
export interface InvocationMoments {
  readonly startedAt: number;
  /** The time at which the runtime called next again. */
  readonly runtimeDoneAt: number;
  readonly doneAt: number;
}

export class RuntimeDomain {
  readonly plan: SandboxPlan;
  readonly journal: Journal;
  readonly extensions: Extension[] = [];
  readonly runtime = new RuntimeConnection();
  isEnding = false;
  failure: SandboxFailure | undefined;

  constructor(plan: SandboxPlan, journal: Journal) {
    this.plan = plan;
    this.journal = journal;
  }

  get processes(): SandboxProcess[] {
    return [...this.extensions, this.runtime].flatMap(({ process }) => process ?? []);
  }

  /**
   * Starts the extensions, then the runtime once all of them have registered, and resolves when all
   * wait for their first event.
   *
   * @throws SandboxFailure if one of them fails, or after `limit` ms
   */
  async init(limit: number): Promise<void> {
    const { plan, journal } = this;
    const until = performance.now() + limit;
    for (const { name, command } of plan.extensions) {
      journal.record('extension started', name);
      const started = this.#start(name, command, plan.extensionEnvironment, '/');
      this.extensions.push(new Extension(name, started));
    }
    await this.#gate(
      () => this.extensions.every(({ state }) => state !== 'Started'),
      until,
      'Sandbox.InitTimeout',
    );
    journal.record('runtime started', 'runtime');
    const { runtime, runtimeEnvironment, facts } = plan;
    this.runtime.process = this.#start('runtime', runtime, runtimeEnvironment, facts.taskRoot);
    await this.#gate(() => this.runtime.isReady, until, 'Sandbox.InitTimeout');
    await this.#gate(() => this.#isIdle(), until, 'Sandbox.InitTimeout');
    journal.record('init done');
  }

  /**
   * Sends an invocation to the runtime and to subscribed extensions, and resolves when all of them
   * wait for the next event.
   *
   * @param until performance.now() at which the function times out
   * @throws SandboxFailure on timeout, or if one of them fails; the response may exist anyway
   */
  async invoke(invocation: Invocation, until: number): Promise<InvocationMoments> {
    const { requestId } = invocation;
    const startedAt = performance.now();
    this.journal.record('invoke', undefined, requestId);
    for (const extension of this.extensions) {
      if (extension.events.has('INVOKE')) this.#tellInvoke(extension, invocation);
    }
    this.runtime.dispatch(invocation);
    const timeout = 'Sandbox.Timedout';
    await this.#gate(() => invocation.answeredAt !== undefined, until, timeout);
    // Managed instances run several invocations concurrently, so each waits only for its own
    // response.
    if (!this.plan.isManaged) await this.#gate(() => this.runtime.isReady, until, timeout);
    const runtimeDoneAt = performance.now();
    if (!this.plan.isManaged) await this.#gate(() => this.#isIdle(), until, timeout);
    const doneAt = performance.now();
    this.journal.record('invoke done', undefined, requestId);
    return { startedAt, runtimeDoneAt, doneAt };
  }

  runtimeNext(response: ServerResponse): void {
    this.runtime.next(response);
    this.journal.record('runtime next', 'runtime');
  }

  runtimeAnswered(invocation: Invocation): void {
    this.runtime.running.delete(invocation.requestId);
    this.journal.record('runtime response', 'runtime', invocation.error?.errorType);
  }

  runtimeInitError(error: FunctionError): void {
    this.#fail(new SandboxFailure(error.errorType, error.errorMessage));
    this.journal.record('runtime init error', 'runtime', error.errorType);
  }

  extensionGaveUp(extension: Extension, state: 'InitError' | 'ExitError', type: string): void {
    const step = state === 'InitError' ? 'extension init error' : 'extension exit error';
    this.#fail(new SandboxFailure(`Extension.${state}`, type));
    this.journal.record(step, extension.name, type);
  }

  /** Marks the run as ending: later exits are not crashes, and pending waits fail. */
  end(): void {
    this.isEnding = true;
    this.failure ??= new SandboxFailure('Sandbox.Ended', 'the sandbox ended');
    this.journal.changes.changed();
  }

  /** Whether the sandbox may be frozen, because the runtime and all extensions wait in GET next. */
  #isIdle(): boolean {
    return this.runtime.isReady && this.extensions.every((extension) => extension.isReady);
  }

  #tellInvoke(extension: Extension, { requestId, deadlineMs, traceId }: Invocation): void {
    const event = {
      eventType: 'INVOKE',
      deadlineMs,
      requestId,
      invokedFunctionArn: FUNCTION_ARN,
      ...(traceId === '' ? {} : { tracing: { type: 'X-Amzn-Trace-Id', value: traceId } }),
    };
    extension.push({
      kind: 'INVOKE',
      send: (response) => {
        this.journal.record('invoke event', extension.name);
        sendText(response, 200, JSON.stringify(event), {
          'Content-Type': 'application/json',
          'Lambda-Extension-Event-Identifier': requestId,
        });
      },
    });
  }

  async #gate(open: () => boolean, until: number, lateType: string): Promise<void> {
    const condition = (): boolean => {
      if (this.failure !== undefined) throw this.failure;
      return open();
    };
    const limit = until - performance.now();
    if (await this.journal.changes.until(condition, limit)) return;
    throw new SandboxFailure(lateType, 'timed out');
  }

  #start(
    name: string,
    command: readonly string[],
    env: Readonly<Record<string, string>>,
    cwd: string,
  ): SandboxProcess {
    const { LD_PRELOAD: preload, ...others } = env;
    return new SandboxProcess({
      name,
      command: this.plan.confinement.wrap(command, cwd, preload),
      env: others,
      cwd: '/',
      onLine: (stream, text) => this.journal.write(name, stream, text),
      onExit: (exit) => this.#exited(name, exit),
    });
  }

  #exited(name: string, exit: ProcessExit): void {
    const how = exit.signal === null ? `exit code ${exit.code}` : `signal: ${exit.signal}`;
    this.extensions.find((one) => one.name === name)?.become('Exited');
    // An exit with code 0 is a crash too.
    const type = name === 'runtime' ? 'Runtime.ExitError' : 'Extension.Crash';
    this.#fail(new SandboxFailure(type, how));
    this.journal.record('exited', name, how);
  }

  /**
   * Records the first failure. This runs before the step is recorded, because that wakes the
   * waiters.
   */
  #fail(failure: SandboxFailure): void {
    if (!this.isEnding) this.failure ??= failure;
  }
}
