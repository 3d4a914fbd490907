/**
 * Detects routing loops. If the route to the peer's endpoint leads into the tunnel, each message to
 * the peer returns as a packet for the peer, longer each time, until it is fragmented at the MTU.
 * The Linux kernel drops such packets. Without this check, a tunnel over the system's UDP sockets
 * would loop forever and use all CPU time.
 */
import { PACKET_HEADROOM, PACKET_TAILROOM } from '../../lib/packets/packet-slot.js';
import {
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Protocol,
  ipVersion,
  PROTOCOL_UDP,
} from '../../wire/ipv4.js';
import {
  FRAGMENT_HEADER,
  IPV6_HEADER_LENGTH,
  IPV6_NEXT_HEADER,
  skipExtensionHeaders,
} from '../../wire/ipv6.js';
import { UDP_HEADER_LENGTH } from '../../wire/udp.js';
import type { IndexTable } from '../handshake/index-table.js';
import {
  DATA,
  INITIATION,
  MESSAGE_DATA,
  MESSAGE_INITIATION,
  MESSAGE_RESPONSE,
  readUint32,
} from '../messages.js';
import type { Peer } from '../peer.js';

/**
 * Whether the packet in `slot` is a message that was sent to `peer`, or the first fragment of such
 * a message. Compares the random indices, which only this device and the peer know.
 */
export function isMessageTo(peer: Peer, indices: IndexTable<Peer>, slot: Uint8Array): boolean {
  const udp = udpOffset(slot);
  if (udp === undefined) return false;
  const message = udp + UDP_HEADER_LENGTH;
  if (message + DATA.minimumLength > slot.length - PACKET_TAILROOM) return false;
  switch (readUint32(slot, message)) {
    case MESSAGE_DATA: {
      const index = readUint32(slot, message + DATA.receiverIndex);
      const { current, previous } = peer.keypairs;
      return index === current?.remoteIndex || index === previous?.remoteIndex;
    }
    case MESSAGE_INITIATION:
    case MESSAGE_RESPONSE:
      // The sender index is at the same offset in both messages.
      return indices.lookup(readUint32(slot, message + INITIATION.senderIndex))?.peer === peer;
    default:
      return false;
  }
}

function udpOffset(slot: Uint8Array): number | undefined {
  if (ipVersion(slot, PACKET_HEADROOM) === 4) {
    const isFirst = ipv4FragmentOffset(slot, PACKET_HEADROOM) === 0;
    if (!isFirst || ipv4Protocol(slot, PACKET_HEADROOM) !== PROTOCOL_UDP) return undefined;
    return PACKET_HEADROOM + ipv4HeaderLength(slot, PACKET_HEADROOM);
  }
  // The only extension header that the system adds to the device's datagrams is a fragment header.
  const next = slot[PACKET_HEADROOM + IPV6_NEXT_HEADER];
  if (next === PROTOCOL_UDP) return PACKET_HEADROOM + IPV6_HEADER_LENGTH;
  if (next !== FRAGMENT_HEADER) return undefined;
  const upper = skipExtensionHeaders(slot, PACKET_HEADROOM, slot.length - PACKET_TAILROOM);
  return upper?.protocol === PROTOCOL_UDP ? upper.offset : undefined;
}
