import type { SocketAddress } from '../../wire/ip-address.js';
import { ACK, RST } from '../../wire/tcp.js';
import type { CongestionAlgorithm } from './congestion/congestion-control.js';
import { deliverEvents, terminate, writableBytes } from './events.js';
import type { TcpObserver } from './observer.js';
import { acceptsSend, isHandshake, type TcpState } from './state.js';
import type { KeepAlive, Tcb } from './tcb.js';
import { createSegment } from './send/transmit.js';

export type { CloseReason, TcpObserver } from './observer.js';
export type { TcpState } from './state.js';
export type { KeepAlive } from './tcb.js';

/** Connection statistics, like `ss -ti`: times in ms, sizes in octets, rates in octets per ms. */
export interface TcpInfo {
  readonly state: TcpState;
  readonly congestion: CongestionAlgorithm;
  readonly sack: boolean;
  readonly timestamps: boolean;
  /**
   * Window scale shifts of the peer's window field and of the local one; 0 without window scaling.
   */
  readonly sndShift: number;
  readonly rcvShift: number;
  readonly srtt: number;
  readonly rttvar: number;
  /** The minimum RTT over the last few minutes; 0 before the first sample. */
  readonly minRtt: number;
  readonly rto: number;
  readonly backoff: number;
  readonly cwnd: number;
  /** The slow start threshold; Infinity before the first loss. */
  readonly ssthresh: number;
  /** The pacing rate; Infinity if pacing is off. */
  readonly pacingRate: number;
  readonly inflight: number;
  readonly unacknowledged: number;
  readonly notSent: number;
  readonly delivered: number;
  readonly lost: number;
  readonly retransmits: number;
  readonly mss: number;
  /** The send window: the window advertised by the peer. */
  readonly sndWnd: number;
  /** The receive window advertised to the peer. */
  readonly rcvWnd: number;
  readonly inRecovery: boolean;
  readonly reordering: boolean;
  readonly appLimited: boolean;
}

/** The user's interface to a TCP connection (RFC 9293 3.9.1 without blocking). */
export class TcpConnection {
  readonly #tcb: Tcb;

  constructor(tcb: Tcb) {
    this.#tcb = tcb;
  }

  get local(): SocketAddress {
    return this.#tcb.local;
  }

  get remote(): SocketAddress {
    return this.#tcb.remote;
  }

  get state(): TcpState {
    return this.#tcb.state;
  }

