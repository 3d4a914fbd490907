import { randomUint32 } from '../../lib/random-uint32.js';
import type { Entropy } from '../../ports/entropy.js';
import { packetInSlot, type PacketSlots } from '../../lib/packet-slot.js';
import { addressKey, type IpAddress, type SocketAddress } from '../../wire/ip-address.js';
import { Flows } from './flows.js';
import { fragment } from './fragmentation.js';
import { IpHeader } from './ip-header.js';
import { PathMtus } from './path-mtu.js';

/** What the upper layers need of IP to send: a flow's header, its path, and fragments. */
export class Outbound {
  /** The tunnel's MTU: no packet is larger, whatever its path. */
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

  /** The header of a flow; for ICMP echo its identifier stands in the place of the ports. */
  createHeader(local: SocketAddress, remote: SocketAddress, protocol: number): IpHeader {
    const label = local.address.length === 16 ? this.flows.label(protocol, local, remote) : 0;
    return new IpHeader(local.address, remote.address, protocol, label);
  }

  /** The largest packet that reaches `remote`, as far as it is known. */
  pathMtu(remote: IpAddress): number {
    return this.paths.of(addressKey(remote));
  }

  /**
   * The packet in `slot`, in pieces where its path is too narrow. Not for TCP, whose segments fit.
   * RFC 7739 and RFC 6864 4.3: an identification is drawn at random.
   */
  fit(slot: Uint8Array, remote: IpAddress): readonly Uint8Array[] {
    const pathMtu = this.pathMtu(remote);
    if (packetInSlot(slot).length <= pathMtu) return [slot];
    return fragment(slot, pathMtu, randomUint32(this.#entropy), this.slots);
  }
}
