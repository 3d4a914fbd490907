/**
 * The interface of congestion control: how much data may be in flight, and how fast it may be sent.
 * The sender counts delivered octets and detects losses; an implementation decides how to react.
 *
 * Sizes are octets of sequence space, times are ms, rates are octets per ms. Names follow RFC 5681
 * and draft-ietf-ccwg-bbr: C.* is a connection's state, RS.* is a rate sample.
 */
export type CongestionAlgorithm = 'bbr' | 'cubic' | 'reno';

/** The delivery state of a connection: a live view of the sender. */
export interface DeliveryState {
  /** Eff.snd.MSS: the number of data octets in a full segment (C.SMSS). */
  readonly mss: number;
  /** FlightSize of RFC 5681: octets sent but not yet cumulatively acknowledged. */
  readonly flightSize: number;
  /** The estimated number of octets in the network: `pipe` of RFC 6675, C.inflight. */
  readonly inflight: number;
  /** Octets delivered so far, cumulatively or selectively acknowledged: C.delivered. */
  readonly delivered: number;
  /**
   * Octets marked lost so far: C.lost. If octets marked lost turn out to have arrived, they are
   * subtracted.
   */
  readonly lost: number;
  /** Whether the user supplied less data than the window allowed: C.app_limited. */
  readonly isAppLimited: boolean;
  /** Whether loss recovery is in progress: fast recovery, or recovery after a timeout. */
  readonly isRecovering: boolean;
  /** Smoothed RTT in ms; 0 before the first sample. */
  readonly srtt: number;
  /** C.has_selective_acks: whether both SYNs carried SACK-permitted. */
  readonly usesSack: boolean;
}

/** A sent segment with the delivery state at send time (P.* of the draft). */
export interface Transmission {
  readonly length: number;
  readonly sentAt: number;
  /** C.delivered at send time. */
  readonly delivered: number;
  /** C.inflight at send time, including this segment: P.tx_in_flight. */
  readonly inflight: number;
  /** C.lost at send time. */
  readonly lost: number;
  readonly isAppLimited: boolean;
}

/** The rate sample of an ACK: RS of draft-ietf-ccwg-bbr 4.1.2. Valid only during the call. */
export interface AckSample {
  /** Whether SND.UNA moved. */
  readonly isCumulative: boolean;
  /** Octets by which SND.UNA moved. */
  readonly acknowledged: number;
  /** Octets newly delivered by this ACK, selectively or cumulatively: RS.newly_acked. */
  readonly newlyDelivered: number;
  /** Octets newly marked lost by this ACK: RS.newly_lost. */
  readonly newlyLost: number;
  /** C.inflight before this ACK. */
  readonly priorInflight: number;
  /**
   * RTT in ms of the newest segment that this ACK delivered; -1 if no segment was delivered or that
   * one was retransmitted.
   */
  readonly rtt: number;
  /** RS.delivery_rate; 0 without a measurement. */
  readonly deliveryRate: number;
  /** RS.delivered: octets delivered during the sample interval. */
  readonly delivered: number;
  /** RS.lost: octets lost since the newest delivered segment was sent. */
  readonly lost: number;
  /**
   * P.delivered: C.delivered when the newest delivered segment was sent; -1 if no segment was
   * delivered.
   */
  readonly priorDelivered: number;
  /** RS.tx_in_flight: C.inflight when the newest delivered segment was sent. */
  readonly inflight: number;
  /** RS.is_app_limited: whether the sample may be below the path's capacity. */
  readonly isAppLimited: boolean;
}

export interface CongestionControl {
  readonly algorithm: CongestionAlgorithm;
  /** The congestion window in octets; at least one MSS. */
  readonly cwnd: number;
  /** The slow start threshold in octets; Infinity before the first loss. */
  readonly ssthresh: number;
  /** The pacing rate; Infinity if pacing is off. */
  readonly pacingRate: number;
  /** The octets that may be sent in one burst under pacing. */
  readonly sendQuantum: number;

  /** Sets the effective MSS after the handshake or a path MTU change. */
  setMss(mss: number): void;

  /**
   * Handles a handshake in which the SYN was retransmitted more than once. Called before any data
   * is sent.
   */
  handshakeRepeated(): void;

  /** Prepares to send a segment after `idle` ms with nothing in flight (state.inflight is 0). */
  restart(state: DeliveryState, idle: number, rto: number, now: number): void;

  /**
   * Handles a segment that RACK, SACK or the timer marked lost. Called before acknowledged() for
   * the same ACK.
   */
  lost(segment: Transmission, state: DeliveryState, now: number): void;

  /**
   * Starts fast recovery. Called after lost() was called for each loss. Before the sender sends
   * again, it calls acknowledged(), or exitRecovery() if the loss is already repaired.
   */
  enterRecovery(state: DeliveryState, now: number): void;

  /** Handles an ACK that delivered segments or revealed losses. Called last for each ACK. */
  acknowledged(sample: AckSample, state: DeliveryState, now: number): void;

  /** Ends recovery after all octets outstanding at its start were acknowledged. */
  exitRecovery(state: DeliveryState, now: number): void;

  /**
   * Handles a retransmission timeout. `flightSize` and `inflight` do not yet reflect the losses.
   * `isFirst` is false if the timer already retransmitted the first segment (RFC 5681 3.1).
   */
  timedOut(state: DeliveryState, isFirst: boolean, now: number): void;

  /** Undoes the window reduction of a spurious recovery (RFC 3522, RFC 2883, RFC 8985 DSACK). */
  undo(state: DeliveryState, now: number): void;
}
