/**
 * One tunnel over a pool of virtual SIMs: it uses one of them, and moves on to another where a rival
 * is there (sim-pool.ts says when).
 *
 * Nothing is lost by a move, and nothing sent twice: dials wait while it lasts, a dial that was under
 * way is made again, and a connection that was handed out has DRAIN to end. One that has not is reset,
 * and whoever has sent a request on it hears so: whether that has arrived is not known.
 */
import type { Duplex } from 'node:stream';

import { UserError } from '../../lib/errors/user-error.js';
import { untilAborted } from '../../lib/waits.js';
import { DialError, type DialTarget } from '../../proxy/dialer.js';
import type { ConfirmingDialer, ConfirmingStream } from '../../proxy/tcp-exchange.js';
import type { Timer } from '../../ports/clock.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import { type CloseOptions, type Rival, UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { type PoolDecision, SimPool } from './sim-pool.js';

/** A virtual SIM of a pool. */
export interface PooledSim {
  /** For the log: the SIM's id, or where it is in the list. */
  readonly name: string;
  readonly config: TunnelConfig;
}

export interface PooledTunnelOptions {
  /** One at least. All have the MTU and the congestion control of the first that is used. */
  readonly sims: readonly PooledSim[];
  /** The place in `sims` of the one to begin with: what an earlier process of this sandbox had. */
  readonly first?: number | undefined;
  /** Called with the place of the SIM that is used from now on, and from the opening on. */
  readonly onSim?: (index: number) => void;
}

/** Connections have this long, in ms, to end before a move: until a handshake may begin (whitepaper 6.1), and 1 s. */
export const DRAIN = 6_000;

/** In between, the session is taken back as soon as that may be. */
const LOOK_AGAIN = 1_000;

/** A SYN that was sent again, in ms: the first was lost, or the session (RFC 6298 2.1). */
const INTERRUPTED = 1_000;

/** A wait for a handshake says something of its SIM where an initiation has had this long for its answer, in ms. */
const UNHEARD = 2_000;

/** Such waits behind which a SIM is given up that has been answered before: more than a server's restart. */
const WAITS_IN_VAIN = 3;

/** A dial that moves made again is given up after this, in ms, as any other is. */
export const DIAL_LIMIT = 20_000;

/** Why a SIM is left, for the log. */
const MOVE_REASONS = {
  rival: 'another sandbox uses this virtual SIM',
  silence: 'the Arc server does not answer for this virtual SIM',
} as const;

type MoveReason = keyof typeof MOVE_REASONS;

export class PooledTunnel {
  readonly tunnel: UserspaceTunnel;
  /** TCP inside of the tunnel, whichever SIM it uses. */
  readonly dialer: ConfirmingDialer;
  readonly #sims: readonly PooledSim[];
  readonly #pool: SimPool;
  readonly #ports: TunnelPorts;
  readonly #onSim: (index: number) => void;
  #onMoving: () => void = () => undefined;
  readonly #open = new Set<Duplex>();
  /** Called when a connection has ended. */
  #onEnded: () => void = () => undefined;
  /** The move under way. */
  #move: Promise<void> | undefined;
  #moves = 0;
  /** When the SIM of now was taken, by the wall clock. */
  #takenAt: number;
  /** Waits for a handshake that have ended without one, since the last that did not. */
  #waitsInVain = 0;
  /** When the last of them ended, or the SIM was taken. */
  #waitedUntil: number;
  /** Ends a drain under way. */
  #endDrain: () => void = () => undefined;
  #isClosed = false;

  private constructor(
    tunnel: UserspaceTunnel,
    pool: SimPool,
    ports: TunnelPorts,
    options: PooledTunnelOptions,
  ) {
    this.tunnel = tunnel;
    this.#pool = pool;
    this.#ports = ports;
    this.#sims = options.sims;
    this.#takenAt = this.#now();
    this.#waitedUntil = ports.clock.now();
    this.#onSim = options.onSim ?? (() => undefined);
    this.dialer = { dial: (target, signal) => this.#dial(target, signal) };
    tunnel.onRival((rival) => this.#handleRival(rival));
  }

  /**
   * Opens the tunnel with a SIM of the pool, as UserspaceTunnel.open().
   * @throws RangeError for a pool without SIMs
   */
  static async open(options: PooledTunnelOptions, ports: TunnelPorts): Promise<PooledTunnel> {
    const { sims, first } = options;
    const pool = new SimPool(sims.length, ports.entropy, first);
    const { config, name } = simAt(sims, pool.current);
    ports.log.info({ sim: name, sims: sims.length }, 'a virtual SIM of the pool');
    const tunnel = await UserspaceTunnel.open(config, ports, { watchForRivals: true });
    options.onSim?.(pool.current);
    return new PooledTunnel(tunnel, pool, ports, options);
  }

  /** The place of the SIM in use. */
  get sim(): number {
    return this.#pool.current;
  }

  /** How often it has moved on. */
  get moves(): number {
    return this.#moves;
  }

  /** Whether it has had its SIM alone for long enough to keep it. */
  get isSettled(): boolean {
    return this.#pool.isIncumbent(this.#now());
  }

  /**
   * Whoever holds a connection that carries nothing yet had better end it: a move waits for it.
   * @param listener called at the beginning of each move; there is one
   */
  onMoving(listener: () => void): void {
    this.#onMoving = listener;
  }

  /** As UserspaceTunnel.waitForHandshake(). Where it is in vain, another SIM is tried for who comes next. */
  async waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    try {
      await this.tunnel.waitForHandshake(deadline, signal);
      this.#waitsInVain = 0;
    } catch (error) {
      if (signal?.aborted !== true) this.#follow(this.#unheard(), 'silence');
      throw error;
    }
  }

  refreshSession(): void {
    this.tunnel.refreshSession();
  }

  /** As UserspaceTunnel.close(); a move under way is not waited for, unless it is behind its drain. */
  async close(options?: CloseOptions): Promise<void> {
    this.#isClosed = true;
    this.#endDrain();
    await this.#move;
    await this.tunnel.close(options);
  }

  async #dial(target: DialTarget, signal: AbortSignal | undefined): Promise<ConfirmingStream> {
    const { clock } = this.#ports;
    const deadline = clock.now() + DIAL_LIMIT;
    for (;;) {
      signal?.throwIfAborted();
      if (this.#move !== undefined) await untilAborted(this.#move, signal);
      signal?.throwIfAborted();
      if (clock.now() >= deadline) throw crowded();
      const moves = this.#moves;
      const began = clock.now();
      const hasMoved = (): boolean => this.#move !== undefined || this.#moves !== moves;
      try {
        const stream = await this.tunnel.dialer.dial(target, signal);
        // It would end with the address: nothing was sent on it yet.
        if (hasMoved()) {
          stream.on('error', () => undefined).destroy();
          continue;
        }
        this.#waitsInVain = 0;
        this.#track(stream);
        if (clock.now() - began < INTERRUPTED) this.#pool.answered(this.#now());
        else this.#pool.interrupted(this.#now());
        return stream;
      } catch (error) {
        if (isUnheard(error) && !hasMoved()) this.#follow(this.#unheard(), 'silence');
        if (this.#isClosed || signal?.aborted === true || !hasMoved()) throw error;
      }
    }
  }

  #track(stream: Duplex): void {
    this.#open.add(stream);
    stream.once('close', () => {
      this.#open.delete(stream);
      this.#onEnded();
    });
  }

  /** That it is certain is for the log: the pool counts for itself. */
  #handleRival({ isInDoubt }: Rival): void {
    if (isInDoubt) this.#follow(this.#pool.doubted(this.#now()), 'rival');
    else this.#pool.interrupted(this.#now());
  }

