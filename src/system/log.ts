/** Writes log lines to standard error with pino: raw JSON, or one readable line per record. */
import { pino } from 'pino';

import { harmless, harmlessLines } from '../lib/text/harmless-text.js';
import type { Log, LogLevel, LogOptions } from '../ports/log.js';

export function createLog(level: LogLevel, format: LogOptions['format']): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // Write the level's name, so that readers do not need pino's numbers.
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const destination = pino.destination({ dest: 2, sync: true });
  // pino ignores a pipe whose reader has ended, but not a terminal that was closed.
  destination.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EIO') throw error;
    destination.write = () => true;
  });
  if (format === 'json') return pino(options, destination);
  return pino(options, {
    write: (line: string) => void destination.write(textLine(JSON.parse(line) as LogRecord)),
  });
}

interface LogRecord {
  readonly level: string;
  readonly time: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

function textLine({ level, time, msg, ...fields }: LogRecord): string {
  const label = level.toUpperCase().padEnd(5);
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
  // Escape control characters, because a name or a command's output may contain escape sequences.
  return `${time} ${label} ${harmlessLines(msg ?? '')}${rest.map(harmless).join('')}\n`;
}

function fieldText(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
