/** Why a command ends; src/cli/errors/exit-codes.ts gives each its number. */
export type FailureKind = 'failed' | 'usage' | 'configuration' | 'api' | 'tunnel' | 'permission';

/** An error that its reader can act on: what failed, why, and what to do next. */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  readonly kind: FailureKind;
  /** What failed, in one clause: `cannot read arc.json`. */
  readonly what: string;
  /** Why, as far as it is known. */
  readonly why: string;
  /** What to do next, a sentence each. */
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
