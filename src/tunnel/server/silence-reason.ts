/** Selects the reason for an Arc server's silence: the one that is closest to the cause. */
import type { Silence } from '../../lib/silence.js';
import type { SilenceReason } from '../../engine/engine.js';

export interface SilenceSigns {
  /** Whether the system rejects datagrams to the server, or has no route for the DNS lookup. */
  readonly cannotSend: boolean;
  readonly hasAddress: boolean;
  /** Whether the last lookup of the server's name failed. */
  readonly lookupFailed: boolean;
  /** The reason that the device reports: an unanswered handshake, or data without a reply. */
  readonly device: SilenceReason | undefined;
  /** Whether a handshake initiation is unanswered. */
  readonly isHandshaking: boolean;
  readonly hasSession: boolean;
}

/**
 * The first row that matches gives the reason. docs/reference/commands/health.md shows the same
 * table.
 */
export const SILENCE_ORDER: readonly (readonly [Silence, (signs: SilenceSigns) => boolean])[] = [
  // Without a network, no other reason can be determined.
  ['cannot-send', (signs) => signs.cannotSend],
  ['name-not-found', (signs) => !signs.hasAddress],
  // The server has answered, so its address is correct.
  ['wrong-key', (signs) => signs.device === 'wrong-key'],
  ['under-load', (signs) => signs.device === 'under-load'],
  ['clock-behind', (signs) => signs.device === 'clock-behind'],
  // The server does not respond, and its address may be outdated because the name can no longer be
  // resolved.
  ['name-not-found', (signs) => signs.device === 'no-answer' && signs.lookupFailed],
  ['no-answer', (signs) => signs.device === 'no-answer' || signs.isHandshaking],
  ['no-data-back', (signs) => signs.device === 'no-data-back' || signs.hasSession],
  ['no-answer', () => true],
];

export function silenceReason(signs: SilenceSigns): Silence {
  const row = SILENCE_ORDER.find(([, holds]) => holds(signs));
  return row?.[0] ?? 'no-answer';
}
