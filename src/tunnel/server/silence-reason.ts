/** Selects the reason for an Arc server's silence from all signs: the one closest to the cause. */
import type { Silence } from '../../lib/silence.js';
import type { SilenceReason } from '../../engine/engine.js';

export interface SilenceSigns {
  /** Whether the system rejects datagrams to the server, or has no route for the DNS lookup. */
  readonly cannotSend: boolean;
  /** Whether an address of the server is known. */
  readonly hasAddress: boolean;
  /** Whether the last lookup of the server's name failed. */
  readonly lookupFailed: boolean;
  /** The device's reason: an unanswered handshake, or data without a reply. */
  readonly device: SilenceReason | undefined;
  /** Whether a handshake initiation is unanswered. */
  readonly isHandshaking: boolean;
  readonly hasSession: boolean;
}

/** The first matching row is the reason. The table is also in docs/reference/commands/health.md. */
export const SILENCE_ORDER: readonly (readonly [Silence, (signs: SilenceSigns) => boolean])[] = [
  // Without a network, nothing else can be determined.
  ['cannot-send', (signs) => signs.cannotSend],
  ['name-not-found', (signs) => !signs.hasAddress],
  // The server has answered, so its address is right.
  ['wrong-key', (signs) => signs.device === 'wrong-key'],
  ['under-load', (signs) => signs.device === 'under-load'],
  ['clock-behind', (signs) => signs.device === 'clock-behind'],
  // The address does not answer and cannot be resolved again, so it may be outdated.
  ['name-not-found', (signs) => signs.device === 'no-answer' && signs.lookupFailed],
  ['no-answer', (signs) => signs.device === 'no-answer' || signs.isHandshaking],
  ['no-data-back', (signs) => signs.device === 'no-data-back' || signs.hasSession],
  ['no-answer', () => true],
];

export function silenceReason(signs: SilenceSigns): Silence {
  const row = SILENCE_ORDER.find(([, holds]) => holds(signs));
  return row?.[0] ?? 'no-answer';
}
