/**
 * The transmission control block (RFC 9293 3.3.1): the state of one connection. The modules
 * segment-arrives, dispatch and timeouts operate on it; users access it through TcpConnection.
 */
import type { Timed } from '../../lib/deadline-heap.js';
import type { DropCounter } from '../../lib/drop-counter.js';
import type { MemoryBudget } from '../../lib/memory-budget.js';
import type { PacketSlots } from '../../lib/packets/packet-slot.js';
import type { TokenBucket } from '../../lib/token-bucket.js';
import type { SocketAddress } from '../../wire/ip-address.js';
import { PROTOCOL_TCP } from '../../wire/ipv4.js';
import { TCP_HEADER_LENGTH } from '../../wire/tcp.js';
import type { DropReason } from '../drop-reason.js';
import type { IpHeader } from '../ip/ip-header.js';
import type { Outbound } from '../ip/outbound.js';
import type { CongestionControl } from './congestion/congestion-control.js';
import type { CloseReason, TcpObserver } from './observer.js';
import { Receiver } from './receive/receiver.js';
import type { Segment } from './segment.js';
import { Sender } from './send/sender.js';
import type { TcpState } from './state.js';

/** The parts of the stack that a connection uses. */
export interface TcpHost {
  readonly mtu: number;
  readonly outbound: Outbound;
  readonly drops: DropCounter<DropReason>;
  readonly slots: PacketSlots;
  readonly budget: MemoryBudget;
  /** RFC 5961 7: one rate limit for the challenge ACKs of all connections. */
  readonly challengeAcks: TokenBucket;
  createCongestionControl(mss: number, now: number): CongestionControl;
  /** Passes a packet to the drain in progress. */
  emit(slot: Uint8Array): void;
  /** Counts a packet that repeats data, a SYN or a FIN, or that probes for lost data. */
  countRetransmission(slot: Uint8Array): void;
  /** Queues a packet for the next drain. */
  enqueuePacket(slot: Uint8Array): void;
  /** Answers a segment with an RST. */
  refuse(tcb: Tcb, segment: Segment, now: number): void;
  /** Marks the connection as ready because it may have something to send. */
  enqueue(tcb: Tcb): void;
  /** Updates the timer heap after `tcb.deadline` may have changed. */
  reschedule(tcb: Tcb): void;
  /** Registers a connection in TIME-WAIT. The stack may end the 2 MSL wait early. */
  enterTimeWait(tcb: Tcb): void;
  /** Removes all references to a connection that has ended. */
  remove(tcb: Tcb): void;
}

/** The part of a listener that a passive open uses. */
export interface TcpAcceptor {
  /** Passes the connection to the user after its handshake. */
  accept(tcb: Tcb): TcpObserver;
  /** Removes a half-open connection from the backlog, whether or not its handshake completed. */
  leaveBacklog(tcb: Tcb): void;
}

export interface KeepAlive {
  /** Milliseconds without a segment from the peer before the first probe. */
  readonly idle: number;
  /** Milliseconds between keep-alive probes. */
  readonly interval: number;
  /** The number of unanswered probes after which the connection ends. */
  readonly count: number;
}

export interface TcbOptions {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** The index of the local address, for the demultiplexer. */
  readonly localIndex: number;
  readonly iss: number;
  readonly timestampOffset: number;
  readonly now: number;
  readonly sendBuffer: number;
  readonly receiveBuffer: number;
  /** The connection ends after this many milliseconds without progress (RFC 9293 3.8.3). */
  readonly userTimeout: number;
}

export class Tcb implements Timed {
  readonly host: TcpHost;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly localIndex: number;
  readonly header: IpHeader;
  readonly sender: Sender;
  readonly receiver: Receiver;
  readonly userTimeout: number;
  state: TcpState;
  observer: TcpObserver | undefined = undefined;
  acceptor: TcpAcceptor | undefined = undefined;
  keepAlive: KeepAlive | undefined = undefined;
  keepAliveProbes = 0;

