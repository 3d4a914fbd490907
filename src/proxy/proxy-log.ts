/**
 * The proxies' log: addresses appear only at debug level or in failures; secrets are never logged.
 */
export interface ProxyLog {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}
