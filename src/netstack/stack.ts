/**
 * A TCP/IP host without an operating system. The stack receives and emits IP packets, and exposes
 * one deadline for all its timers.
 *
 * After each call that changes the stack's state (handlePacket, handleTimeout, a call on a
 * connection), the caller must call drain(). All calls are synchronous; `now` is monotonic, in
 * milliseconds.
 */
import { DropCounter } from '../lib/drop-counter.js';
import { PacketSlots } from '../lib/packets/packet-slot.js';
import type { IpAddress, SocketAddress } from '../wire/ip-address.js';
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from '../wire/ipv4.js';
import { PROTOCOL_ICMPV6 } from '../wire/ipv6.js';
import { Drain } from './drain.js';
import type { DropReason } from './drop-reason.js';
import type { EchoHandlers, EchoSocket } from './icmp/echo-socket.js';
import { IcmpErrorSender } from './icmp/icmp-error-sender.js';
import { IcmpErrors } from './icmp/icmp-errors.js';
import { type EchoReplyHandler, IcmpProtocol } from './icmp/icmp-protocol.js';
import { Inbound } from './ip/inbound.js';
import { IpProtocol } from './ip/ip-protocol.js';
import { Outbound } from './ip/outbound.js';
import { ForeignPackets } from './gateway/foreign-packets.js';
import type { GatewayHandlers } from './gateway/gateway.js';
import { type Adoption, isUnicast, OwnAddresses } from './ip/own-addresses.js';
import { DEFAULT_LIMITS, type StackLimits } from './limits.js';
import { PacketQueue } from './packet-queue.js';
import {
  assertMtu,
  assertPort,
  type ConnectOptions,
  type ConnectUdpOptions,
  type ListenOptions,
  type StackOptions,
} from './stack-options.js';
import type { TcpConnection } from './tcp/connection.js';
import type { ConnectionHandler, LocalBinding, TcpListener } from './tcp/open/listener.js';
import type { TcpObserver } from './tcp/observer.js';
import { TcpProtocol } from './tcp/tcp-protocol.js';
import { UdpProtocol } from './udp/udp-protocol.js';
import type {
  DatagramHandler,
  UdpErrorHandler,
  UdpSocket,
  UdpSocketOptions,
} from './udp/udp-socket.js';

export type { DropReason } from './drop-reason.js';
export type {
  ConnectionAttempt,
  DatagramFlow,
  ForeignEcho,
  GatewayHandlers,
  Unreachable,
} from './gateway/gateway.js';
export type { EchoError, EchoHandlers, EchoSocket } from './icmp/echo-socket.js';
export type { EchoReply, EchoReplyHandler } from './icmp/icmp-protocol.js';
export type { StackLimits } from './limits.js';
export type {
  ConnectOptions,
  ConnectUdpOptions,
  ListenOptions,
  StackOptions,
} from './stack-options.js';
export { StackExhaustedError } from './tcp/open/open.js';

const DEFAULT_BUDGET = 256;

/** The maximum number of replies queued for peers; further ones are dropped. */
const CONTROL_QUEUE = 1024;

/** The number of addresses that a gateway can adopt in addition to those of TCP connections. */
const ADOPTED_ADDRESSES = 4096;

export class Stack {
  readonly drops = new DropCounter<DropReason>();
  readonly #addresses: OwnAddresses;
  readonly #tcp: TcpProtocol;
  readonly #udp: UdpProtocol;
  readonly #icmp: IcmpProtocol;
  readonly #errors: IcmpErrorSender;
  readonly #ip: IpProtocol;
  readonly #outbound: Outbound;
  readonly #inbound = new Inbound();
  readonly #drain: Drain;
  readonly #slots = new PacketSlots();

