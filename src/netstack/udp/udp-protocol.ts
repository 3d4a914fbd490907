/** UDP (RFC 768, RFC 1122 4.1, RFC 8200 8.1): manages the sockets of a stack. */
import { DeadlineHeap } from '../../lib/deadline-heap.js';
import type { DropCounter } from '../../lib/drop-counter.js';
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Entropy } from '../../ports/entropy.js';
import { PACKET_HEADROOM } from '../../lib/packets/packet-slot.js';
import { isChecksumValid, sumBytes } from '../../wire/checksum.js';
import { addressKey, type IpAddress, type SocketAddress } from '../../wire/ip-address.js';
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
import type { Outbound } from '../ip/outbound.js';
import type { OwnAddresses } from '../ip/own-addresses.js';
import type { PacketQueue } from '../packet-queue.js';
import { ANY_ADDRESS, UdpDemux } from './udp-demux.js';
import { type UdpHandlers, type UdpHost, UdpSocket } from './udp-socket.js';

/** RFC 6335 6: the first of the dynamic ports. */
const FIRST_EPHEMERAL_PORT = 49_152;
const EPHEMERAL_PORTS = 65_536 - FIRST_EPHEMERAL_PORT;

export interface UdpProtocolOptions {
  readonly outbound: Outbound;
  readonly entropy: Entropy;
  readonly addresses: OwnAddresses;
  readonly drops: DropCounter<DropReason>;
  readonly datagrams: PacketQueue;
  /** Handles a datagram for which no socket exists, and may open one. */
  readonly onUnmatched?: ((packet: Inbound, sourcePort: number, port: number) => void) | undefined;
}

/** The local endpoint of a socket; port 0 selects an ephemeral port. */
export interface UdpBinding {
  readonly address?: IpAddress | undefined;
  readonly port: number;
}

export class UdpProtocol implements UdpHost {
  readonly #options: UdpProtocolOptions;
  readonly #demux = new UdpDemux();
  readonly #timers = new DeadlineHeap<UdpSocket>();
  /** Sockets with an idle timeout that were used since the last settle(). */
  #touched: UdpSocket[] = [];

  constructor(options: UdpProtocolOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#demux.size;
  }

  /** The indexes of the local addresses that sockets are bound to. */
  get localIndexes(): readonly number[] {
    return this.#demux.all().map(({ localIndex }) => localIndex);
  }

  /** @throws RangeError if the address is not local or the port is in use */
  bind(local: UdpBinding, handlers: UdpHandlers): UdpSocket {
    const { address } = local;
    const { addresses } = this.#options;
    const localIndex = address === undefined ? ANY_ADDRESS : addresses.select(address, address);
    return this.#open({ localIndex, address: address?.slice() }, local.port, undefined, handlers);
  }

  /**
   * Opens a socket that receives datagrams from one remote endpoint only.
   *
   * @throws RangeError if no local address has the remote address's family or the endpoints are in
   * use
   */
  connect(remote: SocketAddress, local: UdpBinding, handlers: UdpHandlers): UdpSocket {
    const { addresses } = this.#options;
    const localIndex = addresses.select(remote.address, local.address);
    const to = { address: remote.address.slice(), port: remote.port };
    const from = { localIndex, address: addresses.at(localIndex) };
    return this.#open(from, local.port, to, handlers);
  }

