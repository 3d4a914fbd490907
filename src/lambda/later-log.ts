import type { Log } from '../ports/log.js';

type Level = keyof Log;

/** Buffers log entries until the actual logger is loaded, then passes them to that logger. */
export class LaterLog implements Log {
  readonly error: Log['error'] = (fields, message) => this.#write('error', fields, message);
  readonly warn: Log['warn'] = (fields, message) => this.#write('warn', fields, message);
  readonly info: Log['info'] = (fields, message) => this.#write('info', fields, message);
  readonly debug: Log['debug'] = (fields, message) => this.#write('debug', fields, message);
  readonly trace: Log['trace'] = (fields, message) => this.#write('trace', fields, message);
  #log: Log | undefined;
  readonly #kept: { level: Level; fields: object; message: string }[] = [];

  open(log: Log): void {
    this.#log = log;
    for (const { level, fields, message } of this.#kept.splice(0)) log[level](fields, message);
  }

  #write(level: Level, fields: object, message: string): void {
    if (this.#log === undefined) this.#kept.push({ level, fields, message });
    else this.#log[level](fields, message);
  }
}
