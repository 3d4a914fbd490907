/** The kinds of command failure. src/cli/errors/exit-codes.ts maps each kind to an exit code. */
export type FailureKind = 'failed' | 'usage' | 'configuration' | 'api' | 'tunnel' | 'permission';

/** The parts of a UserError's message (see its properties), and its cause. */
export interface UserErrorText {
  readonly what: string;
  readonly why: string;
  readonly next?: readonly string[];
  readonly cause?: unknown;
}

/** An error that the user can act on: what failed, why, and what to do next. */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  readonly kind: FailureKind;
  /** What failed, in one clause: `cannot read arc.json`. */
  readonly what: string;
  /** Why the action failed, as far as known. */
  readonly why: string;
  /** What to do next; each entry is one sentence. */
  readonly next: readonly string[];

  constructor(kind: FailureKind, { what, why, next = [], cause }: UserErrorText) {
    super(`${what}: ${why}`, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.what = what;
    this.why = why;
    this.next = next;
  }
}

/** Builds the error about a value, or about a combination of flags, that cannot be used. */
export function cannotUse(what: string, why: string, ...next: readonly string[]): UserError {
  return new UserError('usage', { what: `cannot use ${what}`, why, next });
}
