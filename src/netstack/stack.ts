/**
 * A TCP/IP host without an operating system: IP packets in, IP packets out, one deadline.
 *
 * The caller mutates it (handlePacket, handleTimeout, a call on a connection) and then calls
 * drain(). Everything is synchronous; time comes in as `now`, in monotonic milliseconds.
 */
import { DropCounter } from '../lib/drop-counter.js';
import { PacketSlots } from '../lib/packet-slot.js';
import type { IpAddress, SocketAddress } from '../wire/ip-address.js';
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from '../wire/ipv4.js';
import { PROTOCOL_ICMPV6 } from '../wire/ipv6.js';
import { Drain } from './drain.js';
import type { DropReason } from './drop-reason.js';
import { IcmpErrorSender } from './icmp/icmp-error-sender.js';
import { IcmpErrors } from './icmp/icmp-errors.js';
import { type EchoReplyHandler, IcmpProtocol } from './icmp/icmp-protocol.js';
import { Inbound } from './ip/inbound.js';
import { IpProtocol } from './ip/ip-protocol.js';
import { Outbound } from './ip/outbound.js';
import { isUnicast, OwnAddresses } from './ip/own-addresses.js';
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

/** Answers to peers that wait for a drain; more are dropped. */
const CONTROL_QUEUE = 1024;

export class Stack {
  /** What was dropped, by reason. */
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

