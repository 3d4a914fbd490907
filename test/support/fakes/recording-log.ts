import type { Log } from '../../../src/ports/log.js';

export interface LogLine {
  readonly level: keyof Log;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that records its lines. */
export class RecordingLog implements Log {
  readonly lines: LogLine[] = [];

  readonly error = this.#at('error');
  readonly warn = this.#at('warn');
  readonly info = this.#at('info');
  readonly debug = this.#at('debug');
  readonly trace = this.#at('trace');

  #at(level: keyof Log): (fields: object, message: string) => void {
    return (fields, message) => {
      this.lines.push({ level, fields: fields as Record<string, unknown>, message });
    };
  }

  /** The messages of one level. */
  messages(level: keyof Log): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }
}
