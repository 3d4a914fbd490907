/** Log lines of the proxies. Addresses are debug, but for those of failures; secrets never go in. */
export interface ProxyLog {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}
