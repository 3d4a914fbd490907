/** The kinds of command failure. src/cli/errors/exit-codes.ts maps each kind to an exit code. */
export type FailureKind = 'failed' | 'usage' | 'configuration' | 'api' | 'tunnel' | 'permission';

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

  constructor(
    kind: FailureKind,
    text: { what: string; why: string; next?: readonly string[] },
    options?: ErrorOptions,
  ) {
    super(`${text.what}: ${text.why}`, options);
    this.kind = kind;
    this.what = text.what;
    this.why = text.why;
    this.next = text.next ?? [];
  }
}
