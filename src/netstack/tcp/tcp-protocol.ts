/**
 * Manages a stack's TCP connections and listeners: the order of sending, timers, and shared
 * resources. inbound-segments.ts delivers segments; open.ts creates connections.
 */
import { DeadlineHeap } from '../../lib/deadline-heap.js';
import type { DropCounter } from '../../lib/drop-counter.js';
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Entropy } from '../../ports/entropy.js';
import { MemoryBudget } from '../../lib/memory-budget.js';
import { packetLength, type PacketSlots } from '../../lib/packets/packet-slot.js';
import { randomSipHashKey } from '../../lib/siphash.js';
import { TokenBucket } from '../../lib/token-bucket.js';
import type { IpAddress, SocketAddress } from '../../wire/ip-address.js';
import type { DropReason } from '../drop-reason.js';
import type { ConnectionAttempts } from '../gateway/connection-attempts.js';
import type { Inbound } from '../ip/inbound.js';
import type { Outbound } from '../ip/outbound.js';
import type { OwnAddresses } from '../ip/own-addresses.js';
import type { StackLimits } from '../limits.js';
import type { PacketQueue } from '../packet-queue.js';
import type {
  ConnectOptions,
  LastingSequences,
  ListenOptions,
  UnmatchedSegmentObserver,
} from '../stack-options.js';
import type { CongestionAlgorithm, CongestionControl } from './congestion/congestion-control.js';
import { createCongestionControl } from './congestion/create.js';
import { abortConnection, TcpConnection } from './connection.js';
import { TcpDemux } from './tables/demux.js';
import { dispatch } from './dispatch.js';
import { deliverEvents, terminate } from './events.js';
import { InboundSegments, type InboundSegmentsHost } from './receive/inbound-segments.js';
import { type ConnectionHandler, type LocalBinding, TcpListener } from './open/listener.js';
import { ANY_ADDRESS, ListenerTable } from './tables/listener-table.js';
import { pathMtuChanged } from './network-errors.js';
import type { TcpObserver } from './observer.js';
import { Open, type OpenHost } from './open/open.js';
import { ReadyQueue } from './tables/ready-queue.js';
import { createReset } from './receive/reset.js';
import type { Segment } from './segment.js';
import { UnmatchedSegments } from './tables/unmatched-segments.js';
import type { Tcb } from './tcb.js';
import { TimeWaits } from './tables/time-waits.js';
import { handleTimeouts } from './send/timeouts.js';

/** RFC 5961 7 does not specify a limit. For many years, Linux used 100 per second. */
const CHALLENGE_ACKS_PER_SECOND = 100;

const DEFAULT_BACKLOG = 128;

/** The maximum number of packets that a connection sends in one turn. */
const TURN = 16;

/** The resources that the TCP layer shares with the stack. */
export interface TcpProtocolOptions {
  readonly mtu: number;
  readonly outbound: Outbound;
  readonly limits: StackLimits;
  readonly entropy: Entropy;
  readonly congestion: CongestionAlgorithm;
  readonly addresses: OwnAddresses;
  readonly drops: DropCounter<DropReason>;
  readonly slots: PacketSlots;
  /** The queue for packets sent outside a connection's turn, such as RSTs. */
  readonly control: PacketQueue;
  readonly unmatched?: UnmatchedSegmentObserver | undefined;
  readonly attempts?: ConnectionAttempts | undefined;
  readonly sequences?: LastingSequences | undefined;
}

export class TcpProtocol implements OpenHost, InboundSegmentsHost {
  readonly mtu: number;
  readonly outbound: Outbound;
  readonly drops: DropCounter<DropReason>;
  readonly slots: PacketSlots;
  readonly budget: MemoryBudget;
  readonly challengeAcks: TokenBucket;
  readonly demux = new TcpDemux();
  readonly listeners = new ListenerTable();
  readonly addresses: OwnAddresses;
  readonly unmatchedSegments: UnmatchedSegments | undefined;
  readonly attempts: ConnectionAttempts | undefined;
  #timedOutAt = -Infinity;
  readonly #retransmitted = { packets: 0, bytes: 0 };
  readonly #limits: StackLimits;
  readonly #random: () => number;
  readonly #congestion: CongestionAlgorithm;
  readonly #control: PacketQueue;
  readonly #open: Open;
  readonly #inbound: InboundSegments;
  readonly #timers = new DeadlineHeap<Tcb>();
  readonly #ready = new ReadyQueue();
  readonly #timeWaits: TimeWaits;
  #sink: (slot: Uint8Array) => void = ignore;

