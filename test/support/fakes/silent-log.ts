import type { Log } from '../../../src/ports/log.js';

const nothing = () => undefined;

export const silentLog: Log = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  trace: nothing,
};
