import { KEEPALIVE_TIMEOUT, PLAUSIBLE_CLOCK, REKEY_TIMEOUT } from './constants.js';
import type { Peer } from './peer.js';

/**
 * Why nothing comes through, as far as this end can know:
 *
 * - `no-answer`: initiations are sent and nothing at all comes back. A WireGuard peer is silent
 *   towards keys that it does not know (whitepaper 5.1); a firewall looks the same
 * - `wrong-key`: responses come, made for our public key, and do not decrypt: the pre-shared keys
 *   differ, or somebody else answers
 * - `under-load`: the peer has asked for a cookie and not answered since (5.3)
 * - `clock-behind`: no answer, and our clock is years behind: a peer that has seen a later time
 *   stamp of ours refuses all earlier ones in silence (5.1)
 * - `no-data-back`: the handshake is done, data goes out, and no data message came back
 */
export type SilenceReason =
  'no-answer' | 'wrong-key' | 'under-load' | 'clock-behind' | 'no-data-back';

/** Why `peer` is silent at `now`; undefined where it is not, or where nothing is wanted of it. */
export function silenceOf(
  peer: Peer,
  now: number,
  unixMilliseconds: number,
): SilenceReason | undefined {
  const began = peer.handshakeBeganAt;
  // A session that stands carries on while it is renewed; only a late answer is one that is missed.
  if (began !== undefined && (!peer.hasSession(now) || now - began >= REKEY_TIMEOUT)) {
    if (isSince(peer.lastResponseRejected, began)) return 'wrong-key';
    if (isSince(peer.cookieReceivedAt, began)) return 'under-load';
    return unixMilliseconds < PLAUSIBLE_CLOCK ? 'clock-behind' : 'no-answer';
  }
  const unanswered = peer.unansweredDataSince;
  if (unanswered === undefined) return undefined;
  return now - unanswered >= KEEPALIVE_TIMEOUT + REKEY_TIMEOUT ? 'no-data-back' : undefined;
}

function isSince(moment: number | undefined, began: number): boolean {
  return moment !== undefined && moment >= began;
}
