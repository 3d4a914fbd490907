/**
 * A path in virtual time: senders with endless data, one bottleneck with a tail-drop queue, random
 * loss after it, and a constant return path. A loss is known at the time when the ACK would have
 * arrived, so that only congestion control is measured.
 */
import type {
  AckSample,
  CongestionControl,
  DeliveryState,
  Transmission,
} from '../../../../src/netstack/tcp/congestion/congestion-control.js';

export const MSS = 1400;

/** Uniform in [0, 1) from a seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface PathOptions {
  /** Bytes a ms. */
  rate: number;
  /** Round trip without queueing, in ms. */
  roundTrip: number;
  /** Capacity of the queue in bytes. */
  buffer: number;
  /** Share of packets lost at random. */
  loss?: number;
  /** Interval between batches of ACKs, in ms. */
  ackInterval?: number;
  seed?: number;
}

interface Packet extends Transmission {
  readonly sequence: number;
  readonly firstSentAt: number;
  readonly deliveredAt: number;
  readonly acknowledgedAt: number;
  readonly isDropped: boolean;
}

class Queue {
  #packets: Packet[] = [];
  #first = 0;

  get head(): Packet | undefined {
    return this.#packets[this.#first];
  }

  push(packet: Packet): void {
    this.#packets.push(packet);
  }

  shift(): Packet {
    const packet = this.#packets[this.#first++]!;
    if (this.#first > 4096 && this.#first * 2 > this.#packets.length) {
      this.#packets = this.#packets.slice(this.#first);
      this.#first = 0;
    }
    return packet;
  }
}

/** One sender with packets of one MSS. All its packets are sent on time. */
export class Flow implements DeliveryState {
  readonly mss = MSS;
  readonly usesSack = true;
  readonly congestion: CongestionControl;
  readonly startsAt: number;
  inflight = 0;
  delivered = 0;
  lost = 0;
  isAppLimited = false;
  isRecovering = false;
  srtt = 0;
  /** Round trip of the last ACK. */
  roundTrip = 0;
  #minimumRtt = Infinity;
  #next = 0;
  #una = 0;
  #recoveryPoint = 0;
  #departsAt = 0;
  #firstSentAt = 0;
  #deliveredAt = 0;
  readonly #arrived = new Set<number>();
  readonly #retransmit: number[] = [];
  readonly #packets = new Queue();

  constructor(congestion: CongestionControl, startsAt = 0) {
    this.congestion = congestion;
    this.startsAt = startsAt;
    this.#departsAt = startsAt;
  }

  get flightSize(): number {
    return (this.#next - this.#una) * MSS;
  }

  /** The time of the next event of this flow. */
  get nextAt(): number {
    const acknowledgedAt = this.#packets.head?.acknowledgedAt ?? Infinity;
    return this.#maySend ? Math.min(this.#departsAt, acknowledgedAt) : acknowledgedAt;
  }

  get #maySend(): boolean {
    return this.inflight + MSS <= this.congestion.cwnd;
  }

  advance(now: number, path: Path): void {
    const { head } = this.#packets;
    if (head !== undefined && head.acknowledgedAt <= now) this.#acknowledge(now);
    else this.#send(now, path);
  }

  #send(now: number, path: Path): void {
    const { sendQuantum, pacingRate } = this.congestion;
    let sent = 0;
    do {
      this.#transmit(now, path);
      sent += MSS;
    } while (this.#maySend && sent + MSS <= sendQuantum);
    this.#departsAt = Math.max(this.#departsAt, now) + sent / pacingRate;
  }

