/**
 * Runs an engine on a socket and a clock: one timer, and a drain after each input.
 *
 * Inputs are batches of datagrams, the timer, and calls that others make on the engine between two
 * schedule()s. The engine is drained no faster than the socket takes datagrams, so that what the
 * network cannot carry waits in TCP's send buffers and not in a queue without bound.
 */
import type { DeviceEvent, NetstackEngine } from '../engine/netstack-engine.js';
import type { Clock, DatagramSocket, Timer } from './ports.js';

/** Above this many bytes in the socket's queue the engine is not drained. */
const SOCKET_HIGH_WATER = 1024 * 1024;

/** A timer that is already due is never set below this, so that a bug cannot spin the process. */
const SHORTEST_TIMER = 1;

export interface DriverOptions {
  readonly engine: NetstackEngine;
  readonly socket: DatagramSocket;
  readonly clock: Clock;
  readonly onEvent: (event: DeviceEvent) => void;
  /** Called at the end of each turn. */
  readonly onTurn?: (now: number) => void;
}

export class Driver {
  readonly #engine: NetstackEngine;
  readonly #socket: DatagramSocket;
  readonly #clock: Clock;
  readonly #onEvent: (event: DeviceEvent) => void;
  readonly #onTurn: ((now: number) => void) | undefined;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #scheduled = false;
  #closed = false;

  constructor(options: DriverOptions) {
    this.#engine = options.engine;
    this.#socket = options.socket;
    this.#clock = options.clock;
    this.#onEvent = options.onEvent;
    this.#onTurn = options.onTurn;
    this.#socket.onReceive((datagrams) => {
      if (this.#closed) return;
      this.#engine.handleDatagrams(datagrams, this.#clock.now());
      this.#turn();
    });
    this.#socket.onDrain(() => this.#turn());
  }

  now(): number {
    return this.#clock.now();
  }

  startTimer(delay: number, handler: () => void): Timer {
    return this.#clock.startTimer(delay, handler);
  }

  /** To be called after each call on the engine from outside; the turn comes soon, once. */
  schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#clock.defer(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  /** Runs one last turn for what is queued and stops. The socket stays open. */
  close(): void {
    if (this.#closed) return;
    this.#turn();
    this.#closed = true;
    this.#timer?.cancel();
  }

  #turn(): void {
    if (this.#closed) return;
    const now = this.#clock.now();
    if (this.#engine.nextTimeout() <= now) this.#engine.handleTimeout(now);
    let more = true;
    while (more && this.#socket.queuedBytes < SOCKET_HIGH_WATER) {
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
    if (at === Infinity) return;
    this.#timer = this.#clock.startTimer(Math.max(SHORTEST_TIMER, at - now), () => {
      this.#timer = undefined;
      this.#timerAt = Infinity;
      this.#turn();
    });
  }
}
