/** Which of the things that are known of a silent Arc server is the reason: the one closest to the cause. */
import type { Silence } from '../../lib/silence.js';
import type { SilenceReason } from '../../engine/engine.js';

export interface SilenceSigns {
  /** The system refuses what goes to the server, or has no route to look its name up by. */
  readonly cannotSend: boolean;
  /** An address of the server is known. */
  readonly hasAddress: boolean;
  /** The last look-up of its name failed. */
  readonly lookupFailed: boolean;
  /** What the device knows of an unanswered handshake, or of data that brings nothing back. */
  readonly device: SilenceReason | undefined;
  /** An initiation has no answer yet. */
  readonly isHandshaking: boolean;
  readonly hasSession: boolean;
}

/** The first row that holds is the reason. The table is in docs/reference/commands/health.md, too. */
export const SILENCE_ORDER: readonly (readonly [Silence, (signs: SilenceSigns) => boolean])[] = [
  // Without a network, nothing else can be known.
  ['cannot-send', (signs) => signs.cannotSend],
  ['name-not-found', (signs) => !signs.hasAddress],
  // The server has answered: its address is right.
  ['wrong-key', (signs) => signs.device === 'wrong-key'],
  ['under-load', (signs) => signs.device === 'under-load'],
  ['clock-behind', (signs) => signs.device === 'clock-behind'],
  // Nothing answers at an address that cannot be looked up again: it may be an old one.
  ['name-not-found', (signs) => signs.device === 'no-answer' && signs.lookupFailed],
  ['no-answer', (signs) => signs.device === 'no-answer' || signs.isHandshaking],
  ['no-data-back', (signs) => signs.device === 'no-data-back' || signs.hasSession],
  ['no-answer', () => true],
];

export function silenceReason(signs: SilenceSigns): Silence {
  const row = SILENCE_ORDER.find(([, holds]) => holds(signs));
  return row?.[0] ?? 'no-answer';
}