  /** @throws RangeError if an option is out of range */
  constructor(options: StackOptions, now: number) {
    const { mtu, entropy } = options;
    const limits: StackLimits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#addresses = new OwnAddresses(
      options.addresses,
      options.gateway && this.#adoption(limits),
    );
    assertMtu(mtu, this.#addresses.hasIpv6);
    const control = new PacketQueue(CONTROL_QUEUE);
    const datagrams = new PacketQueue(limits.queuedDatagrams);
    const slots = this.#slots;
    this.#outbound = new Outbound(mtu, slots, entropy);
    const shared = {
      mtu,
      entropy,
      congestion: options.congestion ?? 'bbr',
      slots,
      outbound: this.#outbound,
      limits,
      addresses: this.#addresses,
      drops: this.drops,
      control,
      datagrams,
      unmatched: options.unmatched,
      sequences: options.sequences,
      ...(options.gateway && this.#gatewayParts(options.gateway)),
    };
    this.#tcp = new TcpProtocol(shared, now);
    this.#udp = new UdpProtocol(shared);
    this.#errors = new IcmpErrorSender(shared, now);
    this.#ip = new IpProtocol({ ...shared, errors: this.#errors });
    const onError = (packet: Inbound, at: number): void => {
      const outcome = errors.handle(packet, at);
      if (outcome !== 'taken') this.drops.count(outcome);
    };
    this.#icmp = new IcmpProtocol(shared, onError, now);
    const users = { tcp: this.#tcp, udp: this.#udp, echoes: this.#icmp.sockets };
    const errors = new IcmpErrors({ ...shared, ...users });
    this.#drain = new Drain(control, datagrams, this.#tcp);
  }

  #adoption({ connections, timeWaits }: StackLimits): Adoption {
    return {
      most: connections + timeWaits + ADOPTED_ADDRESSES,
      held: () =>
        new Set([
          ...this.#tcp.localIndexes,
          ...this.#udp.localIndexes,
          ...(this.#tcp.attempts?.localIndexes ?? []),
        ]),
    };
  }

  #gatewayParts(handlers: GatewayHandlers) {
    const foreign = new ForeignPackets(handlers, {
      addresses: this.#addresses,
      errors: () => this.#errors,
      replay: (packet, now) => this.handlePacket(packet, now),
      reply: (echo) => this.#icmp.sendEchoReply(echo),
    });
    return {
      attempts: foreign.attempts,
      onUnmatched: foreign.handleDatagram.bind(foreign),
      onForeignEcho: foreign.handleEcho.bind(foreign),
    };
  }

  /** The number of entries in each table, and the number of octets in buffers. */
  get usage(): {
    connections: number;
    timeWaits: number;
    listeners: number;
    udpSockets: number;
    echoSockets: number;
    bufferBytes: number;
    reassemblyBytes: number;
  } {
    return {
      connections: this.#tcp.connections,
      timeWaits: this.#tcp.timeWaits,
      listeners: this.#tcp.listeners.size,
      udpSockets: this.#udp.size,
      echoSockets: this.#icmp.sockets.size,
      bufferBytes: this.#tcp.budget.used,
      reassemblyBytes: this.#ip.reassemblyBytes,
    };
  }

  /** The local addresses, in the order given. */
  get addresses(): readonly IpAddress[] {
    return this.#addresses.all;
  }

  /**
   * Replaces the local addresses. Closes connections and sockets bound to a removed address, but
   * not listeners. Other connections and sockets continue.
   *
   * @throws RangeError as the constructor does; the addresses then stay unchanged
   */
  setAddresses(addresses: readonly IpAddress[]): void {
    const hasIpv6 = addresses.some((address) => address.length === 16);
    assertMtu(this.#outbound.mtu, hasIpv6);
    this.#addresses.replace(addresses, (index) => this.#tcp.listeners.hasAt(index));
    this.#tcp.addressesChanged();
    this.#udp.addressesChanged();
    this.#icmp.sockets.addressesChanged();
  }

  /**
   * Handles an IP packet from the tunnel. Does not keep a reference to the packet, and never throws
   * because of its content.
   */
  handlePacket(packet: Uint8Array, now: number): void {
    const inbound = this.#inbound;
    if (this.#ip.receive(packet, inbound, now)) this.#deliver(inbound, now);
    inbound.release();
  }

  #deliver(inbound: Inbound, now: number): void {
    switch (inbound.protocol) {
      case PROTOCOL_TCP:
        this.#tcp.handleInbound(inbound, now);
        break;
      case PROTOCOL_UDP:
        if (!this.#udp.handleInbound(inbound)) this.#errors.sendPortUnreachable(inbound, now);
        break;
      case inbound.isIpv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP:
        this.#icmp.handleInbound(inbound, now);
        break;
      default:
        // This packet is IPv4: IPv6 packets with an unknown protocol were dropped earlier.
        this.drops.count('ip-protocol');
        this.#errors.sendProtocolUnreachable(inbound, now);
    }
  }

  handleTimeout(now: number): void {
    this.#tcp.handleTimeout(now);
    this.#udp.handleTimeout(now);
    this.#ip.handleTimeout(now);
    const { paths } = this.#outbound;
    for (let key = paths.expire(now); key !== undefined; key = paths.expire(now)) {
      this.#tcp.pathMtuChanged(key, now);
    }
  }

  /**
   * Notifies TCP that the path to the remote addresses selected by `carries` works again. Data that
   * timed out is retransmitted in the next call of handleTimeout(), which is due at `now`.
   */
  retransmitNow(carries: (remote: IpAddress) => boolean, now: number): void {
    this.#tcp.retransmitNow(carries, now);
  }

  /** The IP packets that TCP has sent again, and their bytes. */
  get tcpRetransmitted(): Readonly<{ packets: number; bytes: number }> {
    return this.#tcp.retransmitted;
  }

  /** When a retransmission timer of TCP last expired, in ms; -Infinity if never. */
  get tcpTimedOutAt(): number {
    return this.#tcp.timedOutAt;
  }

  /** When handleTimeout() is due next; Infinity if never. Valid only after drain(). */
  nextTimeout(): number {
    return Math.min(
      this.#tcp.nextTimeout(),
      this.#udp.nextTimeout(),
      this.#ip.nextTimeout(),
      this.#outbound.paths.nextTimeout(),
    );
  }

  /**
   * Emits the packets that may be sent now; connections send in turns. `emit` becomes the owner of
   * each packet's slot (src/lib/packets/packet-slot.ts).
   *
   * @param budget the maximum number of packets
   * @returns true if packets remain after the budget is used up
   */
  drain(emit: (slot: Uint8Array) => void, now: number, budget = DEFAULT_BUDGET): boolean {
    this.#udp.settle(now);
    return this.#drain.run(emit, now, budget);
  }

  /**
   * Allows the slots of emitted packets to be used again, unless packets wait. Call this only if
   * no emitted slot is in use any more.
   */
  recycle(): void {
    if (!this.#drain.hasPackets) this.#slots.recycle();
  }

  /** Like recycle(), also if packets wait, which must not be emitted afterwards. */
  discard(): void {
    this.#slots.recycle();
  }

  /**
   * Opens a TCP connection. The observer is never called before this method returns.
   *
   * @throws RangeError if `localAddress` or a port is invalid
   * @throws StackExhaustedError if the connection limit is reached or no port is free
   */
  connectTcp(
    remote: SocketAddress,
    observer: TcpObserver,
    now: number,
    options: ConnectOptions = {},
  ): TcpConnection {
    assertPort(remote.port, 1);
    assertPort(options.localPort ?? 0, 0);
    if (!this.isHost(remote.address))
      throw new RangeError('the remote address must belong to another host');
    return this.#tcp.connect(remote, observer, now, options);
  }

  /**
   * Listens on one local address, or on all.
   *
   * @throws RangeError if the address is not local or the binding already exists
   */
  listenTcp(
    local: LocalBinding,
    onConnection: ConnectionHandler,
    options: ListenOptions = {},
  ): TcpListener {
    assertPort(local.port, 1);
    return this.#tcp.listen(local, onConnection, options);
  }

  /**
   * Binds a UDP port; 0 selects an ephemeral port.
   *
   * @throws RangeError if the address is not local or the port is in use
   */
  bindUdp(
    local: LocalBinding,
    onDatagram: DatagramHandler,
    onError?: UdpErrorHandler,
    options: UdpSocketOptions = {},
  ): UdpSocket {
    assertPort(local.port, 0);
    return this.#udp.bind(local, { ...options, onDatagram, onError });
  }

  /**
   * Opens a UDP socket that receives datagrams from one remote endpoint only.
   *
   * @throws RangeError if no local address has the remote address's family, or if the endpoints or
   * all ports are in use
   */
  connectUdp(
    remote: SocketAddress,
    onDatagram: DatagramHandler,
    onError?: UdpErrorHandler,
    options: ConnectUdpOptions = {},
  ): UdpSocket {
    const { localAddress: address, localPort: port = 0 } = options;
    assertPort(remote.port, 1);
    assertPort(port, 0);
    return this.#udp.connect(remote, { address, port }, { ...options, onDatagram, onError });
  }

  /**
   * Opens a socket that sends echo requests to one host and receives its replies.
   *
   * @throws RangeError if no local address has the remote address's family, or too many sockets are
   * open
   */
  openEcho(remote: IpAddress, handlers: EchoHandlers): EchoSocket {
    return this.#icmp.sockets.open(remote, handlers);
  }

  /** Whether a local address of the same family as `remote` exists. */
  hasAddressFor(remote: IpAddress): boolean {
    return this.#addresses.firstFor(remote) >= 0;
  }

  /** Whether `remote` is a unicast address that is not local (RFC 9293 3.9.1.1, MUST-46). */
  isHost(remote: IpAddress): boolean {
    return isUnicast(remote) && this.#addresses.indexOf(remote) === undefined;
  }

  /** The known path MTU to `remote`, in octets. */
  pathMtu(remote: IpAddress): number {
    return this.#outbound.pathMtu(remote);
  }

  /**
   * Queues an echo request.
   *
   * @param from the source address; by default the first address of the family
   * @returns false if the echo was dropped because it exceeds the MTU or the queue is full
   */
  sendEcho(
    to: IpAddress,
    identifier: number,
    sequence: number,
    payload: Uint8Array,
    from?: IpAddress,
  ): boolean {
    return this.#icmp.sendEcho({ to, identifier, sequence, payload, from });
  }

  /** The handler of echo replies; undefined to ignore them. */
  get onEchoReply(): EchoReplyHandler | undefined {
    return this.#icmp.onEchoReply;
  }

  set onEchoReply(handler: EchoReplyHandler | undefined) {
    this.#icmp.onEchoReply = handler;
  }

  /** Resets all connections and closes listeners and sockets. Call drain() to send the resets. */
  close(now: number): void {
    this.#tcp.close(now);
    this.#udp.closeAll();
    this.#icmp.sockets.closeAll();
  }
}
