/** Selects the peer for an outgoing packet by cryptokey routing (whitepaper 2). */
import { PACKET_HEADROOM, PACKET_TAILROOM } from '../../lib/packets/packet-slot.js';
import type { DeviceContext } from '../context.js';
import { destinationOffset, innerPacketLength } from './inner-packet.js';
import type { Peer } from '../peer.js';
import { isMessageTo } from './routing-loop.js';

/**
 * Returns the peer for the IP packet in `slot`. Drops the packet and returns undefined if the
 * packet is malformed or has no route, if the peer has no endpoint, or if the packet is a WireGuard
 * message to that peer.
 */
export function routePacket(
  { allowedIps, indices, drops, sink }: DeviceContext,
  slot: Uint8Array,
  now: number,
): Peer | undefined {
  const end = slot.length - PACKET_TAILROOM;
  if (innerPacketLength(slot, PACKET_HEADROOM, end) === 0) {
    drops.count('malformed-packet');
    return undefined;
  }
  const version = slot[PACKET_HEADROOM]! >> 4;
  const offset = PACKET_HEADROOM + destinationOffset(version);
  const peer = allowedIps.lookupAt(slot, offset, version === 4 ? 4 : 16);
  if (peer === undefined) {
    drops.count('no-route');
    sink.unreachable?.(slot, 'no-route', now);
    return undefined;
  }
  if (peer.endpoint === undefined) {
    drops.count('no-endpoint');
    sink.unreachable?.(slot, 'no-endpoint', now);
    return undefined;
  }
  if (isMessageTo(peer, indices, slot)) {
    drops.count('routing-loop');
    return undefined;
  }
  return peer;
}