  #transmit(now: number, path: Path): void {
    if (this.inflight === 0) {
      this.#firstSentAt = now;
      this.#deliveredAt = now;
    }
    const sequence = this.#retransmit.shift() ?? this.#next++;
    this.inflight += MSS;
    const { isDropped, departsAt } = path.enqueue(now);
    this.#packets.push({
      sequence,
      length: MSS,
      sentAt: now,
      firstSentAt: this.#firstSentAt,
      deliveredAt: this.#deliveredAt,
      delivered: this.delivered,
      inflight: this.inflight,
      lost: this.lost,
      isAppLimited: false,
      acknowledgedAt: path.acknowledgedAt(departsAt),
      isDropped,
    });
  }

  /** Acknowledges, or loses, the packets whose ACK is due now. */
  #acknowledge(now: number): void {
    const packet = this.#packets.shift();
    const { congestion } = this;
    const priorInflight = this.inflight;
    this.inflight -= MSS;
    if (packet.isDropped) {
      this.lost += MSS;
      this.#retransmit.push(packet.sequence);
      congestion.lost(packet, this, now);
      if (!this.isRecovering) {
        this.isRecovering = true;
        this.#recoveryPoint = this.#next;
        congestion.enterRecovery(this, now);
      }
      congestion.acknowledged(this.#sample(undefined, 0, priorInflight, now), this, now);
      return;
    }
    this.delivered += MSS;
    this.roundTrip = now - packet.sentAt;
    this.srtt = this.srtt === 0 ? this.roundTrip : this.srtt + (this.roundTrip - this.srtt) / 8;
    this.#minimumRtt = Math.min(this.#minimumRtt, this.roundTrip);
    const una = this.#una;
    if (packet.sequence !== una) this.#arrived.add(packet.sequence);
    else this.#una++;
    if (this.#una > una) while (this.#arrived.delete(this.#una)) this.#una++;
    if (this.isRecovering && this.#una >= this.#recoveryPoint) {
      this.isRecovering = false;
      congestion.exitRecovery(this, now);
    }
    this.#deliveredAt = now;
    const moved = (this.#una - una) * MSS;
    congestion.acknowledged(this.#sample(packet, moved, priorInflight, now), this, now);
    this.#firstSentAt = packet.sentAt;
  }

  #sample(
    packet: Packet | undefined,
    acknowledged: number,
    priorInflight: number,
    now: number,
  ): AckSample {
    const prior = packet?.delivered ?? -1;
    const interval = packet
      ? Math.max(packet.sentAt - packet.firstSentAt, now - packet.deliveredAt)
      : 0;
    const delivered = packet ? this.delivered - prior : 0;
    return {
      isCumulative: acknowledged > 0,
      acknowledged,
      newlyDelivered: packet ? MSS : 0,
      newlyLost: packet ? 0 : MSS,
      priorInflight,
      rtt: packet ? this.roundTrip : -1,
      deliveryRate: interval > 0 && interval >= this.#minimumRtt ? delivered / interval : 0,
      delivered,
      lost: packet ? this.lost - packet.lost : 0,
      priorDelivered: prior,
      inflight: packet?.inflight ?? 0,
      isAppLimited: false,
    };
  }
}

export class Path {
  rate: number;
  roundTrip: number;
  readonly flows: Flow[] = [];
  now = 0;
  /** The largest queue since this was last set to 0. */
  largestQueue = 0;
  /** Packets that the queue had no room for. */
  overflows = 0;
  readonly #buffer: number;
  readonly #loss: number;
  readonly #ackInterval: number;
  readonly #random: () => number;
  #idleAt = 0;

  constructor({ rate, roundTrip, buffer, loss = 0, ackInterval = 0, seed = 1 }: PathOptions) {
    this.rate = rate;
    this.roundTrip = roundTrip;
    this.#buffer = buffer;
    this.#loss = loss;
    this.#ackInterval = ackInterval;
    this.#random = seededRandom(seed);
  }

  add(congestion: CongestionControl, startsAt = 0): Flow {
    const flow = new Flow(congestion, startsAt);
    this.flows.push(flow);
    return flow;
  }

  run(until: number): void {
    for (;;) {
      let next: Flow | undefined;
      let nextAt = until;
      for (const flow of this.flows) {
        const at = flow.nextAt;
        if (at < nextAt) {
          next = flow;
          nextAt = at;
        }
      }
      if (next === undefined) break;
      this.now = Math.max(this.now, nextAt);
      next.advance(this.now, this);
    }
    this.now = until;
  }

  /** The arrival time of the ACK for a packet that leaves the bottleneck at `departsAt`. */
  acknowledgedAt(departsAt: number): number {
    const at = departsAt + this.roundTrip;
    if (this.#ackInterval === 0) return at;
    return Math.ceil(at / this.#ackInterval) * this.#ackInterval;
  }

  /** A packet arrives at the bottleneck. */
  enqueue(now: number): { isDropped: boolean; departsAt: number } {
    const queued = Math.max(0, this.#idleAt - now) * this.rate;
    this.largestQueue = Math.max(this.largestQueue, queued);
    if (queued + MSS > this.#buffer) {
      this.overflows++;
      return { isDropped: true, departsAt: this.#idleAt };
    }
    this.#idleAt = Math.max(this.#idleAt, now) + MSS / this.rate;
    return { isDropped: this.#random() < this.#loss, departsAt: this.#idleAt };
  }
}
