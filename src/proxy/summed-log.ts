/** A log that writes a repeated warning once per 10 s, so that clients cannot fill the disk. */
import type { ProxyLog } from './proxy-log.js';

/** Milliseconds during which the same warning is logged only once. */
const WINDOW = 10_000;

/**
 * The maximum number of distinct warnings. It is limited because clients control parts of some
 * messages.
 */
const MAX_KINDS = 32;
const OTHERS = 'more warnings of other kinds';

/** @returns `log` itself if it is already a summed log */
export function summedLog(log: ProxyLog): ProxyLog {
  return log instanceof SummedLog ? log : new SummedLog(log);
}

interface Repeats {
  /** The time of the last log line, in milliseconds. */
  loggedAt: number;
  /** The number of repeats since the last log line. */
  count: number;
  fields: object;
}

class SummedLog implements ProxyLog {
  readonly error: ProxyLog['error'] = (fields, message) => this.#log.error(fields, message);
  readonly info: ProxyLog['info'] = (fields, message) => this.#log.info(fields, message);
  readonly debug: ProxyLog['debug'] = (fields, message) => this.#log.debug(fields, message);
  readonly #log: ProxyLog;
  /** The repeats of each warning, by message. */
  readonly #repeats = new Map<string, Repeats>();

  constructor(log: ProxyLog) {
    this.#log = log;
  }

  /** Logs a warning immediately; the same message within the next 10 s is only counted. */
  warn(fields: object, message: string): void {
    const now = performance.now();
    this.#forgetOld(now);
    const kind = this.#kindOf(message);
    const repeats = this.#repeats.get(kind);
    if (repeats === undefined) {
      this.#log.warn(fields, kind);
      this.#repeats.set(kind, { loggedAt: now, count: 0, fields });
      return;
    }
    repeats.count++;
    repeats.fields = fields;
    if (repeats.count > 1) return;
    setTimeout(() => this.#sumUp(kind, repeats), repeats.loggedAt + WINDOW - now).unref();
  }

  #kindOf(message: string): string {
    return this.#repeats.has(message) || this.#repeats.size < MAX_KINDS ? message : OTHERS;
  }

  #forgetOld(now: number): void {
    for (const [kind, { count, loggedAt }] of this.#repeats) {
      if (count === 0 && now - loggedAt >= WINDOW) this.#repeats.delete(kind);
    }
  }

  #sumUp(kind: string, repeats: Repeats): void {
    const { count, fields } = repeats;
    const often = count === 1 ? 'once' : `${count} times`;
    this.#log.warn({ ...fields, repeated: count }, `${kind} (${often} more in 10 s)`);
    repeats.loggedAt = performance.now();
    repeats.count = 0;
  }
}
