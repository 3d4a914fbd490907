/** What a device knows of a silent peer: its part of the reasons in lib/silence.ts. */
import type { Silence } from '../lib/silence.js';
import { KEEPALIVE_TIMEOUT, PLAUSIBLE_CLOCK, REKEY_TIMEOUT } from './constants.js';
import type { Peer } from './peer.js';
import { compareTimestamps, nextTimestamp } from './handshake/tai64n.js';

/**
 * Why nothing comes through, as far as this end can know:
 *
 * - `no-answer`: initiations are sent and nothing at all comes back. A WireGuard peer is silent
 *   towards keys that it does not know (whitepaper 5.1); a firewall looks the same
 * - `wrong-key`: responses come, made for our public key, and do not decrypt: the pre-shared keys
 *   differ, or somebody else answers
 * - `under-load`: the peer has asked for a cookie and not answered since (5.3)
 * - `clock-behind`: no answer, and our stamps are years behind: a peer that has seen a later time
 *   stamp of ours refuses all earlier ones in silence (5.1)
 * - `no-data-back`: the handshake is done, packets go out, and no data message came back, not even
 *   the keepalive by which a peer says that it has them (6.5): the path carries no long messages, or
 *   no messages for long
 */
export type SilenceReason = Exclude<Silence, 'name-not-found' | 'cannot-send'>;

/** Why `peer` is silent at `now`; undefined where it is not, or where nothing is wanted of it. */
export function silenceOf(peer: Peer, now: number): SilenceReason | undefined {
  const { handshakeBeganAt: began, unansweredDataSince: unanswered } = peer;
  if (began !== undefined && isHandshakeMissed(peer, began, now)) return whyUnanswered(peer, began);
  if (unanswered === undefined) return undefined;
  // A new session has answered for the old one, until a packet is sent under it. There has been one,
  // or no packet would have been sent.
  if (peer.lastPacketSentAt < peer.lastHandshakeAt!) return undefined;
  return now - unanswered >= KEEPALIVE_TIMEOUT + REKEY_TIMEOUT ? 'no-data-back' : undefined;
}

/** A session that stands carries on while it is renewed, until neither renewal nor data comes. */
function isHandshakeMissed(peer: Peer, began: number, now: number): boolean {
  if (!peer.hasSession(now)) return true;
  const unanswered = peer.unansweredDataSince;
  return unanswered !== undefined && now - Math.max(began, unanswered) >= REKEY_TIMEOUT;
}

/** The latest sign since the handshake began says most. */
function whyUnanswered(peer: Peer, began: number): SilenceReason {
  const rejected = peer.lastResponseRejected ?? -Infinity;
  const cookie = peer.cookieReceivedAt ?? -Infinity;
  if (Math.max(rejected, cookie) >= began) return rejected >= cookie ? 'wrong-key' : 'under-load';
  const stamp = peer.handshake.lastSentTimestamp;
  const isBehind = stamp !== undefined && compareTimestamps(stamp, PLAUSIBLE_TIMESTAMP) < 0;
  return isBehind ? 'clock-behind' : 'no-answer';
}

const PLAUSIBLE_TIMESTAMP = nextTimestamp(PLAUSIBLE_CLOCK);
