import type { DropReason } from '../../src/wireguard/drop-reason.js';
import { COOKIE_REPLY, DATA, RESPONSE } from '../support/message-types.js';
import type { Role } from './cast.js';

/** The expected result of a datagram. */
export type Expectation =
  /** Dropped, counted under the reason, and not answered, except with a cookie under load. */
  | { readonly drop: DropReason }
  /** Accepted without an answer and without a packet: a keepalive or a cookie. */
  | { readonly take: 'silently' }
  /** A packet with these bytes is delivered. */
  | { readonly deliver: Uint8Array; readonly from: Role }
  /** An initiation, answered with a response. */
  | { readonly answer: 'response' }
  /** A response, answered with the empty packet that confirms the keys. */
  | { readonly answer: 'confirmation' };

/** The name of the expectation in tables. */
export function nameOf(expectation: Expectation): string {
  if ('drop' in expectation) return expectation.drop;
  if ('deliver' in expectation) return '(delivered)';
  return 'answer' in expectation ? `(answered by a ${expectation.answer})` : '(taken)';
}

/** The types of messages that are sent as answers; no others are allowed (5.1). */
export function answersTo(expectation: Expectation): number[] {
  if ('answer' in expectation) return [expectation.answer === 'response' ? RESPONSE : DATA];
  const isCookieWanted = 'drop' in expectation && expectation.drop === 'under-load';
  return isCookieWanted ? [COOKIE_REPLY] : [];
}

/** The device did not behave as expected. */
export class FuzzFailure extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'FuzzFailure';
  }
}
