/** Computes the parts of the tunnel status that describe the connection to the Arc server. */
import { formatKey } from '../../lib/text/key-text.js';
import type { Device, Peer } from '../../engine/engine.js';
import { formatIpPrefix } from '../../wire/ip-address.js';
import { endpointText } from './endpoint-text.js';
import type { WallClock } from '../../ports/clock.js';
import type { Rivals } from '../rivals/rivals.js';
import type { PeerSilence } from './route.js';
import type { PeerStatus, TunnelHealth, TunnelStatus } from '../tunnel-status.js';

/** Milliseconds until a response is overdue: KEEPALIVE_TIMEOUT + REKEY_TIMEOUT (whitepaper 6.1). */
const ANSWER_TIMEOUT = 15_000;

export interface HealthSigns {
  readonly hasGivenUp: boolean;
  /** Whether the system rejects datagrams to the server, so that no response can arrive. */
  readonly cannotSend: boolean;
  readonly now: number;
}

export function healthOf(
  device: Device,
  server: Peer,
  { hasGivenUp, cannotSend, now }: HealthSigns,
): TunnelHealth {
  if (hasGivenUp) return 'stale';
  if (server.lastHandshakeUnix === undefined) return 'connecting';
  if (cannotSend) return 'stale';
  if (device.silenceOf(server, now) === undefined) return 'up';
  const { handshakeBeganAt = Infinity, unansweredDataSince = Infinity } = server;
  const since = Math.min(handshakeBeganAt, unansweredDataSince);
  return now - since < ANSWER_TIMEOUT ? 'up' : 'stale';
}

/** A reply is expected for only this many milliseconds after a packet was sent. */
const RECENTLY = 30_000;

/** Returns the replies that are missing from the server: to a handshake, or to packets. */
export function outstandingReplies(
  server: Peer,
  silence: PeerSilence,
  now: number,
): Pick<TunnelStatus, 'unanswered' | 'unreturnedFor'> {
  const { handshakeBeganAt: began, unreturnedPacketsSince: since } = server;
  const isMissed = server.isAnsweredByKeepalives && now - server.lastPacketSentAt <= RECENTLY;
  return {
    unanswered:
      began === undefined ? undefined : { for: now - began, reason: silence.explain().reason },
    unreturnedFor: isMissed && since !== undefined ? now - since : undefined,
  };
}

/** Returns why the server is silent, as plain data. */
export function whySilent(silence: PeerSilence): TunnelStatus['silence'] {
  const { reason, why } = silence.explain();
  return { reason, why };
}

/** Returns a tunnel with the same key, if one was noticed recently. */
export function rivalOf(
  rivals: Pick<Rivals, 'seen'> | undefined,
  now: number,
  wallClock: WallClock,
): TunnelStatus['rival'] {
  const seen = rivals?.seen(now);
  return seen && { why: seen.why, lastSeenUnix: wallClock.unixMilliseconds() - seen.ago };
}

/** Returns all peers of a device, beginning with the Arc server. */
export function peerStatuses(device: Device, server: Peer): PeerStatus[] {
  const others = [...device.peers].filter((peer) => peer !== server);
  return [...(server.isRemoved ? [] : [server]), ...others].map((peer) => ({
    publicKey: formatKey(peer.publicKey),
    endpoint: peer.endpoint && endpointText(peer.endpoint),
    allowedIps: device.allowedIps.prefixesOf(peer).map(formatIpPrefix),
    persistentKeepalive: Math.round(peer.persistentKeepalive / 1000),
    latestHandshakeUnix: peer.lastHandshakeUnix,
    sentBytes: peer.txBytes,
    receivedBytes: peer.rxBytes,
    roundTrip: peer.handshakeRoundTrip,
    lossIn: peer.receivedLoss,
  }));
}
