/**
 * The shutdown sequence: the runtime first, then the extensions, and SIGKILL for late processes.
 */
import type { Extension } from './extension.js';
import { sendText } from './apis/replies.js';
import type { RuntimeDomain } from './apis/runtime-domain.js';
import type { SandboxProcess } from './sandbox-process.js';

/** The share of the limit that the runtime gets before the extensions are notified. */
const RUNTIME_SHARE = 0.3;
/** Milliseconds within which a process must exit after SIGKILL. */
const KILL_LIMIT = 60_000;

export interface EndedProcess {
  readonly name: string;
  /** An extension's last state; `Exited` for the runtime. */
  readonly state: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /**
   * Milliseconds from the start of the shutdown to the exit; 0 if the process had exited before.
   */
  readonly ms: number;
}

export interface ShutdownReport {
  readonly reason: string;
  readonly totalMs: number;
  readonly processes: readonly EndedProcess[];
}

export async function shutDown(domain: RuntimeDomain, reason: string): Promise<ShutdownReport> {
  domain.end();
  const { journal, plan, extensions } = domain;
  const startedAt = performance.now();
  const limit = extensions.length > 0 ? plan.shutdownLimitMs : 0;
  const until = startedAt + limit;
  // The sandbox's wall clock may differ from the machine's.
  const deadlineMs = Math.round(plan.wallClock() + limit);
  journal.record('shutdown', undefined, reason);

  await endRuntime(domain, startedAt + limit * RUNTIME_SHARE);
  const event = { eventType: 'SHUTDOWN', deadlineMs, shutdownReason: reason };
  await Promise.all(extensions.map((one) => endExtension(domain, one, event, until)));
  journal.record('shutdown done');

  const runtime = domain.runtime.process;
  return {
    reason,
    totalMs: performance.now() - startedAt,
    processes: [
      ...extensions.map(({ process, state }) => describe(process, state, startedAt)),
      ...(runtime === undefined ? [] : [describe(runtime, 'Exited', startedAt)]),
    ],
  };
}

async function endRuntime(domain: RuntimeDomain, until: number): Promise<void> {
  const { process } = domain.runtime;
  if (process === undefined || !process.isRunning) return;
  if (until > performance.now()) {
    process.signal('SIGTERM');
    domain.journal.record('terminated', 'runtime');
  }
  await exitOrKill(domain, process, until);
}

async function endExtension(
  domain: RuntimeDomain,
  extension: Extension,
  event: object,
  until: number,
): Promise<void> {
  const { process } = extension;
  if (!process.isRunning) return;
  const hasGivenUp = extension.state === 'InitError' || extension.state === 'ExitError';
  // An extension without a SHUTDOWN subscription, or unregistered, is killed immediately.
  if (!hasGivenUp && !extension.events.has('SHUTDOWN')) {
    await exitOrKill(domain, process, 0);
    return;
  }
  if (!hasGivenUp) {
    extension.push({
      kind: 'SHUTDOWN',
      send: (response) => {
        domain.journal.record('shutdown event', extension.name);
        sendText(response, 200, JSON.stringify(event), {
          'Content-Type': 'text/plain; charset=utf-8',
        });
      },
    });
  }
  await exitOrKill(domain, process, until, () => extension.become('ShutdownFailed'));
}

async function exitOrKill(
  domain: RuntimeDomain,
  process: SandboxProcess,
  until: number,
  onLate: () => void = () => undefined,
): Promise<void> {
  const { changes } = domain.journal;
  const hasExited = (): boolean => !process.isRunning;
  if (await changes.until(hasExited, until - performance.now())) return;
  onLate();
  domain.journal.record('killed', process.name);
  process.signal('SIGKILL');
  if (await changes.until(hasExited, KILL_LIMIT)) return;
  throw new Error(`${process.name} outlived SIGKILL`);
}

function describe(process: SandboxProcess, state: string, startedAt: number): EndedProcess {
  return {
    name: process.name,
    state,
    exitCode: process.exit?.code ?? null,
    signal: process.exit?.signal ?? null,
    ms: Math.max(0, (process.exit?.at ?? startedAt) - startedAt),
  };
}