  /** The MSS that the peer announced. */
  peerMss = Infinity;

  // Whether each option is offered (during the handshake) or in use (after it) (RFC 7323, RFC
  // 2018).
  sack = true;
  windowScale = true;
  timestamps = true;
  readonly timestampOffset: number;
  tsRecent = 0;
  tsRecentAt = 0;

  // When each timer expires, in ms; Infinity if off. The receiver holds the delayed ACK timer, and
  // `sender.next` holds the pacing timer.
  retransmitAt = Infinity;
  /** The probe timeout (PTO) of RFC 8985 7.2. */
  probeAt = Infinity;
  persistAt = Infinity;
  keepAliveAt = Infinity;
  /** When the connect timeout or TIME-WAIT ends. */
  endOfStateAt = Infinity;
  /**
   * When the connection last made progress: the peer moved SND.UNA or answered a window probe, or
   * the first segment in flight was sent.
   */
  progressAt = 0;
  /** When the last segment from the peer arrived. */
  heardAt = 0;
  /** When an ACK was last sent in response to an unacceptable segment without data. */
  outOfWindowAckAt = -Infinity;
  windowProbeDue = false;
  tailProbeDue = false;
  /** How many times the interval between window probes was doubled. */
  persistBackoff = 0;

  // Events for the observer. They are delivered when the connection's state is consistent
  // (events.ts).
  establishedDue = false;
  readableDue = false;
  writableDue = false;
  remoteClosedDue = false;
  closedDue: CloseReason | undefined = undefined;
  delivering = false;
  /** Whether send() accepted only part of the data. */
  wantsWritable = false;

  // Fields of the timer heap and the ready queue.
  deadline = Infinity;
  heapIndex = -1;
  heapKey = Infinity;
  ready = false;
  nextReady: Tcb | undefined = undefined;

  constructor(host: TcpHost, state: TcpState, options: TcbOptions) {
    const { local, remote } = options;
    this.host = host;
    this.state = state;
    this.local = local;
    this.remote = remote;
    this.localIndex = options.localIndex;
    this.userTimeout = options.userTimeout;
    this.timestampOffset = options.timestampOffset;
    this.header = host.outbound.createHeader(local, remote, PROTOCOL_TCP);
    const mss = this.mss;
    this.sender = new Sender({
      iss: options.iss,
      maximum: options.sendBuffer,
      mss,
      budget: host.budget,
      congestion: host.createCongestionControl(mss, options.now),
    });
    this.receiver = new Receiver(options.receiveBuffer, mss, host.budget);
  }

  /**
   * The MSS offered to the peer, not reduced by the options (RFC 9293 3.7.1, MUST-67; RFC 6691).
   */
  get mss(): number {
    return this.host.mtu - this.header.length - TCP_HEADER_LENGTH;
  }

  /** TSval for a segment sent at `now` (RFC 7323 5.4, one tick per millisecond). */
  timestamp(now: number): number {
    return (Math.floor(now) + this.timestampOffset) | 0;
  }

  /** Sets `deadline` to the earliest timer. */
  updateDeadline(): void {
    this.deadline = Math.min(
      this.retransmitAt,
      this.probeAt,
      this.sender.recovery.reorderAt,
      this.sender.next.paceAt,
      this.persistAt,
      this.keepAliveAt,
      this.endOfStateAt,
      this.receiver.delayedAckAt,
    );
    this.host.reschedule(this);
  }

  stopTimers(): void {
    this.retransmitAt = Infinity;
    this.probeAt = Infinity;
    this.sender.recovery.reorderAt = Infinity;
    this.sender.next.paceAt = Infinity;
    this.persistAt = Infinity;
    this.keepAliveAt = Infinity;
    this.endOfStateAt = Infinity;
    this.receiver.delayedAckAt = Infinity;
  }
}
