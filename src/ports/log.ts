/**
 * A structured log. Secrets are never logged; addresses are logged at debug level, and packets at
 * trace level.
 */
export interface Log {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  trace(fields: object, message: string): void;
}
