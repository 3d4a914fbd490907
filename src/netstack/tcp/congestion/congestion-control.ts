/**
 * How much may be in flight, and how fast it may leave. The sender counts what is delivered and
 * finds what is lost; an implementation of this decides what that means.
 *
 * Sizes are bytes of sequence space, times are ms, rates are bytes a ms. Names of variables follow
 * RFC 5681 and draft-ietf-ccwg-bbr (where they are C.* and RS.* of a connection and a rate sample).
 */
export type CongestionAlgorithm = 'bbr' | 'cubic' | 'reno';

/** Where the delivery of a connection stands; a view of the sender that is always up to date. */
export interface DeliveryState {
  /** Eff.snd.MSS: payload of a full segment (C.SMSS). */
  readonly mss: number;
  /** FlightSize of RFC 5681: sent, and not acknowledged cumulatively. */
  readonly flightSize: number;
  /** What is thought to be in the network: `pipe` of RFC 6675, C.inflight. */
  readonly inflight: number;
  /** Delivered so far, cumulatively or selectively: C.delivered. */
  readonly delivered: number;
  /** Found lost so far: C.lost. What turned out to have arrived is taken out again. */
  readonly lost: number;
  /** The user gave less than the window would have let out: C.app_limited is set. */
  readonly isAppLimited: boolean;
  /** A loss is being repaired: fast recovery, or the time after a timeout. */
  readonly isRecovering: boolean;
  /** Smoothed round trip; 0 before the first sample. */
  readonly srtt: number;
  /** Both SYNs had SACK-permitted: more than one loss a round trip can be seen (C.has_selective_acks). */
  readonly usesSack: boolean;
}

/** A segment that left, with what was so when it did (P.* of the draft). */
export interface Transmission {
  readonly length: number;
  readonly sentAt: number;
  /** C.delivered then. */
  readonly delivered: number;
  /** C.inflight then, this segment included: P.tx_in_flight. */
  readonly inflight: number;
  /** C.lost then. */
  readonly lost: number;
  readonly isAppLimited: boolean;
}

/** What an ACK showed: the rate sample RS of draft-ietf-ccwg-bbr 4.1.2. Valid during the call alone. */
export interface AckSample {
  /** SND.UNA moved. */
  readonly isCumulative: boolean;
  /** Bytes by which SND.UNA moved. */
  readonly acknowledged: number;
  /** Bytes that are known to be delivered since this ACK, selectively or cumulatively: RS.newly_acked. */
  readonly newlyDelivered: number;
  /** Bytes that were found lost with this ACK: RS.newly_lost. */
  readonly newlyLost: number;
  /** C.inflight before this ACK. */
  readonly priorInflight: number;
  /** Round trip of the newest segment that it delivered and that was sent once; -1 where there is none. */
  readonly rtt: number;
  /** RS.delivery_rate; 0 where the sample shows none. */
  readonly deliveryRate: number;
  /** RS.delivered: bytes delivered during the interval of the sample. */
  readonly delivered: number;
  /** RS.lost: bytes lost since the newest delivered segment left. */
  readonly lost: number;
  /** C.delivered when the newest delivered segment left; -1 where there is none: P.delivered. */
  readonly priorDelivered: number;
  /** C.inflight when it left: RS.tx_in_flight. */
  readonly inflight: number;
  /** The sample may be below what the path carries: RS.is_app_limited. */
  readonly isAppLimited: boolean;
}

export interface CongestionControl {
  readonly algorithm: CongestionAlgorithm;
  /** The congestion window; never below one MSS. */
  readonly cwnd: number;
  /** Slow start ends there; Infinity before the first loss. */
  readonly ssthresh: number;
  /** How fast segments may leave; Infinity without pacing. */
  readonly pacingRate: number;
  /** What may leave at once under pacing. */
  readonly sendQuantum: number;

  /** The effective MSS became known or changed. */
  setMss(mss: number): void;

  /** The handshake took more than one repetition of our SYN; nothing else was sent yet. */
  handshakeRepeated(): void;

  /** A segment is about to leave after nothing was in flight (state.inflight is 0), for `idle` ms. */
  restart(state: DeliveryState, idle: number, rto: number, now: number): void;

  /** A segment was found lost, by RACK, by SACK or by the timer; before the ACK's acknowledged(). */
  lost(segment: Transmission, state: DeliveryState, now: number): void;

  /**
   * Fast recovery begins; the losses were told by lost(). acknowledged() follows before anything is
   * sent, also where a timer found the loss; or exitRecovery(), where it is repaired already.
   */
  enterRecovery(state: DeliveryState, now: number): void;

  /** An ACK came that delivered something or found something lost; last of what it brings. */
  acknowledged(sample: AckSample, state: DeliveryState, now: number): void;

  /** All that was out when the repair began is acknowledged. */
  exitRecovery(state: DeliveryState, now: number): void;

  /**
   * The retransmission timer expired; `flightSize` and `inflight` were those before all was marked
   * lost. `isFirst`: the first segment was not already sent again by the timer (RFC 5681 3.1).
   */
  timedOut(state: DeliveryState, isFirst: boolean, now: number): void;

  /** The repair was not needed (RFC 3522, RFC 2883, RFC 8985 with DSACK): its reduction is taken back. */
  undo(state: DeliveryState, now: number): void;
}
