import type { DropReason } from '../../src/wireguard/drop-reason.js';
import { COOKIE_REPLY, DATA, RESPONSE } from '../support/message-types.js';
import type { Role } from './cast.js';

/** What has to come of a datagram. */
export type Expectation =
  /** Dropped, counted under the reason, and not answered; but by a cookie under load. */
  | { readonly drop: DropReason }
  /** Taken, without an answer and without a packet in it: a keepalive or a cookie. */
  | { readonly take: 'silently' }
  /** A packet is delivered, these bytes. */
  | { readonly deliver: Uint8Array; readonly from: Role }
  /** An initiation, answered by a response. */
  | { readonly answer: 'response' }
  /** A response, answered by the empty packet that confirms the keys. */
  | { readonly answer: 'confirmation' };

/** For tables. */
export function nameOf(expectation: Expectation): string {
  if ('drop' in expectation) return expectation.drop;
  if ('deliver' in expectation) return '(delivered)';
  return 'answer' in expectation ? `(answered by a ${expectation.answer})` : '(taken)';
}

/** Types of the messages that are sent because of it: none but these, whatever came (5.1). */
export function answersTo(expectation: Expectation): number[] {
  if ('answer' in expectation) return [expectation.answer === 'response' ? RESPONSE : DATA];
  const isCookieWanted = 'drop' in expectation && expectation.drop === 'under-load';
  return isCookieWanted ? [COOKIE_REPLY] : [];
}

/** The device did something else than it had to. */
export class FuzzFailure extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'FuzzFailure';
  }
}