  /** A SIM that is not answered is no good, unless none is. */
  #unheard(): PoolDecision {
    const now = this.#ports.clock.now();
    if (now - this.#waitedUntil < UNHEARD) return { action: 'stay' };
    this.#waitedUntil = now;
    this.#waitsInVain++;
    const { lastHandshakeUnix = -Infinity } = this.tunnel;
    const wasHeard = lastHandshakeUnix >= this.#takenAt;
    if (wasHeard && this.#waitsInVain < WAITS_IN_VAIN) return { action: 'stay' };
    return this.#pool.silent(this.#now());
  }

  #follow(decision: PoolDecision, reason: MoveReason): void {
    if (this.#isClosed || this.#move !== undefined || decision.action === 'stay') return;
    if (decision.action === 'share') this.#warn(decision.pause);
    const { to } = decision;
    if (to === undefined) return;
    const ended = (): void => void (this.#move = undefined);
    this.#move = this.#moveTo(to, reason).then(ended, (error: unknown) => {
      ended();
      const why = error instanceof Error ? error.message : String(error);
      this.#ports.log.error({ reason: why }, 'the tunnel stays at its virtual SIM');
    });
  }

  async #moveTo(to: number, reason: MoveReason): Promise<void> {
    const { log } = this.#ports;
    const [from, next] = [simAt(this.#sims, this.#pool.current), simAt(this.#sims, to)];
    log.info({ from: from.name, to: next.name }, `${MOVE_REASONS[reason]}: moving on`);
    this.#onMoving();
    await this.#drain();
    if (this.#isClosed) return;
    // Behind the reconfiguration what was dialled before has ended, and is dialled again.
    this.#takenAt = this.#now();
    await this.tunnel.reconfigure(next.config);
    this.#pool.moved(to);
    this.#waitsInVain = 0;
    this.#waitedUntil = this.#ports.clock.now();
    this.#moves++;
    this.#onSim(to);
  }

  /** Takes the session back, so that what is under way can end. */
  #drain(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    const { clock } = this.#ports;
    const deadline = clock.now() + DRAIN;
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const settle = (): void => {
        timer?.cancel();
        this.#onEnded = this.#endDrain = () => undefined;
        resolve();
      };
      this.#endDrain = settle;
      const look = (): void => {
        if (clock.now() >= deadline) {
          settle();
          return;
        }
        this.tunnel.beginHandshake();
        timer = clock.startTimer(LOOK_AGAIN, look);
      };
      look();
      this.#onEnded = () => {
        if (this.#open.size === 0) settle();
      };
    });
  }

  #warn(pause: number): void {
    const error = new UserError('failed', {
      what: 'no virtual SIM of the pool is free',
      why: `other tunnels use all ${this.#sims.length} of them, or the Arc server does not answer for them; this one keeps its own for ${Math.round(pause / 1000)} s, and messages wait for their turn`,
      next: [
        'Add virtual SIMs to the pool, two for each concurrent sandbox, or reserve less concurrency.',
        'Where no message arrives at all, check that the virtual SIMs are active, and that UDP goes out.',
      ],
    });
    this.#ports.log.warn({ why: error.why, next: error.next }, error.what);
  }

  #now(): number {
    return this.#ports.wallClock.unixMilliseconds();
  }
}

function simAt(sims: readonly PooledSim[], index: number): PooledSim {
  const sim = sims[index];
  if (sim === undefined) throw new RangeError('no SIM of the pool');
  return sim;
}

function crowded(): DialError {
  return new DialError('timeout', 'other sandboxes have taken one virtual SIM after the other');
}

function isUnheard(error: unknown): boolean {
  return error instanceof DialError && error.reason === 'no-handshake';
}
