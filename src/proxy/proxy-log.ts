/** The proxies' log: addresses only at debug level or in failures, and secrets never. */
export interface ProxyLog {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}
