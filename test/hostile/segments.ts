/**
 * A peer that sends anything: segments with valid checksums, whose numbers, flags, windows and
 * options are valid, at a limit, or far beyond it, while a user sends, reads and closes. Everything
 * depends on a seed; the stack must not throw or grow.
 */
import type { CongestionAlgorithm } from '../../src/netstack/tcp/congestion/congestion-control.js';
import {
  ACK,
  FIN,
  Harness,
  MSS_OPTION,
  PSH,
  RST,
  SACK_PERMITTED_OPTION,
  SCALE_OPTION,
  type Seg,
  SYN,
  TIMESTAMPS_OPTION,
} from '../netstack/tcp-harness.js';
import { seededRandom } from '../support/pairs/netstack-pair.js';

const SEGMENTS_OF_A_LIFE = 200;
/** Segments sent after the end of the connection. */
const SEGMENTS_AFTER_END = 5;
const BUFFER = 256 * 1024;
/** Storage limit of two rings: each up to its maximum, plus the first 16 KiB outside the budget. */
const MOST_STORAGE = 2 * BUFFER;
const ALGORITHMS: readonly CongestionAlgorithm[] = ['bbr', 'cubic', 'reno'];

export interface HostileReport {
  readonly segments: number;
  /** The number of connections created. */
  readonly lives: number;
  /** How the connections ended, and how many were still open. */
  readonly endings: ReadonlyMap<string, number>;
  readonly states: ReadonlyMap<string, number>;
}

/** @throws Error if a connection violates a rule, with the connection and the segment */
export function fireSegments(count: number, seed: number): HostileReport {
  const random = seededRandom(seed);
  const endings = new Map<string, number>();
  const states = new Map<string, number>();
  let fired = 0;
  let lives = 0;
  while (fired < count) {
    const life = new Life(random, ALGORITHMS[lives % ALGORITHMS.length]!);
    lives++;
    let left = SEGMENTS_OF_A_LIFE;
    for (let turn = 0; left-- > 0 && fired < count; turn++) {
      fired++;
      try {
        life.takeTurn();
      } catch (error) {
        throw new Error(`life ${lives}, segment ${turn}, seed ${seed}: ${String(error)}`, {
          cause: error,
        });
      }
      tally(states, life.state);
      if (life.state === 'CLOSED') left = Math.min(left, SEGMENTS_AFTER_END - 1);
    }
    tally(endings, life.end());
  }
  return { segments: fired, lives, endings, states };
}

