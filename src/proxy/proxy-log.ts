import type { Log } from '../ports/log.js';

/**
 * The proxies' log: addresses appear only at debug level or in failures; secrets are never logged.
 */
export type ProxyLog = Omit<Log, 'trace'>;
