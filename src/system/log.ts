/** Writes log lines to standard error with pino: raw JSON, or one readable line per record. */
import { pino } from 'pino';

import { harmless, harmlessLines } from '../lib/text/harmless-text.js';
import type { Log, LogLevel, LogOptions } from '../ports/log.js';

/** The errors of a pipe or a terminal that was closed. */
const READER_IS_GONE = new Set(['EPIPE', 'EIO']);

/** The maximum size of the lines that wait for free space, in bytes. Further lines are lost. */
const MAX_WAITING = 1 << 20;

export function createLog(level: LogLevel, format: LogOptions['format']): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // Write the level's name, so that readers do not need pino's numbers.
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const destination = standardError();
  if (format === 'json') return pino(options, destination);
  return pino(options, {
    write: (line: string) => void destination.write(textLine(JSON.parse(line) as LogRecord)),
  });
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
