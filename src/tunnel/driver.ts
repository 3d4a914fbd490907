/**
 * Runs an engine on a socket and a clock: one timer, and a drain after each input.
 *
 * Inputs are batches of datagrams, the timer, and calls that others make on the engine between two
 * schedule()s. Behind a stall of the event loop the datagrams come first, and one turn after them. The
 * engine is drained no faster than the socket takes datagrams, so that what the
 * network cannot carry waits in TCP's send buffers and not in a queue without bound.
 */
import type { DeviceEvent, Engine } from '../engine/engine.js';
import type { Clock, Timer } from '../ports/clock.js';
import type { DatagramSocket } from '../ports/datagram-sockets.js';

/** Above this many bytes in the socket's queue the engine is not drained. */
const SOCKET_HIGH_WATER = 1024 * 1024;

/** A timer that is already due is never set below this, so that a bug cannot spin the process. */
const SHORTEST_TIMER = 1;

/** A timer that is later than this was kept waiting with all else: the event loop was blocked. */
const STALL = 10;

/** So long, in ms, what has come during a stall is taken before timers expire. */
const LONGEST_CATCH_UP = 10;

export interface DriverOptions {
  readonly engine: Engine;
  readonly socket: DatagramSocket;
  readonly clock: Clock;
  readonly onEvent: (event: DeviceEvent) => void;
  /** Called at the end of each turn. */
  readonly onTurn?: (now: number) => void;
}

export class Driver {
  readonly #engine: Engine;
  readonly #socket: DatagramSocket;
  readonly #clock: Clock;
  readonly #onEvent: (event: DeviceEvent) => void;
  readonly #onTurn: ((now: number) => void) | undefined;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  /** When the timer is to fire: not before it was set, unlike #timerAt. */
  #expectedAt = Infinity;
  #isCatchingUp = false;
  /** Batches of datagrams. */
  #received = 0;
  #scheduled = false;
  /** What has come is taken before the next drain, which needs no schedule(). */
  #willDrain = false;
  #beforeDrain: (() => void)[] = [];
  #closed = false;

  constructor(options: DriverOptions) {
    this.#engine = options.engine;
    this.#socket = options.socket;
    this.#clock = options.clock;
    this.#onEvent = options.onEvent;
    this.#onTurn = options.onTurn;
    this.#socket.onReceive = (datagrams) => {
      if (this.#closed) return;
      this.#received++;
      this.#willDrain = true;
      this.#engine.handleDatagrams(datagrams, this.#clock.now());
      this.turn();
    };
    this.#socket.onDrain = () => this.turn();
  }

  now(): number {
    return this.#clock.now();
  }

  startTimer(delay: number, handler: () => void): Timer {
    return this.#clock.startTimer(delay, handler);
  }

  /** To be called after each call on the engine from outside; the turn comes soon, once. */
  schedule(): void {
    if (this.#willDrain || this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#clock.defer(() => {
      this.#scheduled = false;
      this.turn();
    });
  }

  /** Calls `handler` in the next turn, before the engine is drained; outside of one, the turn comes soon. */
  beforeDrain(handler: () => void): void {
    this.#beforeDrain.push(handler);
    this.schedule();
  }

  /** The socket's queue is so long that the engine is not drained. */
  get isCongested(): boolean {
    return this.#socket.queuedBytes >= SOCKET_HIGH_WATER;
  }

  /** Runs one last turn for what is queued and stops. The socket stays open. */
  close(): void {
    if (this.#closed) return;
    this.#runTurn(this.#clock.now());
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** Does what has come to be done now. To be called for an input that is none of the socket's. */
  turn(): void {
    if (this.#closed || this.#isCatchingUp) return;
    const now = this.#clock.now();
    if (now - this.#expectedAt <= STALL) this.#runTurn(now);
    else this.#catchUp(now);
  }

  /**
   * An event loop that was blocked runs its timers before it reads its sockets. What came in time
   * and was not read is not late: TCP would send again what is acknowledged there (RFC 6298 5.3).
   */
  #catchUp(stalledUntil: number): void {
    this.#isCatchingUp = true;
    // What the socket reads behind this call is handed on behind the first deferred call.
    this.#clock.defer(() => this.#lookForMore(this.#received, stalledUntil + LONGEST_CATCH_UP));
  }

  #lookForMore(receivedBefore: number, until: number): void {
    this.#clock.defer(() => {
      if (this.#closed) return;
      const now = this.#clock.now();
      if (this.#received !== receivedBefore && now < until) {
        this.#lookForMore(this.#received, until);
        return;
      }
      this.#isCatchingUp = false;
      this.#runTurn(now);
    });
  }

  #runTurn(now: number): void {
    this.#willDrain = true;
    if (this.#engine.nextTimeout() <= now) this.#engine.handleTimeout(now);
    const handlers = this.#beforeDrain;
    if (handlers.length > 0) {
      this.#beforeDrain = [];
      for (const handler of handlers) handler();
    }
    this.#willDrain = false;
    let more = true;
    while (more && !this.isCongested) {
      const batch = this.#engine.drain(now);
      if (batch.datagrams.length > 0) this.#socket.send(batch.datagrams);
      more = batch.more;
    }
    for (let event = this.#engine.pollEvent(); event; event = this.#engine.pollEvent()) {
      this.#onEvent(event);
    }
    this.#onTurn?.(now);
    // With `more` left, the socket's drain event brings the next turn.
    this.#armTimer(now);
  }

  #armTimer(now: number): void {
    const at = this.#engine.nextTimeout();
    if (at === this.#timerAt && this.#timer !== undefined) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = at;
    this.#expectedAt = Math.max(at, now + SHORTEST_TIMER);
    if (at === Infinity) return;
    this.#timer = this.#clock.startTimer(this.#expectedAt - now, () => {
      this.#timer = undefined;
      this.#timerAt = Infinity;
      this.turn();
    });
  }
}
