/**
 * Runs an engine on a socket and a clock, with one timer and a drain after each input.
 *
 * Inputs are batches of datagrams, the timer, and engine calls followed by schedule(). After the
 * event loop was blocked, all pending datagrams are read before the next turn. The engine is
 * drained no faster than the socket accepts datagrams, so that excess data waits in TCP's send
 * buffers instead of an unbounded queue. Each turn sends for at most a few milliseconds.
 */
import type { DeviceEvent, Engine } from '../engine/engine.js';
import { clearList } from '../lib/clear-list.js';
import type { Clock, Timer } from '../ports/clock.js';
import type { DatagramSocket } from '../ports/datagram-sockets.js';
import type { Datagram } from '../ports/datagram.js';

/** The engine is not drained while the socket's queue is longer than this, in bytes. */
const SOCKET_HIGH_WATER = 1024 * 1024;

/** The minimum timer delay in milliseconds, so that a bug cannot cause a busy loop. */
const SHORTEST_TIMER = 1;

/**
 * A drain ends after the batch in which its turn exceeds this many ms, so that a fast upload does
 * not delay the other work of the event loop. The rest is sent after a pause.
 */
const LONGEST_DRAIN = 4;

/**
 * A turn with more to send after this many ms is followed by a pause. Otherwise, one iteration of
 * the event loop could run one such turn for its timers, one for its sockets and one for its
 * immediates.
 */
const LONG_DRAIN = 2;

/** A timer that is late by more than this many ms shows that the event loop was blocked. */
const STALL = 10;

