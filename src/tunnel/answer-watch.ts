/**
 * Detects that the peer is silent after a request on an open connection, as early as a dial would
 * detect it. WireGuard on its own would start a handshake only after 15 s of silence (whitepaper
 * §6.5).
 */
import type { Clock, Timer } from '../ports/clock.js';
import { SILENCE_TIMEOUT } from './server/route.js';

export interface WatchedConnection {
  /** Whether some of the sent data is not yet acknowledged. */
  readonly isUnacknowledged: () => boolean;
  /** The number of bytes received from the peer so far. */
  readonly received: () => number;
  /** Starts a handshake with the peer. */
  readonly suspect: () => void;
  /** Ends the connection, because the peer is silent. */
  readonly giveUp: () => void;
}

/**
 * An unanswered SYN or request starts a handshake after each of these times, in ms, because a peer
 * that has restarted has no session and stays silent. The second handshake is needed if the session
 * was too new for the first (§6.1).
 */
export const SUSPECT_AFTER = [2_000, 7_000] as const;

export class AnswerWatch {
  readonly #connection: WatchedConnection;
  readonly #clock: Pick<Clock, 'now' | 'startTimer'>;
  #since = 0;
  #receivedBefore = 0;
  #suspicions = 0;
  #timer: Timer | undefined;

  constructor(connection: WatchedConnection, clock: Pick<Clock, 'now' | 'startTimer'>) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /**
   * Starts watching. Call this right after writing a request. One timer serves any number of
   * requests.
   */
  expectAnswer(): void {
    this.#since = this.#clock.now();
    this.#receivedBefore = this.#connection.received();
    this.#suspicions = 0;
    this.#timer ??= this.#startTimer();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #startTimer(): Timer {
    const due = this.#since + (SUSPECT_AFTER[this.#suspicions] ?? SILENCE_TIMEOUT);
    return this.#clock.startTimer(Math.max(0, due - this.#clock.now()), () => this.#check());
  }

  #check(): void {
    this.#timer = undefined;
    const { isUnacknowledged, received, suspect, giveUp } = this.#connection;
    if (!isUnacknowledged() || received() !== this.#receivedBefore) return;
    const elapsed = this.#clock.now() - this.#since;
    if (elapsed >= SILENCE_TIMEOUT) {
      giveUp();
      return;
    }
    if (elapsed >= (SUSPECT_AFTER[this.#suspicions] ?? Infinity)) {
      this.#suspicions++;
      suspect();
    }
    this.#timer = this.#startTimer();
  }
}
