/** What the way to the Arc server has to tell of itself. */
import type { Device, Peer } from '../engine/engine.js';
import { formatIpAddress } from '../wire/ip-address.js';
import { endpointText } from './endpoint-text.js';
import type { PeerSilence } from './route.js';
import type { PeerStatus, TunnelHealth, TunnelStatus } from './tunnel-status.js';

/** Milliseconds: KEEPALIVE_TIMEOUT and REKEY_TIMEOUT (whitepaper 6.1), after which an answer is missed. */
const ANSWER_TIMEOUT = 15_000;

/**
 * How the server does.
 *
 * @param hasGivenUp nothing is expected of it any more
 */
export function healthOf(
  device: Device,
  server: Peer,
  { hasGivenUp, now }: { readonly hasGivenUp: boolean; readonly now: number },
): TunnelHealth {
  if (hasGivenUp) return 'stale';
  if (server.lastHandshakeUnix === undefined) return 'connecting';
  if (device.silenceOf(server, now) === undefined) return 'up';
  const began = server.handshakeBeganAt ?? -Infinity;
  // A handshake is under way: whether it is answered shows soon.
  return now - began < ANSWER_TIMEOUT ? 'up' : 'stale';
}

/** How long the server has not answered the handshake that is tried, and why. */
export function unansweredHandshake(
  { handshakeBeganAt: began }: Peer,
  silence: PeerSilence,
  now: number,
): TunnelStatus['unanswered'] {
  return began === undefined ? undefined : { for: now - began, reason: silence.explain().reason };
}

/** All peers of a device, the Arc server first. */
export function peerStatuses(device: Device, server: Peer): PeerStatus[] {
  const others = [...device.peers].filter((peer) => peer !== server);
  return [...(server.isRemoved ? [] : [server]), ...others].map((peer) => ({
    publicKey: keyText(peer.publicKey),
    endpoint: peer.endpoint && endpointText(peer.endpoint),
    allowedIps: device.allowedIps
      .prefixesOf(peer)
      .map(({ address, prefixLength }) => `${formatIpAddress(address)}/${prefixLength}`),
    persistentKeepalive: Math.round(peer.persistentKeepalive / 1000),
    latestHandshakeUnix: peer.lastHandshakeUnix,
    sentBytes: peer.txBytes,
    receivedBytes: peer.rxBytes,
    roundTrip: peer.handshakeRoundTrip,
    lossIn: peer.receivedLoss,
  }));
}

/** As the tools of WireGuard write a key: base64. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key).toString('base64');
}