function tally(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** A connection, from its handshake to its end or to the last segment. */
class Life {
  readonly #random: () => number;
  readonly #h: Harness;
  /** The numbers that the stack has sent and acknowledged, relative to the SYNs. */
  #sndNxt = 1;
  #rcvNxt = 1;

  constructor(random: () => number, congestion: CongestionAlgorithm) {
    this.#random = random;
    this.#h = new Harness({ congestion, limits: { sendBuffer: BUFFER, receiveBuffer: BUFFER } });
    const options = [MSS_OPTION(this.#below(1500)), SCALE_OPTION(this.#below(15))];
    if (random() < 0.8) options.push([...SACK_PERMITTED_OPTION, 1, 1]);
    if (random() < 0.7) options.push(TIMESTAMPS_OPTION(1, 0));
    const wnd = this.#below(65_536);
    if (random() < 0.8) this.#h.establish({ wnd, syn: options.flat() });
    else this.#h.connect();
  }

  get state(): string {
    return this.#h.connection.state;
  }

  takeTurn(): void {
    this.#actAsUser();
    this.#h.receives(this.#segment());
    if (this.#random() < 0.5) this.#drain();
    if (this.#random() < 0.2) this.#h.after(this.#random() ** 4 * 3_000);
    this.#assertSound();
  }

  #actAsUser(): void {
    const { connection, now } = this.#h;
    const choice = this.#random();
    if (choice < 0.3) connection.send(new Uint8Array(this.#below(20_000)));
    else if (choice < 0.5) connection.receive(this.#below(50_000), now);
    else if (choice < 0.505) connection.shutdown();
    else if (choice < 0.506) connection.abort(now);
    else if (choice < 0.52) connection.setNoDelay(this.#random() < 0.5);
  }

  #drain(): void {
    for (const { seq, len, ack, flags } of this.#h.sends()) {
      this.#sndNxt = Math.max(this.#sndNxt, seq + len + (flags.includes('FIN') ? 1 : 0));
      if (flags.includes('ACK')) this.#rcvNxt = ack;
    }
  }

  #segment(): Seg {
    const flags = this.#flags();
    const data = this.#random() < 0.5 ? this.#below(1_400) : 0;
    const seg: Seg = {
      flags,
      seq: this.#near(this.#rcvNxt, 70_000),
      ack: this.#near(this.#random() < 0.5 ? this.#sndNxt : this.#below(this.#sndNxt + 1), 5_000),
      wnd: this.#random() < 0.1 ? 0 : this.#below(65_536),
      options: this.#options(flags),
    };
    return data > 0 ? { ...seg, data } : seg;
  }

  #flags(): number {
    const choice = this.#random();
    if (choice < 0.9) return ACK | (choice < 0.2 ? PSH : 0);
    if (choice < 0.91) return ACK | FIN;
    if (choice < 0.96) return this.#below(64) & ~RST;
    return choice < 0.995 ? SYN | (this.#random() < 0.5 ? ACK : 0) : RST;
  }

  #options(flags: number): number[] {
    const options: number[] = [];
    if (this.#random() < 0.5) {
      options.push(
        ...TIMESTAMPS_OPTION(this.#below(1_000), Math.floor(this.#h.now) + this.#near(0, 1_000)),
      );
    }
    if (this.#random() < 0.5 && (flags & SYN) === 0) options.push(...this.#sack());
    if (this.#random() < 0.02) while (options.length < 8) options.push(this.#below(256));
    while (options.length % 4 !== 0) options.push(1);
    return options.slice(0, 40);
  }

  #sack(): number[] {
    const blocks = Array.from({ length: this.#below(3) + 1 }, (): [number, number] => {
      const start = this.#near(this.#below(this.#sndNxt + 1), 3_000);
      return [start, start + this.#near(1_000, 5_000)];
    });
    return this.#h.sack(...blocks);
  }

  /** Mostly the number itself or one close to it, sometimes one far away. */
  #near(number: number, spread: number): number {
    const choice = this.#random();
    if (choice < 0.6) return number;
    if (choice < 0.97) return number + Math.floor((this.#random() - 0.5) * spread);
    return Math.floor(this.#random() * 2 ** 32);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #assertSound(): void {
    const { stack, connection, now } = this.#h;
    const info = connection.info();
    assert(stack.usage.bufferBytes <= MOST_STORAGE, `holds ${stack.usage.bufferBytes}`);
    // Unnecessarily retransmitted data is in the network twice.
    const mostInflight = 2 * Math.max(info.unacknowledged, 0);
    assert(info.inflight >= 0 && info.inflight <= mostInflight, 'inflight');
    assert(info.cwnd >= Math.min(info.mss, 48), `cwnd ${info.cwnd}`);
    assert(info.cwnd < 2 ** 31, `cwnd ${info.cwnd}`);
    assert(info.rto >= 1 && info.rto <= 60_000, `rto ${info.rto}`);
    assert(info.pacingRate > 0, `pacingRate ${info.pacingRate}`);
    assert(info.lost >= 0 && info.delivered >= 0, 'counts');
    assert(connection.readableBytes <= BUFFER, 'readable');
    assert(!Number.isNaN(stack.nextTimeout()), 'timer');
    if (connection.state === 'CLOSED') assert(stack.nextTimeout() >= now, 'timer of the dead');
  }

  /** The peer is gone: the connection must end and leave no state. */
  end(): string {
    const { connection, events, stack } = this.#h;
    connection.shutdown();
    for (let minute = 0; minute < 12 && stack.usage.connections > 0; minute++) {
      this.#drain();
      this.#h.after(60_000);
    }
    const ending = events.at(-1) ?? connection.state;
    connection.abort(this.#h.now);
    this.#drain();
    this.#h.after(120_000);
    assert(stack.usage.connections === 0, `left ${connection.state}`);
    assert(stack.usage.bufferBytes === 0, `holds ${stack.usage.bufferBytes}`);
    assert(stack.nextTimeout() === Infinity, 'a timer is left');
    return ending;
  }
}

function assert(isSound: boolean, what: string): void {
  if (!isSound) throw new Error(what);
}
