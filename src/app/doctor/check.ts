/** The result of one check of `doctor`. */
import { type FailureKind, UserError } from '../../lib/errors/user-error.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { redactText } from '../../lib/secrets/secret-shapes.js';

/** The checks, in the order in which `doctor` shows them. */
export const CHECK_NAMES = [
  'config',
  'file-access',
  'keys',
  'state-folder',
  'system',
  'ports',
  'leftovers',
  'clock',
  'server-name',
  'sim',
  'handshake',
  'name-servers',
  'unified-endpoint',
  'path-mtu',
  'nat',
  'rival',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

/** The names of the checks in texts. */
export const LABELS: Readonly<Record<CheckName, string>> = {
  config: 'configuration',
  'file-access': 'file access',
  keys: 'keys',
  'state-folder': 'state folder',
  system: 'system',
  ports: 'ports',
  leftovers: 'leftovers',
  clock: 'clock',
  'server-name': 'server name',
  sim: 'SIM and session',
  handshake: 'handshake',
  'name-servers': 'name servers',
  'unified-endpoint': 'Unified Endpoint',
  'path-mtu': 'path MTU',
  nat: 'NAT',
  rival: 'other tunnels',
};

/** What is wrong, why, and what to do: one sentence each. */
export interface Problem {
  /** The kind of failure, which decides the exit code. */
  readonly kind: FailureKind;
  readonly text: string;
  readonly cause: string;
  readonly remedy: string;
  /**
   * Fixes the problem without any risk for data or for other programs. Resolves with one sentence
   * that says what was done.
   *
   * @throws Error if the system refuses
   */
  readonly fix?: (() => Promise<string>) | undefined;
}

export type Check =
  | { readonly name: CheckName; readonly outcome: 'ok' | 'skipped'; readonly text: string }
  | (Problem & { readonly name: CheckName; readonly outcome: 'failed' });

export type FailedCheck = Extract<Check, { outcome: 'failed' }>;

export function ok(name: CheckName, text: string): Check {
  return { name, outcome: 'ok', text };
}

/** @param why a clause without a final stop */
export function skipped(name: CheckName, why: string): Check {
  return { name, outcome: 'skipped', text: `Skipped: ${why}.` };
}

/** Skips a check whose result would only be the consequence of another problem. */
export function skippedFor(name: CheckName, obstacle: CheckName): Check {
  return skipped(name, `first fix the problem with "${LABELS[obstacle]}"`);
}

export function failed(name: CheckName, problem: Problem): FailedCheck {
  return { ...problem, name, outcome: 'failed' };
}

/** Builds the check from an error that explains itself. Hides secrets, which errors may quote. */
export function failedBy(name: CheckName, error: UserError): FailedCheck {
  const { kind, what, why, next } = error;
  return failed(name, {
    kind,
    text: sentence(redactText(what)),
    cause: sentence(redactText(why)),
    remedy: redactText(next[0] ?? 'Correct this, then run "arctun doctor" again.'),
  });
}

/** Makes a clause a sentence: a capital letter at the start, and a full stop at the end. */
export function sentence(clause: string): string {
  const text = clause.trim();
  const start = /^(?!arctun\b)[a-z]+(?:\s|$)/.test(text)
    ? text.charAt(0).toUpperCase() + text.slice(1)
    : text;
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

/**
 * Runs a check. A check that cannot be made on this machine is skipped with its reason, because
 * one obstacle must not hide the results of the other checks.
 *
 * @throws the abort reason if `signal` has aborted
 */
export async function attempt(
  name: CheckName,
  signal: AbortSignal,
  check: () => Promise<Check> | Check,
): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UserError) return failedBy(name, error);
    return skipped(name, redactText(`the check failed (${messageOf(error)})`));
  }
}
