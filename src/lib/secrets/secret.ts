/**
 * A value that must not be printed, such as a private key, a pre-shared key or a token.
 *
 * String conversion, JSON and Node's inspection all return `<redacted>`. Only `expose()` returns
 * the value, so every use can be found by searching for `expose`.
 */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** Returns the value, which the caller must not print. */
  expose(): T {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  /** The output of `util.inspect` and `console.log` in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}

/** The string that is printed instead of a secret. */
export const REDACTED = '<redacted>';
