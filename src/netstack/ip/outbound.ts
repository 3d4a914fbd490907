import { randomUint32 } from '../../lib/random-uint32.js';
import type { Entropy } from '../../ports/entropy.js';
import { packetLength, type PacketSlots } from '../../lib/packets/packet-slot.js';
import { addressKey, type IpAddress, type SocketAddress } from '../../wire/ip-address.js';
import { Flows } from './flows.js';
import { fragment } from './fragmentation.js';
import { IpHeader } from './ip-header.js';
import { PathMtus } from './path-mtu.js';

/** The IP services that the upper layers use to send: headers, path MTUs, and fragmentation. */
export class Outbound {
  /** The tunnel's MTU: the maximum packet size for any path. */
  readonly mtu: number;
  readonly slots: PacketSlots;
  readonly flows: Flows;
  readonly paths: PathMtus;
  readonly #entropy: Entropy;

  constructor(mtu: number, slots: PacketSlots, entropy: Entropy) {
    this.mtu = mtu;
    this.slots = slots;
    this.flows = new Flows(entropy);
    this.paths = new PathMtus(mtu);
    this.#entropy = entropy;
  }

  /** Creates the header of a flow. For an ICMP echo, the identifier replaces the ports. */
  createHeader(local: SocketAddress, remote: SocketAddress, protocol: number): IpHeader {
    const label = local.address.length === 16 ? this.flows.label(protocol, local, remote) : 0;
    return new IpHeader(local.address, remote.address, protocol, label);
  }

  /** The known path MTU to `remote`, in octets. */
  pathMtu(remote: IpAddress): number {
    return this.paths.of(addressKey(remote));
  }

  /**
   * Returns the packet in `slot`, fragmented if it exceeds the path MTU. TCP does not need this,
   * because its segments fit. The identification is random, as RFC 7739 and RFC 6864 4.3 permit.
   */
  fit(slot: Uint8Array, remote: IpAddress): readonly Uint8Array[] {
    const pathMtu = this.pathMtu(remote);
    if (packetLength(slot) <= pathMtu) return [slot];
    return fragment(slot, pathMtu, randomUint32(this.#entropy), this.slots);
  }
}
