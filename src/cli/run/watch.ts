/** A view that is updated periodically: redrawn in place on a terminal, otherwise appended. */
import { codeOf } from '../../lib/errors/error-message.js';
import { pause, whenAborted } from '../../lib/waits.js';
import type { Clock } from '../../ports/clock.js';
import { cutToWidth } from '../output/shown-text.js';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface WatchOptions {
  /** The interval between updates, in milliseconds. */
  readonly interval: number;
  /** Stops the updates. */
  readonly signal: AbortSignal;
  /** Returns the terminal's current size; undefined if standard output is not a terminal. */
  readonly terminalSize: () => TerminalSize | undefined;
  /** Writes to standard output; rejects if that fails. */
  readonly print: (text: string) => Promise<void>;
  readonly clock: Clock;
}

/** xterm's control sequences, which all current terminals support. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_TO_END_OF_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/**
 * Shows the view until the signal aborts or the reader closes the pipe, then restores the screen.
 *
 * @param view returns the content, in whole lines
 * @throws any error of `view`
 */
export async function watch(view: () => Promise<string>, options: WatchOptions): Promise<void> {
  const { interval, signal, clock, terminalSize, print } = options;
  const isTerminal = terminalSize() !== undefined;
  const stopped = whenAborted(signal);
  try {
    if (isTerminal) await print(ENTER);
    while (!signal.aborted) {
      // Stop immediately, without waiting for the next view.
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

/**
 * Keeps only the lines that fit on the screen, because otherwise the first lines would scroll off.
 */
function drawn(text: string, size: TerminalSize | undefined): string {
  const lines = text.replace(/\n+$/, '').split('\n').slice(0, size?.rows);
  const shown = lines.map((line) => {
    return (size === undefined ? line : cutToWidth(line, size.columns)) + CLEAR_TO_END_OF_LINE;
  });
  return `${HOME}${shown.join('\r\n')}${CLEAR_BELOW}`;
}