  constructor(options: TcpProtocolOptions, now: number) {
    const { entropy } = options;
    this.mtu = options.mtu;
    this.outbound = options.outbound;
    this.drops = options.drops;
    this.slots = options.slots;
    this.#limits = options.limits;
    this.addresses = options.addresses;
    this.#random = () => (randomUint32(entropy) >>> 0) / 2 ** 32;
    this.#congestion = options.congestion;
    this.#control = options.control;
    this.budget = new MemoryBudget(options.limits.bufferBytes);
    this.challengeAcks = new TokenBucket(CHALLENGE_ACKS_PER_SECOND, CHALLENGE_ACKS_PER_SECOND, now);
    this.#timeWaits = new TimeWaits(options.limits.timeWaits);
    this.#open = new Open(this, options.limits, entropy, options.sequences);
    this.unmatchedSegments =
      options.unmatched && new UnmatchedSegments(this.demux, options.unmatched);
    this.attempts = options.attempts;
    this.#inbound = new InboundSegments(this, randomSipHashKey(entropy), now);
  }

  /** The number of connections in any state except TIME-WAIT. */
  get connections(): number {
    return this.demux.size - this.#timeWaits.size;
  }

  /** The indexes of the local addresses of all connections. */
  get localIndexes(): readonly number[] {
    return this.demux.all().map(({ localIndex }) => localIndex);
  }

  get isFull(): boolean {
    return this.connections >= this.#limits.connections;
  }

  get timeWaits(): number {
    return this.#timeWaits.size;
  }

  /** The IP packets that TCP has sent again, and their bytes. */
  get retransmitted(): Readonly<{ packets: number; bytes: number }> {
    return this.#retransmitted;
  }

  /** When any connection's retransmission timer last expired (RFC 6298 5.4), in ms. */
  get timedOutAt(): number {
    return this.#timedOutAt;
  }

  get hasReady(): boolean {
    return !this.#ready.isEmpty;
  }

  handleInbound(packet: Inbound, now: number): void {
    this.#inbound.handle(packet, now);
  }