  /** @throws RangeError when an option is out of range */
  constructor(options: StackOptions, now: number) {
    const { mtu, entropy } = options;
    this.#addresses = new OwnAddresses(options.addresses);
    assertMtu(mtu, this.#addresses.hasIpv6);
    const limits: StackLimits = { ...DEFAULT_LIMITS, ...options.limits };
    const control = new PacketQueue(CONTROL_QUEUE);
    const datagrams = new PacketQueue(limits.queuedDatagrams);
    const slots = new PacketSlots();
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
    };
    this.#tcp = new TcpProtocol(shared, now);
    this.#udp = new UdpProtocol(shared);
    this.#errors = new IcmpErrorSender(shared, now);
    this.#ip = new IpProtocol({ ...shared, errors: this.#errors });
    const errors = new IcmpErrors({ ...shared, tcp: this.#tcp, udp: this.#udp });
    const onError = (packet: Inbound, at: number): void => {
      const outcome = errors.handle(packet, at);
      if (outcome !== 'taken') this.drops.count(outcome);
    };
    this.#icmp = new IcmpProtocol(shared, onError, now);
    this.#drain = new Drain(control, datagrams, this.#tcp);
  }

  /** Sizes of the tables, and bytes of storage that connections hold. */
  get usage(): {
    connections: number;
    timeWaits: number;
    listeners: number;
    udpSockets: number;
    bufferBytes: number;
    reassemblyBytes: number;
  } {
    return {
      connections: this.#tcp.connections,
      timeWaits: this.#tcp.timeWaits,
      listeners: this.#tcp.listeners.size,
      udpSockets: this.#udp.size,
      bufferBytes: this.#tcp.budget.used,
      reassemblyBytes: this.#ip.reassemblyBytes,
    };
  }

  /** Our addresses, in the order in which they were given. */
  get addresses(): readonly IpAddress[] {
    return this.#addresses.all;
  }

  /**
   * Takes others in the place of our addresses. What is bound to one that is gone ends, but for
   * listeners; what is bound to all, or to one that stays, goes on.
   *
   * @throws RangeError as the constructor does; nothing has changed then
   */
  setAddresses(addresses: readonly IpAddress[]): void {
    const hasIpv6 = addresses.some((address) => address.length === 16);
    assertMtu(this.#outbound.mtu, hasIpv6);
    this.#addresses.replace(addresses, (index) => this.#tcp.listeners.hasAt(index));
    this.#tcp.addressesChanged();
    this.#udp.addressesChanged();
  }

  /** Takes one IP packet from the tunnel; keeps no reference to it. Never throws for its content. */
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
        // Of IPv4: the IPv6 headers have been walked to a protocol that is known.
        this.drops.count('ip-protocol');
        this.#errors.sendProtocolUnreachable(inbound, now);
    }
  }

  /** Does what is due at `now`; harmless when nothing is. */
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
   * To be called when the path to some remote addresses carries again: what TCP has sent there in
   * vain more than once is sent again at the next handleTimeout(), which is due at `now`.
   */
  retransmitNow(carries: (remote: IpAddress) => boolean, now: number): void {
    this.#tcp.retransmitNow(carries, now);
  }

  /** When TCP last sent something again for want of an answer, in `now` ms; -Infinity for never. */
  get tcpTimedOutAt(): number {
    return this.#tcp.timedOutAt;
  }

  /** When handleTimeout() is due next; Infinity when never. Of meaning after drain() alone. */
  nextTimeout(): number {
    return Math.min(
      this.#tcp.nextTimeout(),
      this.#udp.nextTimeout(),
      this.#ip.nextTimeout(),
      this.#outbound.paths.nextTimeout(),
    );
  }

  /**
   * Emits the packets that may leave now, each in a slot (src/lib/packet-slot.ts) that is then the
   * receiver's. Connections take turns.
   *
   * @param budget packets to emit at most
   * @returns true when the budget ran out with work left
   */
  drain(emit: (slot: Uint8Array) => void, now: number, budget = DEFAULT_BUDGET): boolean {
    this.#udp.settle(now);
    return this.#drain.run(emit, now, budget);
  }

  /**
   * Opens a TCP connection. The observer is never called before this returns.
   *
   * @throws RangeError when `localAddress` or a port is not usable
   * @throws StackExhaustedError when no connection or port is left
   */
  connectTcp(
    remote: SocketAddress,
    observer: TcpObserver,
    now: number,
    options: ConnectOptions = {},
  ): TcpConnection {
    assertPort(remote.port, 1);
    assertPort(options.localPort ?? 0, 0);
    if (!this.isHost(remote.address)) throw new RangeError('the remote address is no other host');
    return this.#tcp.connect(remote, observer, now, options);
  }

  /**
   * Listens on one of our addresses, or on all.
   * @throws RangeError when the address is not ours or the binding exists
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
   * Binds a UDP port, 0 for an ephemeral one.
   * @throws RangeError when the address is not ours or the port is in use
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
   * Opens a UDP port towards one remote end; what others send to it is not for it.
   * @throws RangeError when no address of ours fits, or the two ends or all ports are in use
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

  /** Whether we have an address of the family of `remote`. */
  hasAddressFor(remote: IpAddress): boolean {
    return this.#addresses.firstFor(remote) >= 0;
  }

  /** Whether an address may be that of another host: one host's, and not ours (RFC 9293 3.9.1.1, MUST-46). */
  isHost(remote: IpAddress): boolean {
    return isUnicast(remote) && this.#addresses.indexOf(remote) === undefined;
  }

  /** The largest packet that reaches `remote` whole, as far as it is known; in bytes. */
  pathMtu(remote: IpAddress): number {
    return this.#outbound.pathMtu(remote);
  }

  /**
   * Queues an echo request.
   *
   * @param from the source address; the first of the family by default
   * @returns false where it was dropped: too long for the MTU, or the queue is full
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

  /** Who gets echo replies: one handler, or nobody. */
  get onEchoReply(): EchoReplyHandler | undefined {
    return this.#icmp.onEchoReply;
  }

  set onEchoReply(handler: EchoReplyHandler | undefined) {
    this.#icmp.onEchoReply = handler;
  }

  /** Resets all connections and closes all listeners and sockets. Drain once more to tell peers. */
  close(now: number): void {
    this.#tcp.close(now);
    this.#udp.closeAll();
  }
}
