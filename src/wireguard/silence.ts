/**
 * Determines why a peer is silent, as far as WireGuard can tell. lib/silence.ts lists all reasons.
 */
import type { Silence } from '../lib/silence.js';
import { KEEPALIVE_TIMEOUT, PLAUSIBLE_CLOCK, REKEY_TIMEOUT } from './constants.js';
import type { Peer } from './peer.js';
import { compareTimestamps, nextTimestamp } from './handshake/tai64n.js';

/**
 * Why no data arrives from a peer, as far as this device can tell:
 *
 * - `no-answer`: initiations are sent, but no response arrives. A WireGuard peer does not answer
 *   unknown keys (§5.1), and a firewall may drop the messages
 * - `wrong-key`: responses with a valid mac1 arrive but do not decrypt. The pre-shared keys differ,
 *   or a third party sends the responses
 * - `under-load`: the peer sent a cookie reply and has not answered since (§5.3)
 * - `clock-behind`: no response, and the local timestamps are years old. A peer silently refuses
 *   timestamps older than the latest timestamp that it accepted (§5.1)
 * - `no-data-back`: the handshake completed and packets are sent, but no data message arrives, not
 *   even the passive keepalive that acknowledges them (§6.5). The path may drop long messages, or
 *   all messages after a short time
 */
export type SilenceReason = Exclude<Silence, 'name-not-found' | 'cannot-send'>;

/** Returns why `peer` is silent at `now`; undefined if it is not silent or no response is due. */
export function silenceOf(peer: Peer, now: number): SilenceReason | undefined {
  const { handshakeBeganAt: began, unansweredDataSince: unanswered } = peer;
  if (began !== undefined && isHandshakeMissed(peer, began, now)) return whyUnanswered(peer, began);
  if (unanswered === undefined) return undefined;
  // A new session counts as a response until a packet is sent under it. The last handshake time is
  // defined, because no packet can be sent without a handshake.
  if (peer.lastPacketSentAt < peer.lastHandshakeAt!) return undefined;
  return now - unanswered >= KEEPALIVE_TIMEOUT + REKEY_TIMEOUT ? 'no-data-back' : undefined;
}

/** Whether the handshake is overdue. If a session exists, data must also be unanswered. */
function isHandshakeMissed(peer: Peer, began: number, now: number): boolean {
  if (!peer.hasSession(now)) return true;
  const unanswered = peer.unansweredDataSince;
  return unanswered !== undefined && now - Math.max(began, unanswered) >= REKEY_TIMEOUT;
}

/** Returns the reason indicated by the latest message that arrived since the handshake began. */
function whyUnanswered(peer: Peer, began: number): SilenceReason {
  const rejected = peer.lastResponseRejected ?? -Infinity;
  const cookie = peer.cookieReceivedAt ?? -Infinity;
  if (Math.max(rejected, cookie) >= began) return rejected >= cookie ? 'wrong-key' : 'under-load';
  const stamp = peer.handshake.lastSentTimestamp;
  const isBehind = stamp !== undefined && compareTimestamps(stamp, PLAUSIBLE_TIMESTAMP) < 0;
  return isBehind ? 'clock-behind' : 'no-answer';
}

const PLAUSIBLE_TIMESTAMP = nextTimestamp(PLAUSIBLE_CLOCK);
