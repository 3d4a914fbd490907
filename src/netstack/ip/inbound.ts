import { addressKey, type IpAddress } from '../../wire/ip-address.js';
import {
  ipv4Destination,
  ipv4HeaderError,
  ipv4HeaderLength,
  ipv4IsFragment,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  ipVersion,
} from '../../wire/ipv4.js';
import type { DropReason } from '../drop-reason.js';
import { isUnicast, type OwnAddresses } from './own-addresses.js';

const NOTHING = new Uint8Array(0);

/** An arriving IP packet. One object serves all packets in turn. */
export class Inbound {
  bytes: Uint8Array = NOTHING;
  /** The index of our address that it was sent to. */
  localIndex = 0;
  /** The source address as addressKey() makes it, without an object for IPv4. */
  sourceKey: number | string = 0;
  protocol = 0;
  /** What lies behind the IP header. */
  offset = 0;
  length = 0;

  /** The source address, as a view into the packet. */
  get source(): IpAddress {
    return ipv4Source(this.bytes, 0);
  }

  /** The destination address, as a view into the packet. */
  get destination(): IpAddress {
    return ipv4Destination(this.bytes, 0);
  }

  /** Takes a packet; says why it is none for us, if so. */
  parse(packet: Uint8Array, addresses: OwnAddresses): DropReason | undefined {
    if (packet.length === 0) return 'ip-truncated';
    if (ipVersion(packet, 0) !== 4) return 'ip-version';
    const error = ipv4HeaderError(packet);
    if (error !== undefined) return error;
    // Reassembly is not here yet: peers inside the tunnel send no more than its MTU.
    if (ipv4IsFragment(packet, 0)) return 'ip-fragment';
    this.bytes = packet;
    const localIndex = addresses.indexOf(this.destination);
    if (localIndex === undefined) return 'ip-destination';
    const { source } = this;
    if (!isUnicast(source)) return 'ip-source';
    this.localIndex = localIndex;
    this.sourceKey = addressKey(source);
    this.protocol = ipv4Protocol(packet, 0);
    this.offset = ipv4HeaderLength(packet, 0);
    this.length = ipv4TotalLength(packet, 0) - this.offset;
    return undefined;
  }

  /** Lets go of the packet. */
  release(): void {
    this.bytes = NOTHING;
  }
}
