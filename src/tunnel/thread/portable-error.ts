/** Converts errors for another thread, because a copy keeps an object's data but not its class. */
import { type FailureKind, UserError, type UserErrorText } from '../../lib/errors/user-error.js';
import { TunnelError, type TunnelFailure } from '../tunnel-error.js';

export interface PortableError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** The error's other string and number properties, such as the system's `code`. */
  readonly fields: Readonly<Record<string, string | number>>;
  /** The message parts of a UserError. */
  readonly user: PortableText | undefined;
  readonly cause: PortableError | undefined;
}

interface PortableText extends Omit<UserErrorText, 'cause'> {
  readonly kind: FailureKind;
  /** The reason of a TunnelError. */
  readonly reason: TunnelFailure | undefined;
}

export function portableError(error: unknown): PortableError {
  if (!(error instanceof Error)) return portableError(new Error(String(error)));
  const { name, message, stack, cause } = error;
  const fields = Object.entries(error).filter(([, value]) => isPlain(value));
  return {
    name,
    message,
    stack,
    fields: Object.fromEntries(fields),
    user: error instanceof UserError ? portableText(error) : undefined,
    cause: cause === undefined ? undefined : portableError(cause),
  };
}

/** Recreates a UserError, a TunnelError, or an Error with the same name and fields. */
export function errorFrom({ name, message, stack, fields, user, cause }: PortableError): Error {
  const options = cause && { cause: errorFrom(cause) };
  if (user !== undefined) {
    const { kind, reason, ...text } = { ...user, ...options };
    return reason === undefined ? new UserError(kind, text) : new TunnelError(reason, text);
  }
  const error = new Error(message, options);
  // Keep the stack from the place where the error was thrown.
  return Object.assign(error, { name, stack: stack ?? error.stack }, fields);
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

function portableText(error: UserError): PortableText {
  const { kind, what, why, next } = error;
  const reason = error instanceof TunnelError ? error.reason : undefined;
  return { kind, what, why, next, reason };
}
