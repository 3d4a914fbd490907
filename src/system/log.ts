/** Writes log lines to standard error: JSON that pino formats, or readable text. */
import { pino } from 'pino';

import { harmless, harmlessLines } from '../lib/text/harmless-text.js';
import { type Log, LOG_LEVELS, type LogLevel, type LogOptions } from '../ports/log.js';

/** The errors of a pipe or a terminal that was closed. */
const READER_IS_GONE = new Set(['EPIPE', 'EIO']);

/** The maximum size of the lines that wait for free space, in bytes. Further lines are lost. */
const MAX_WAITING = 1 << 20;

export function createLog(level: LogLevel, format: LogOptions['format']): Log {
  const destination = standardError();
  if (format === 'text') return textLog(level, (line) => void destination.write(line));
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // Write the level's name, so that readers do not need pino's numbers.
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, destination);
}

/**
 * An error of the log does not end the program. If a line cannot be written, for example because the
 * file system is full, pino writes it again together with the next line. Lines that still wait when
 * the program ends are lost.
 */
function standardError() {
  const destination = pino.destination({ dest: 2, sync: true, maxLength: MAX_WAITING });
  destination.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code !== undefined && READER_IS_GONE.has(code)) destination.write = () => true;
  });
  let isRepeating = false;
  destination.on('drop', (line: string) => {
    if (isRepeating) return;
    isRepeating = true;
    // Write the waiting lines, which pino does not do for a line that it drops.
    destination.write('');
    destination.write(line);
    isRepeating = false;
  });
  return destination;
}

/**
 * Formats text itself, because pino formats only JSON, and parsing that again would take more time
 * for each request than the rest of the log.
 */
function textLog(level: LogLevel, write: (line: string) => void): Log {
  const limit = LOG_LEVELS.indexOf(level);
  const method = (name: LogLevel): Log['info'] => {
    const index = LOG_LEVELS.indexOf(name);
    if (index > limit) return () => undefined;
    const label = name.toUpperCase().padEnd(5);
    return (fields, message) => write(textLine(label, fields, message));
  };
  const [error, warn, info] = [method('error'), method('warn'), method('info')];
  return { error, warn, info, debug: method('debug'), trace: method('trace') };
}

function textLine(label: string, fields: object, message: string): string {
  let rest = '';
  for (const [name, value] of Object.entries(fields)) {
    const text = fieldText(value);
    if (text !== undefined) rest += ` ${name}=${text}`;
  }
  // Escape control characters, because a name or a command's output may contain escape sequences.
  return `${new Date().toISOString()} ${label} ${harmlessLines(message)}${harmless(rest)}\n`;
}

/** Returns undefined for values that JSON omits. Never throws, because a log must not. */
function fieldText(value: unknown): string | undefined {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return value;
  if (typeof value === 'bigint') return value.toString();
  try {
    return JSON.stringify(value, (_, part: unknown) =>
      typeof part === 'bigint' ? part.toString() : part,
    );
  } catch {
    return '"not JSON"';
  }
}