  #open(
    local: { localIndex: number; address: IpAddress | undefined },
    wantedPort: number,
    remote: SocketAddress | undefined,
    handlers: UdpHandlers,
  ): UdpSocket {
    const port = wantedPort || this.#selectPort();
    if (this.#demux.isTaken(local.localIndex, port, remote)) {
      throw new RangeError(`UDP port ${port} is in use`);
    }
    const socket = new UdpSocket(this, { ...local, port, remote }, handlers);
    this.#demux.add(socket);
    this.#touch(socket);
    return socket;
  }

  /** Random port selection (RFC 6056 3.3.1). */
  #selectPort(): number {
    const start = randomUint32(this.#options.entropy) % EPHEMERAL_PORTS;
    for (let tries = 0; tries < EPHEMERAL_PORTS; tries++) {
      const port = FIRST_EPHEMERAL_PORT + ((start + tries) % EPHEMERAL_PORTS);
      if (this.#demux.isUnused(port)) return port;
    }
    throw new RangeError('all UDP ports are in use');
  }

  /** Finds the socket that sent a datagram from a local address and port to `remote`. */
  findFor(localIndex: number, port: number, remote: SocketAddress): UdpSocket | undefined {
    return this.#demux.find(localIndex, port, addressKey(remote.address), remote.port);
  }

  /** Handles the datagram in `packet`. Returns false if no socket uses the port. */
  handleInbound(packet: Inbound): boolean {
    const { bytes, offset, localIndex, sourceKey } = packet;
    const { drops, addresses } = this.#options;
    const length = packet.length < UDP_HEADER_LENGTH ? 0 : udpLength(bytes, offset);
    if (length < UDP_HEADER_LENGTH || length > packet.length) {
      drops.count('udp-truncated');
      return true;
    }
    if (!isIntact(packet, length)) {
      drops.count('udp-checksum');
      return true;
    }
    const sourcePort = udpSourcePort(bytes, offset);
    const port = udpDestinationPort(bytes, offset);
    const find = () => this.#demux.find(localIndex, port, sourceKey, sourcePort);
    let socket = find();
    if (socket === undefined && this.#options.onUnmatched !== undefined) {
      this.#options.onUnmatched(packet, sourcePort, port);
      socket = find();
    }
    if (socket === undefined) {
      drops.count('udp-port');
      return false;
    }
    this.#touch(socket);
    const from = { address: packet.source.slice(), port: sourcePort };
    const payload = bytes.slice(offset + UDP_HEADER_LENGTH, offset + length);
    socket.onDatagram(payload, from, addresses.at(localIndex));
    return true;
  }

  send(socket: UdpSocket, payload: Uint8Array, to: SocketAddress, from?: IpAddress): boolean {
    const { addresses, outbound, datagrams, drops } = this.#options;
    const address = addresses.at(addresses.select(to.address, from));
    const local = { address, port: socket.port };
    const header = outbound.createHeader(local, to, PROTOCOL_UDP);
    const length = UDP_HEADER_LENGTH + payload.length;
    if (header.length + length > outbound.mtu) return false;
    const slot = outbound.slots.allocate(header.length + length);
    const offset = PACKET_HEADROOM + header.length;
    header.write(slot, PACKET_HEADROOM, length);
    writeUdpPorts(slot, offset, socket.port, to.port);
    slot.set(payload, offset + UDP_HEADER_LENGTH);
    finishUdp(slot, offset, length, header.pseudoSum(length));
    if (!datagrams.offerAll(outbound.fit(slot, to.address))) {
      drops.count('queue-full');
      return false;
    }
    outbound.flows.note(PROTOCOL_UDP, local, to);
    this.#touch(socket);
    return true;
  }

  close(socket: UdpSocket): void {
    this.#demux.remove(socket);
    this.#timers.remove(socket);
  }

  /** Closes sockets whose local address was removed, and calls their onAddressGone(). */
  addressesChanged(): void {
    const { addresses } = this.#options;
    for (const socket of this.#demux.all()) {
      const { localIndex } = socket;
      if (socket.isClosed || localIndex === ANY_ADDRESS || addresses.isOurs(localIndex)) continue;
      socket.close();
      socket.onAddressGone?.();
    }
  }

  closeAll(): void {
    for (const socket of this.#demux.all()) socket.close();
  }

  #touch(socket: UdpSocket): void {
    if (socket.idleTimeout === Infinity || socket.isTouched) return;
    socket.isTouched = true;
    this.#touched.push(socket);
  }

  /** Restarts the idle timers of sockets that were used since the last call. */
  settle(now: number): void {
    if (this.#touched.length === 0) return;
    for (const socket of this.#touched) {
      socket.isTouched = false;
      if (socket.isClosed) continue;
      socket.deadline = now + socket.idleTimeout;
      this.#timers.update(socket);
    }
    this.#touched = [];
  }

  nextTimeout(): number {
    return this.#timers.next();
  }

  handleTimeout(now: number): void {
    this.settle(now);
    for (;;) {
      const socket = this.#timers.popDue(now);
      if (socket === undefined) return;
      socket.close();
      socket.onIdle?.();
    }
  }
}

/** RFC 1122 4.1.3.4: a nonzero checksum MUST be correct. RFC 8200 8.1: IPv6 requires a checksum. */
function isIntact(packet: Inbound, length: number): boolean {
  const { bytes, offset } = packet;
  if (udpChecksum(bytes, offset) === 0) return !packet.isIpv6;
  const pseudoSum = packet.pseudoSum(PROTOCOL_UDP, length);
  return isChecksumValid(pseudoSum + sumBytes(bytes, offset, length));
}
