/** A view that is made anew again and again: drawn over the last one on a terminal, else behind it. */
import { codeOf } from '../../lib/errors/error-message.js';
import { pause, whenAborted } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';
import { cutToWidth } from '../output/shown-text.js';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface WatchOptions {
  /** Milliseconds between two views. */
  readonly interval: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Of the terminal, asked each time; undefined where standard output is none. */
  readonly terminalSize: () => TerminalSize | undefined;
  /** Writes to standard output, or rejects. */
  readonly print: (text: string) => Promise<void>;
  readonly clock: Clock;
}

/** xterm's control sequences, which all terminals of today have. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_TO_END_OF_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/**
 * Resolves when it is told to stop, or when nobody reads any more. The terminal is then as it was.
 *
 * @param view makes the text, in whole lines
 * @throws what `view` does
 */
export async function watch(view: () => Promise<string>, options: WatchOptions): Promise<void> {
  const { interval, signal, clock, terminalSize, print } = options;
  const isTerminal = terminalSize() !== undefined;
  const stopped = whenAborted(signal);
  try {
    if (isTerminal) await print(ENTER);
    while (!signal.aborted) {
      // Whoever stops it does not wait for an answer.
      const text = await Promise.race([view(), stopped]);
      if (text === undefined) break;
      await print(isTerminal ? drawn(text, terminalSize()) : text);
      await pause(interval, clock, signal);
    }
  } catch (error) {
    if (codeOf(error) !== 'EPIPE') throw error;
  } finally {
    if (isTerminal) await print(LEAVE).catch(() => undefined);
  }
}

/** No more than fits: a terminal that scrolls loses its first lines. */
function drawn(text: string, size: TerminalSize | undefined): string {
  const lines = text.replace(/\n+$/, '').split('\n').slice(0, size?.rows);
  const shown = lines.map((line) => {
    return (size === undefined ? line : cutToWidth(line, size.columns)) + CLEAR_TO_END_OF_LINE;
  });
  return `${HOME}${shown.join('\r\n')}${CLEAR_BELOW}`;
}