  /**
   * Opens a connection.
   *
   * @throws RangeError if no local address has the remote address's family
   * @throws StackExhaustedError if the connection limit is reached or no port is free
   */
  connect(
    remote: SocketAddress,
    observer: TcpObserver,
    now: number,
    options: ConnectOptions,
  ): TcpConnection {
    const { localAddress, localPort = 0, connectTimeout = this.#limits.connectTimeout } = options;
    const localIndex = this.addresses.select(remote.address, localAddress);
    const local = { address: this.addresses.at(localIndex), port: localPort };
    const to = { address: remote.address.slice(), port: remote.port };
    const tcb = this.#open.active(local, to, localIndex, now);
    this.#begin(tcb, now + connectTimeout);
    tcb.observer = observer;
    tcb.keepAlive = options.keepAlive;
    return new TcpConnection(tcb);
  }

  /** @throws RangeError if the address is not local or the binding already exists */
  listen(
    local: LocalBinding,
    onConnection: ConnectionHandler,
    { backlog = DEFAULT_BACKLOG }: ListenOptions,
  ): TcpListener {
    const { address } = local;
    const index = address === undefined ? ANY_ADDRESS : this.addresses.select(address, address);
    const listener = new TcpListener(local, backlog, onConnection, (closed) => {
      this.listeners.remove(index, closed);
    });
    this.listeners.add(index, listener);
    return listener;
  }

  createPassive(
    local: SocketAddress,
    remote: SocketAddress,
    localIndex: number,
    now: number,
    iss?: number,
  ): Tcb {
    return this.#open.passive(local, remote, localIndex, now, iss);
  }

  createCongestionControl(mss: number, now: number): CongestionControl {
    return createCongestionControl(this.#congestion, { mss, random: this.#random, now });
  }

  start(tcb: Tcb, now: number): void {
    this.#begin(tcb, now + this.#limits.connectTimeout);
  }

  #begin(tcb: Tcb, handshakeEnd: number): void {
    this.demux.add(tcb);
    tcb.endOfStateAt = handshakeEnd;
    tcb.updateDeadline();
    this.enqueue(tcb);
  }

  /** Finds the connection to which a segment quoted in an ICMP error belongs. */
  find(localIndex: number, localPort: number, remote: SocketAddress): Tcb | undefined {
    return this.demux.findAddress(localIndex, localPort, remote);
  }

  /** Updates the connections to a remote address whose path MTU decreased or may have increased. */
  pathMtuChanged(remoteKey: number | string, now: number): void {
    for (const tcb of this.demux.allTo(remoteKey)) pathMtuChanged(tcb, now);
  }

  /** Lets the next ready connection send; returns the number of packets emitted. */
  dispatchNext(sink: (slot: Uint8Array) => void, now: number, quota: number): number {
    const tcb = this.#ready.shift();
    if (tcb === undefined) return 0;
    this.#sink = sink;
    const turn = Math.min(TURN, quota);
    const sent = dispatch(tcb, now, turn);
    if (sent === turn) this.#ready.push(tcb);
    this.#sink = ignore;
    return sent;
  }

  nextTimeout(): number {
    return this.#timers.next();
  }

  handleTimeout(now: number): void {
    for (;;) {
      const tcb = this.#timers.popDue(now);
      if (tcb === undefined) return;
      if (tcb.retransmitAt <= now) this.#timedOutAt = now;
      handleTimeouts(tcb, now);
    }
  }

  /**
   * Schedules a retransmission at the next handleTimeout() for connections that are backing off,
   * because the path to their remote addresses works again. `carries` selects these addresses.
   *
   * The backoff of RFC 6298 5.5 is for congestion; RFC 6069 undoes the backoff after a disruption.
   * One backoff step remains, because the same segment is about to time out again (RFC 5681 3.1).
   */
  retransmitNow(carries: (remote: IpAddress) => boolean, now: number): void {
    for (const tcb of this.demux.all()) {
      const { roundTrips } = tcb.sender;
      const isWaiting = roundTrips.backoff > 0 && tcb.retransmitAt !== Infinity;
      if (!isWaiting || !carries(tcb.remote.address)) continue;
      roundTrips.easeToOneStep();
      tcb.retransmitAt = Math.min(tcb.retransmitAt, now);
      tcb.updateDeadline();
    }
  }

  /**
   * Ends connections whose local address was removed. The peers are not notified: an RST would need
   * the removed address as its source, which RFC 1122 3.2.1.3 forbids. Listeners stay, but receive
   * nothing until their address returns.
   */
  addressesChanged(): void {
    for (const tcb of this.demux.all()) {
      if (this.addresses.isOurs(tcb.localIndex)) continue;
      terminate(tcb, 'address-gone');
      deliverEvents(tcb);
    }
  }

  /** Resets all connections and closes all listeners. */
  close(now: number): void {
    for (const listener of this.listeners.all()) listener.close(now);
    for (const tcb of this.demux.all()) abortConnection(tcb, now);
  }

  countRetransmission(slot: Uint8Array): void {
    this.#retransmitted.packets++;
    this.#retransmitted.bytes += packetLength(slot);
  }

  emit(slot: Uint8Array): void {
    this.#sink(slot);
  }

  enqueuePacket(slot: Uint8Array): void {
    this.#control.push(slot);
  }

  refuse(tcb: Tcb, segment: Segment, now: number): void {
    this.answer(createReset(this.slots, tcb.header, segment, tcb.timestamp(now)));
  }

  timestamp(local: SocketAddress, remote: SocketAddress, now: number): number {
    return this.#open.timestamp(local, remote, now);
  }

  answer(slot: Uint8Array): void {
    if (!this.#control.offer(slot)) this.drops.count('queue-full');
  }

  enqueue(tcb: Tcb): void {
    this.#ready.push(tcb);
  }

  reschedule(tcb: Tcb): void {
    this.#timers.update(tcb);
  }

  enterTimeWait(tcb: Tcb): void {
    this.#timeWaits.add(tcb);
  }

  remove(tcb: Tcb): void {
    this.#timeWaits.remove(tcb);
    this.#timers.remove(tcb);
    this.demux.remove(tcb);
    this.unmatchedSegments?.ended(tcb);
  }
}

function ignore(): void {
  // Packets are emitted only during a drain, which sets another sink.
}
