/**
 * A value that must not be printed: a private key, a pre-shared key, a token.
 *
 * String conversion, JSON and Node's inspection all give `<redacted>`; `expose()` is the one way
 * to the value, so that each use can be found by its name.
 */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. The caller takes over the duty not to print it. */
  expose(): T {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  /** What `util.inspect` and `console.log` show in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}

/** What stands in the place of a secret wherever one is printed. */
export const REDACTED = '<redacted>';