/** After a stall, datagrams are read for at most this many ms before timers run. */
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
  /** When #timer fires; usually before #expectedAt. */
  #timerAt = Infinity;
  /**
   * When the next turn for the engine's timers is due: its next timeout, but not before the time at
   * which this was set.
   */
  #expectedAt = Infinity;
  #isCatchingUp = false;
  /** The number of datagram batches received. */
  #received = 0;
  #scheduled = false;
  /** Whether the socket kept datagrams after the last send. */
  #isUnflushed = false;
  /**
   * Whether the current turn will still drain the engine, so that schedule() does not need another
   * turn.
   */
  #willDrain = false;
  /** Whether turns do not drain the engine, until the event loop has read its sockets. */
  #isPaused = false;
  #beforeDrain: (() => void)[] = [];
  /** An empty array for later handlers; undefined while it is in use. */
  #nextHandlers: (() => void)[] | undefined = [];
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
      this.#takeInput(this.#clock.now(), datagrams);
      this.turn();
    };
    this.#socket.onDrain = () => this.turn();
  }

  now(): number {
    return this.#clock.now();
  }

  /** If the timer is late because the event loop was blocked, pending datagrams are read first. */
  startTimer(delay: number, handler: () => void): Timer {
    const due = this.#clock.now() + delay;
    let isCancelled = false;
    const timer = this.#clock.startTimer(delay, () => {
      const now = this.#clock.now();
      if (now - due <= STALL) {
        handler();
        return;
      }
      this.#afterPending(now, () => {
        if (!isCancelled) handler();
      });
    });
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  /**
   * Runs a turn soon. Call this after each external call on the engine; several calls share a turn.
   */
  schedule(): void {
    if (this.#willDrain || this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#clock.defer(() => {
      this.#scheduled = false;
      this.turn();
    });
  }

  /** Calls `handler` in the current or next turn, before the engine is drained. */
  beforeDrain(handler: () => void): void {
    this.#beforeDrain.push(handler);
    this.schedule();
  }

  /** True if the socket's queue is too long to drain the engine. */
  get isCongested(): boolean {
    return this.#socket.queuedBytes >= SOCKET_HIGH_WATER;
  }

  /** Runs one last turn for queued data, then stops. The socket stays open. */
  close(): void {
    if (this.#closed) return;
    this.#isPaused = false;
    this.#runTurn(this.#clock.now(), Infinity);
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** Runs a turn now. Call this after an input that did not come from the socket. */
  turn(): void {
    if (this.#closed || this.#isCatchingUp) return;
    const now = this.#clock.now();
    if (now - this.#expectedAt <= STALL) this.#runTurn(now);
    else this.#catchUp(now);
  }

  /**
   * Delays the turn after a stall, because a blocked event loop runs its timers before it reads its
   * sockets. Otherwise TCP would retransmit data whose acknowledgement has arrived at the socket
   * but has not been read (RFC 6298 5.3).
   */
  #catchUp(stalledUntil: number): void {
    this.#isCatchingUp = true;
    this.#afterPending(stalledUntil, () => {
      if (this.#closed) return;
      this.#isCatchingUp = false;
      this.#runTurn(this.#clock.now());
    });
  }

  /** Calls `handler` when all pending datagrams have been read. */
  #afterPending(stalledUntil: number, handler: () => void): void {
    const until = stalledUntil + LONGEST_CATCH_UP;
    // Defer twice, because the socket delivers pending datagrams after the first deferred call.
    this.#clock.defer(() => this.#lookForMore(this.#received, until, handler));
  }

  #lookForMore(receivedBefore: number, until: number, handler: () => void): void {
    this.#clock.defer(() => {
      const hasMore = this.#received !== receivedBefore && this.#clock.now() < until;
      if (hasMore && !this.#closed) this.#lookForMore(this.#received, until, handler);
      else handler();
    });
  }

  /**
   * Passes datagrams, or the time without them, to the engine, which the caller then drains. If a
   * listener throws, a turn is scheduled.
   */
  #takeInput(now: number, datagrams?: readonly Datagram[]): void {
    this.#willDrain = true;
    try {
      if (datagrams !== undefined) this.#engine.handleDatagrams(datagrams, now);
      else this.#passTime(now);
    } catch (error) {
      this.#willDrain = false;
      this.schedule();
      throw error;
    }
  }

  #passTime(now: number): void {
    if (this.#engine.nextTimeout() <= now) this.#engine.handleTimeout(now);
    this.#runBeforeDrain();
  }

  #runTurn(now: number, longestDrain = LONGEST_DRAIN): void {
    // The socket may have sent the rest since the last turn. With node:dgram, this is always so.
    if (this.#isUnflushed) this.#recycle();
    this.#takeInput(now);
    this.#willDrain = false;
    if (!this.#isPaused) this.#drain(now, longestDrain);
    for (let event = this.#engine.pollEvent(); event; event = this.#engine.pollEvent()) {
      this.#onEvent(event);
    }
    this.#onTurn?.(now);
    this.#armTimer(now);
  }

  /**
   * Sends until nothing is left, the socket's queue is long, or the turn, which began at `now`, has
   * taken `longest` ms.
   */
  #drain(now: number, longest: number): void {
    let elapsed = 0;
    while (elapsed < longest && !this.isCongested) {
      const { datagrams, more } = this.#engine.drain(now);
      if (datagrams.length > 0) {
        this.#socket.send(datagrams);
        this.#recycle();
      }
      if (!more) break;
      // If the loop ends here, the rest waits for the socket's drain event or the end of the pause.
      elapsed = this.#clock.now() - now;
    }
    if (elapsed >= LONG_DRAIN) this.#pause();
  }

  /**
   * Defers twice, because the event loop may call the first handler before it reads its sockets.
   */
  #pause(): void {
    this.#isPaused = true;
    this.#clock.defer(() => {
      this.#clock.defer(() => {
        this.#isPaused = false;
        this.turn();
      });
    });
  }

  #recycle(): void {
    this.#isUnflushed = !this.#socket.isFlushed;
    if (!this.#isUnflushed) this.#engine.recycle();
  }

  /** Runs the handlers; if one throws, the remaining handlers run in the next turn. */
  #runBeforeDrain(): void {
    const handlers = this.#beforeDrain;
    if (handlers.length === 0) return;
    this.#beforeDrain = this.#nextHandlers ?? [];
    this.#nextHandlers = undefined;
    let begun = 0;
    try {
      for (const handler of handlers) {
        begun++;
        handler();
      }
    } finally {
      if (begun < handlers.length) this.#beforeDrain.unshift(...handlers.slice(begun));
      clearList(handlers);
      this.#nextHandlers = handlers;
    }
  }

  /** A timer that fires too early is kept, because almost every packet moves the next timeout. */
  #armTimer(now: number): void {
    const at = this.#engine.nextTimeout();
    this.#expectedAt = Math.max(at, now + SHORTEST_TIMER);
    if (this.#timer !== undefined && this.#timerAt <= this.#expectedAt && at !== Infinity) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (at !== Infinity) this.#startEngineTimer(now);
  }

  #startEngineTimer(now: number): void {
    const delay = Math.max(this.#expectedAt - now, SHORTEST_TIMER);
    this.#timerAt = now + delay;
    this.#timer = this.#clock.startTimer(delay, () => {
      this.#timer = undefined;
      const firedAt = this.#clock.now();
      if (firedAt < this.#expectedAt) this.#startEngineTimer(firedAt);
      else this.turn();
    });
  }
}
