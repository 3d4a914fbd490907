import type { Log } from '../ports/log.js';

type Level = keyof Log;

/** Buffers log entries until the actual logger is loaded, then passes them to that logger. */
export class LaterLog implements Log {
  #log: Log | undefined;
  readonly #kept: { level: Level; fields: object; message: string }[] = [];

  open(log: Log): void {
    this.#log = log;
    for (const { level, fields, message } of this.#kept.splice(0)) log[level](fields, message);
  }

  error(fields: object, message: string): void {
    this.#write('error', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#write('warn', fields, message);
  }

  info(fields: object, message: string): void {
    this.#write('info', fields, message);
  }

  debug(fields: object, message: string): void {
    this.#write('debug', fields, message);
  }

  trace(fields: object, message: string): void {
    this.#write('trace', fields, message);
  }

  #write(level: Level, fields: object, message: string): void {
    if (this.#log === undefined) this.#kept.push({ level, fields, message });
    else this.#log[level](fields, message);
  }
}
