/** UDP (RFC 768, RFC 1122 4.1): sockets by local address and port. */
import type { DropCounter } from '../../lib/drop-counter.js';
import { type Entropy, randomUint32 } from '../../lib/entropy.js';
import { PACKET_HEADROOM, type PacketSlots } from '../../lib/packet-slot.js';
import { isChecksumValid, sumBytes, sumPseudoHeader } from '../../wire/checksum.js';
import type { IpAddress, SocketAddress } from '../../wire/ip-address.js';
import { PROTOCOL_UDP } from '../../wire/ipv4.js';
import {
  finishUdp,
  UDP_HEADER_LENGTH,
  udpChecksum,
  udpDestinationPort,
  udpLength,
  udpSourcePort,
  writeUdpPorts,
} from '../../wire/udp.js';
import type { DropReason } from '../drop-reason.js';
import type { Inbound } from '../ip/inbound.js';
import { IpHeader } from '../ip/ip-header.js';
import type { OwnAddresses } from '../ip/own-addresses.js';
import type { PacketQueue } from '../packet-queue.js';
import {
  type DatagramHandler,
  type UdpErrorHandler,
  type UdpHost,
  UdpSocket,
} from './udp-socket.js';

/** RFC 6335 6: the dynamic ports. */
const FIRST_EPHEMERAL_PORT = 49_152;
const EPHEMERAL_PORTS = 65_536 - FIRST_EPHEMERAL_PORT;

const ANY_ADDRESS = -1;

export interface UdpLayerOptions {
  readonly mtu: number;
  readonly entropy: Entropy;
  readonly addresses: OwnAddresses;
  readonly drops: DropCounter<DropReason>;
  readonly slots: PacketSlots;
  readonly datagrams: PacketQueue;
}

function key(localIndex: number, port: number): number {
  return (localIndex + 1) * 0x10000 + port;
}

export class UdpLayer implements UdpHost {
  readonly #options: UdpLayerOptions;
  readonly #sockets = new Map<number, UdpSocket>();

  constructor(options: UdpLayerOptions) {
    this.#options = options;
  }

  /** Sockets bound. */
  get size(): number {
    return this.#sockets.size;
  }

  /** @throws RangeError when the address is not ours or the port is taken */
  bind(
    local: { address?: IpAddress; port: number },
    onDatagram: DatagramHandler,
    onError?: UdpErrorHandler,
  ): UdpSocket {
    const localIndex = this.#indexOf(local.address);
    const port = local.port || this.#selectPort(localIndex);
    const place = key(localIndex, port);
    if (this.#sockets.has(place)) throw new RangeError(`UDP port ${port} is in use`);
    const address = local.address?.slice();
    const socket = new UdpSocket(this, { address, port }, onDatagram, onError);
    this.#sockets.set(place, socket);
    return socket;
  }

  #indexOf(address: IpAddress | undefined): number {
    return address === undefined ? ANY_ADDRESS : this.#options.addresses.select(address, address);
  }

  /** Random port selection: RFC 6056 3.3.1. */
  #selectPort(localIndex: number): number {
    const start = randomUint32(this.#options.entropy) % EPHEMERAL_PORTS;
    for (let tries = 0; tries < EPHEMERAL_PORTS; tries++) {
      const port = FIRST_EPHEMERAL_PORT + ((start + tries) % EPHEMERAL_PORTS);
      if (!this.#sockets.has(key(localIndex, port))) return port;
    }
    throw new RangeError('all UDP ports are in use');
  }

  /** The socket for that address and port: the one bound to just it goes first. */
  find(localIndex: number, port: number): UdpSocket | undefined {
    return this.#sockets.get(key(localIndex, port)) ?? this.#sockets.get(key(ANY_ADDRESS, port));
  }

  /** Handles the datagram in `packet`; false when no socket has the port. */
  handleInbound(packet: Inbound): boolean {
    const { bytes, offset } = packet;
    const { drops } = this.#options;
    const length = packet.length < UDP_HEADER_LENGTH ? 0 : udpLength(bytes, offset);
    if (length < UDP_HEADER_LENGTH || length > packet.length) {
      drops.count('udp-truncated');
      return true;
    }
    if (!this.#isIntact(packet, length)) {
      drops.count('udp-checksum');
      return true;
    }
    const socket = this.find(packet.localIndex, udpDestinationPort(bytes, offset));
    if (socket === undefined) {
      drops.count('udp-port');
      return false;
    }
    const from = { address: packet.source.slice(), port: udpSourcePort(bytes, offset) };
    const payload = bytes.slice(offset + UDP_HEADER_LENGTH, offset + length);
    socket.onDatagram(payload, from, this.#options.addresses.at(packet.localIndex));
    return true;
  }

  /** RFC 1122 4.1.3.4: a checksum that is there MUST be right. */
  #isIntact(packet: Inbound, length: number): boolean {
    const { bytes, offset } = packet;
    if (udpChecksum(bytes, offset) === 0) return true;
    const pseudoSum = sumPseudoHeader(packet.source, packet.destination, PROTOCOL_UDP, length);
    return isChecksumValid(pseudoSum + sumBytes(bytes, offset, length));
  }

  send(socket: UdpSocket, payload: Uint8Array, to: SocketAddress, from?: IpAddress): boolean {
    const { addresses, slots, mtu, datagrams, drops } = this.#options;
    const source = addresses.at(addresses.select(to.address, from));
    const header = new IpHeader(source, to.address, PROTOCOL_UDP);
    const length = UDP_HEADER_LENGTH + payload.length;
    if (header.length + length > mtu) return false;
    const slot = slots.allocate(header.length + length);
    const offset = PACKET_HEADROOM + header.length;
    header.write(slot, PACKET_HEADROOM, length);
    writeUdpPorts(slot, offset, socket.port, to.port);
    slot.set(payload, offset + UDP_HEADER_LENGTH);
    finishUdp(slot, offset, length, header.pseudoSum(length));
    if (datagrams.offer(slot)) return true;
    drops.count('queue-full');
    return false;
  }

  close(socket: UdpSocket): void {
    const place = key(this.#indexOf(socket.address), socket.port);
    if (this.#sockets.get(place) === socket) this.#sockets.delete(place);
  }

  /** Forgets all sockets. */
  closeAll(): void {
    for (const socket of [...this.#sockets.values()]) socket.close();
  }
}
