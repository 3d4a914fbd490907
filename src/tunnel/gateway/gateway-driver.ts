/** Runs a gateway engine on a tun device and a clock, with one timer and a drain after each input. */
import type { GatewayEngine } from '../../engine/gateway-engine.js';
import type { Clock, Timer } from '../../ports/clock.js';
import type { PacketInterface } from '../../ports/packet-interfaces.js';
import type { ConnectionHost } from '../node/connection-stream.js';

/** The minimum timer delay in milliseconds, so that a bug cannot cause a busy loop. */
const SHORTEST_TIMER = 1;

export class GatewayDriver implements ConnectionHost {
  readonly #engine: GatewayEngine;
  readonly #clock: Clock;
  #beforeDrain: (() => void)[] = [];
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #isScheduled = false;
  /** Whether the current call will still run a turn. */
  #willTurn = false;
  #isClosed = false;

  constructor(engine: GatewayEngine, device: PacketInterface, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
    device.onFrames = (frames) => {
      if (this.#isClosed) return;
      this.#willTurn = true;
      engine.handleFrames(frames, clock.now());
      this.#turn();
    };
  }

  now(): number {
    return this.#clock.now();
  }

  startTimer(delay: number, handler: () => void): Timer {
    return this.#clock.startTimer(delay, handler);
  }

  /** Runs a turn soon. Call this after each call on the engine; several calls share a turn. */
  schedule(): void {
    if (this.#willTurn || this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#clock.defer(() => {
      this.#isScheduled = false;
      if (!this.#isClosed) this.#turn();
    });
  }

  beforeDrain(handler: () => void): void {
    this.#beforeDrain.push(handler);
    this.schedule();
  }

  /** Stops; no packet is sent afterwards. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #turn(): void {
    const now = this.#clock.now();
    this.#willTurn = true;
    if (this.#engine.nextTimeout() <= now) this.#engine.handleTimeout(now);
    const handlers = this.#beforeDrain;
    this.#beforeDrain = [];
    for (const handler of handlers) handler();
    this.#willTurn = false;
    while (this.#engine.drain(now));
    this.#armTimer(now);
  }

  #armTimer(now: number): void {
    const at = this.#engine.nextTimeout();
    if (at === this.#timerAt && this.#timer !== undefined) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = at;
    if (at === Infinity) return;
    this.#timer = this.#clock.startTimer(Math.max(at - now, SHORTEST_TIMER), () => {
      this.#timer = undefined;
      this.#turn();
    });
  }
}