  /** Replaces the observer. Has no effect after the connection has ended. */
  observe(observer: TcpObserver): void {
    if (this.#tcb.observer !== undefined) this.#tcb.observer = observer;
  }

  /** The number of octets that receive() can return now. */
  get readableBytes(): number {
    return this.#tcb.receiver.ring.length;
  }

  /** The number of octets that send() would accept now. */
  get writableBytes(): number {
    return writableBytes(this.#tcb);
  }

  /** The number of octets accepted by send() that the peer has not acknowledged. */
  get unacknowledgedBytes(): number {
    return this.#tcb.sender.ring.length;
  }

  /** The number of data octets in a full segment (Eff.snd.MSS of RFC 9293 3.7.1). */
  get segmentSize(): number {
    return this.#tcb.sender.mss;
  }

  /**
   * Whether it is certain that the peer's application has not read any unacknowledged octet:
   * because of an RST, or because the connection ended before any of these octets were sent. See
   * unread-evidence.ts.
   */
  get provesUnread(): boolean {
    return this.#tcb.sender.unread.isProven;
  }

  /** Why an RST does not prove this; undefined if no RST has arrived. */
  get unreadDoubt(): string | undefined {
    return this.#tcb.sender.unread.doubt;
  }

  /**
   * Queues `bytes` and returns the number of octets accepted; the caller may reuse the array
   * immediately. If send() accepts only part, TcpObserver.writable() is called later. Data queued
   * during the handshake is sent afterwards. After shutdown() or the end of the connection, send()
   * returns 0.
   */
  send(bytes: Uint8Array): number {
    const tcb = this.#tcb;
    if (!acceptsSend(tcb.state) || tcb.sender.finQueued) return 0;
    const room = writableBytes(tcb);
    const taken = tcb.sender.queue(room < bytes.length ? bytes.subarray(0, room) : bytes);
    if (taken < bytes.length) tcb.wantsWritable = true;
    if (taken > 0 && !isHandshake(tcb.state)) tcb.host.enqueue(tcb);
    return taken;
  }

  /**
   * Returns a copy of up to `limit` received octets, if any, and enlarges the receive window.
   *
   * @param allocate returns the memory for the copy, whose content does not matter
   */
  receive(
    limit: number,
    now: number,
    allocate?: (count: number) => Uint8Array,
  ): Uint8Array | undefined {
    const tcb = this.#tcb;
    const { receiver } = tcb;
    const bytes = receiver.ring.read(limit, allocate);
    if (bytes === undefined) return undefined;
    receiver.window.read(bytes.length, tcb.sender.srtt, now);
    if (!receiver.finished && receiver.opensWindow()) {
      receiver.ackNow = true;
      tcb.host.enqueue(tcb);
    }
    return bytes;
  }

  /** Sends a delayed ACK now, because the process may be frozen before the ACK is due. */
  idleBegins(): void {
    const { receiver, sender, host } = this.#tcb;
    const owesAck = receiver.ackNow || receiver.delayedAckAt !== Infinity;
    sender.unread.idleBegins(owesAck);
    if (!owesAck) return;
    receiver.ackNow = true;
    host.enqueue(this.#tcb);
  }

  /** @param duration ms since idleBegins(), also counting the time in which the clock stopped */
  idleEnds(duration: number): void {
    this.#tcb.sender.unread.idleEnds(duration);
  }

  /**
   * Closes the sending direction after the queued data is sent: CLOSE of RFC 9293 3.10.4. Receiving
   * continues.
   */
  shutdown(): void {
    const tcb = this.#tcb;
    if (!acceptsSend(tcb.state) || tcb.sender.finQueued) return;
    tcb.sender.finQueued = true;
    tcb.wantsWritable = false;
    if (isHandshake(tcb.state)) return;
    tcb.state = tcb.state === 'CLOSE-WAIT' ? 'LAST-ACK' : 'FIN-WAIT-1';
    tcb.host.enqueue(tcb);
  }

  /**
   * Ends the connection immediately: ABORT of RFC 9293 3.10.5. The peer receives an RST, even if
   * received data is unread (RFC 9293 3.6.1). The observer receives closed('aborted') before
   * abort() returns, unless abort() is called from an observer callback.
   */
  abort(now: number): void {
    const tcb = this.#tcb;
    abortConnection(tcb, now);
    tcb.receiver.ring.release();
  }

  /** Ends the connection like abort(), but without an RST. */
  abandon(): void {
    const tcb = this.#tcb;
    if (tcb.state === 'CLOSED') return;
    terminate(tcb, 'aborted');
    deliverEvents(tcb);
    tcb.receiver.ring.release();
  }

  /**
   * Sets whether small segments are sent immediately (the default) or delayed by Nagle's algorithm.
   */
  setNoDelay(noDelay: boolean): void {
    this.#tcb.sender.noDelay = noDelay;
    this.#tcb.host.enqueue(this.#tcb);
  }

  /**
   * Configures keep-alive probes to an idle peer; undefined (the default) disables them (RFC 9293
   * 3.8.4, MUST-25).
   */
  setKeepAlive(keepAlive: KeepAlive | undefined, now: number): void {
    const tcb = this.#tcb;
    if (tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT') return;
    tcb.keepAlive = keepAlive;
    tcb.keepAliveProbes = 0;
    tcb.keepAliveAt =
      keepAlive === undefined || isHandshake(tcb.state) ? Infinity : now + keepAlive.idle;
    tcb.updateDeadline();
  }

  info(): TcpInfo {
    const { sender, receiver, state, sack, timestamps } = this.#tcb;
    const { congestion, roundTrips, recovery } = sender;
    return {
      state,
      congestion: congestion.algorithm,
      sack,
      timestamps,
      sndShift: sender.shift,
      rcvShift: receiver.shift,
      srtt: roundTrips.srtt,
      rttvar: roundTrips.rttvar,
      minRtt: Number.isFinite(recovery.minimumRtt) ? recovery.minimumRtt : 0,
      rto: roundTrips.rto,
      backoff: roundTrips.backoff,
      cwnd: congestion.cwnd,
      ssthresh: congestion.ssthresh,
      pacingRate: congestion.pacingRate,
      inflight: sender.inflight,
      unacknowledged: sender.flightSize,
      notSent: sender.ring.length - sender.flightSize,
      delivered: sender.delivered,
      lost: sender.lost,
      retransmits: sender.retransmits,
      mss: sender.mss,
      sndWnd: sender.sndWnd,
      rcvWnd: receiver.rcvWnd,
      inRecovery: recovery.isRecovering,
      reordering: recovery.isReordering,
      appLimited: sender.isAppLimited,
    };
  }
}

/** Sends an RST if the state requires one (RFC 9293 3.10.5) and removes the connection. */
export function abortConnection(tcb: Tcb, now: number): void {
  if (tcb.state === 'CLOSED') return;
  if (tcb.state !== 'SYN-SENT' && tcb.state !== 'TIME-WAIT') {
    tcb.host.enqueuePacket(createSegment(tcb, tcb.sender.sndNxt, RST | ACK, 0, now));
  }
  terminate(tcb, 'aborted');
  deliverEvents(tcb);
}
