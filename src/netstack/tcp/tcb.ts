/**
 * The transmission control block (RFC 9293 3.3.1): all that is known of one connection. What is
 * done with it lives in segment-arrives, dispatch and timeouts; users hold a TcpConnection.
 */
import type { Timed } from '../../lib/deadline-heap.js';
import type { DropCounter } from '../../lib/drop-counter.js';
import type { MemoryBudget } from '../../lib/memory-budget.js';
import type { PacketSlots } from '../../lib/packet-slot.js';
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

/** What a connection needs of the stack around it. */
export interface TcpHost {
  readonly mtu: number;
  readonly outbound: Outbound;
  readonly drops: DropCounter<DropReason>;
  readonly slots: PacketSlots;
  readonly budget: MemoryBudget;
  /** RFC 5961 7: challenge ACKs are limited for all connections together. */
  readonly challengeAcks: TokenBucket;
  createCongestionControl(mss: number, now: number): CongestionControl;
  /** Gives a packet to the drain under way. */
  emit(slot: Uint8Array): void;
  /** Keeps a packet for the next drain. */
  enqueuePacket(slot: Uint8Array): void;
  /** Answers a segment with RST. */
  refuse(tcb: Tcb, segment: Segment): void;
  /** The connection may have something to send. */
  enqueue(tcb: Tcb): void;
  /** `tcb.deadline` may have moved. */
  reschedule(tcb: Tcb): void;
  /** The connection waits for 2 MSL; the stack may end that early. */
  enterTimeWait(tcb: Tcb): void;
  /** The connection is gone: nothing in the stack may know it any more. */
  remove(tcb: Tcb): void;
}

/** What a passive open needs of its listener. */
export interface TcpAcceptor {
  /** The handshake is complete: makes the connection known to the user. */
  accept(tcb: Tcb): TcpObserver;
  /** A half-open connection has left the backlog, completed or not. */
  leaveBacklog(tcb: Tcb): void;
}

export interface KeepAlive {
  /** Milliseconds without a segment from the peer before the first probe. */
  readonly idle: number;
  /** Milliseconds between probes. */
  readonly interval: number;
  /** Unanswered probes after which the connection ends. */
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
  /** Milliseconds without progress after which data or probes are given up (RFC 9293 3.8.3). */
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

  /** The MSS that the peer named. */
  peerMss = Infinity;

  // Whether options are offered, and after the handshake whether they are in use: RFC 7323, RFC 2018.
  sack = true;
  windowScale = true;
  timestamps = true;
  readonly timestampOffset: number;
  tsRecent = 0;
  tsRecentAt = 0;

  // Timers, Infinity when off. The delayed ACK's is in the receiver, the pacer's in the sender.
  retransmitAt = Infinity;
  /** PTO: RFC 8985 7.2. */
  probeAt = Infinity;
  persistAt = Infinity;
  keepAliveAt = Infinity;
  /** The end of connectTimeout, later of TIME-WAIT. */
  endOfStateAt = Infinity;
  /** When the peer last moved SND.UNA, or showed life to a probe, or the flight began. */
  progressAt = 0;
  /** When the peer was last heard. */
  heardAt = 0;
  /** When an ACK last answered an unacceptable segment without text. */
  outOfWindowAckAt = -Infinity;
  windowProbeDue = false;
  tailProbeDue = false;
  /** Doublings of the interval between window probes. */
  persistBackoff = 0;

  // Events for the observer, delivered when the block is consistent (events.ts).
  establishedDue = false;
  readableDue = false;
  writableDue = false;
  remoteClosedDue = false;
  closedDue: CloseReason | undefined = undefined;
  delivering = false;
  /** A send() took less than it was given. */
  wantsWritable = false;

  // Owned by the heap of timers and by the ready queue.
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

  /** The MSS that we offer: RFC 9293 3.7.1, MUST-67, RFC 6691: options are not counted. */
  get mss(): number {
    return this.host.mtu - this.header.length - TCP_HEADER_LENGTH;
  }

  /** TSval for a segment that leaves at `now`: RFC 7323 5.4, one tick a millisecond. */
  timestamp(now: number): number {
    return (Math.floor(now) + this.timestampOffset) | 0;
  }

  /** Brings `deadline` up to date. */
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
