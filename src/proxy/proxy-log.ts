/**
 * The log of the proxies. Addresses are logged at debug level, except in failures; secrets never.
 */
export interface ProxyLog {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}
