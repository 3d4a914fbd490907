/**
 * A tunnel that uses one virtual SIM at a time from a pool. It moves to another SIM if a rival
 * appears (sim-pool.ts decides when).
 *
 * A move loses no data and sends nothing twice. New dials wait until the move ends, and pending
 * dials are repeated. Open connections have DRAIN milliseconds to finish. The remaining connections
 * are reset, so that their clients see an error, because it is unknown whether their requests
 * arrived.
 */
import type { Duplex } from 'node:stream';

import { messageOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import { untilAborted } from '../../lib/waits.js';
import { DialError, type DialTarget } from '../../proxy/dialer.js';
import type { ConfirmingDialer, ConfirmingStream } from '../../proxy/tcp-exchange.js';
import type { Timer } from '../../ports/clock.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import { type CloseOptions, type Rival, UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { type PoolDecision, SimPool } from './sim-pool.js';

export interface PooledSim {
  /** The SIM's ID or its position in the list, for log messages. */
  readonly name: string;
  readonly config: TunnelConfig;
}

export interface PooledTunnelOptions {
  /**
   * At least one SIM. The MTU and the congestion control of the first SIM that is used apply to all
   * SIMs.
   */
  readonly sims: readonly PooledSim[];
  /** The index in `sims` to start with: the SIM that an earlier process in this sandbox used. */
  readonly first?: number | undefined;
  /** Called with the index of the SIM in use, after opening and after each move. */
  readonly onSim?: (index: number) => void;
}

/**
 * How long, in milliseconds, connections may take to end before a move: REKEY_TIMEOUT (whitepaper
 * 6.1) plus 1 s.
 */
export const DRAIN = 6_000;

/** The interval, in ms, between attempts to take the session back from a rival during a drain. */
const LOOK_AGAIN = 1_000;

/**
 * If a dial takes more than this many milliseconds, the session may be lost, because the SYN was
 * retransmitted (RFC 6298 2.1).
 */
const INTERRUPTED = 1_000;

/** An unanswered handshake counts as a failure of its SIM after this many milliseconds. */
const UNHEARD = 2_000;

/**
 * After this many failed waits, the tunnel gives up a SIM that worked before. A server restart
 * causes fewer failed waits.
 */
const WAITS_IN_VAIN = 3;

/** A dial times out after this many milliseconds, even if moves repeat it. */
export const DIAL_LIMIT = 20_000;

/** The log messages for giving up a SIM. */
const MOVE_REASONS = {
  rival: 'another sandbox is using this virtual SIM',
  silence: 'the Arc server is not answering for this virtual SIM',
} as const;

type MoveReason = keyof typeof MOVE_REASONS;

export class PooledTunnel {
  readonly tunnel: UserspaceTunnel;
  /** Dials TCP connections inside the tunnel through the current SIM. */
  readonly dialer: ConfirmingDialer;
  readonly #sims: readonly PooledSim[];
  readonly #pool: SimPool;
  readonly #ports: TunnelPorts;
  readonly #onSim: (index: number) => void;
  #onMoving: () => void = () => undefined;
  readonly #open = new Set<Duplex>();
  /** Called when a connection has closed. */
  #onEnded: () => void = () => undefined;
  #move: Promise<void> | undefined;
  #moves = 0;
  /** The wall-clock time at which the current SIM was chosen. */
  #takenAt: number;
  /** The number of failed waits for a handshake since the last successful wait. */
  #waitsInVain = 0;
  /** The time at which the last failed wait ended, or the SIM was chosen. */
  #waitedUntil: number;
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
   * Opens the tunnel with a SIM of the pool, like UserspaceTunnel.open().
   * @throws RangeError for an empty pool
   */
  static async open(options: PooledTunnelOptions, ports: TunnelPorts): Promise<PooledTunnel> {
    const { sims, first } = options;
    const pool = new SimPool(sims.length, ports.entropy, first);
    const { config, name } = simAt(sims, pool.current);
    ports.log.info({ sim: name, sims: sims.length }, 'using a virtual SIM from the pool');
    const tunnel = await UserspaceTunnel.open(config, ports, { watchForRivals: true });
    options.onSim?.(pool.current);
    return new PooledTunnel(tunnel, pool, ports, options);
  }

  /** The index of the SIM in use. */
  get sim(): number {
    return this.#pool.current;
  }

  get moves(): number {
    return this.#moves;
  }

  /** Whether this tunnel has used its SIM without a rival for long enough to keep it. */
  get isSettled(): boolean {
    return this.#pool.isIncumbent(this.#now());
  }

  /**
   * Sets the listener for moves, which should close unused connections, because a move waits for
   * them.
   * @param listener called at the start of each move; replaces the previous listener
   */
  onMoving(listener: () => void): void {
    this.#onMoving = listener;
  }

  /** Like UserspaceTunnel.waitForHandshake(), but a failure may move the tunnel to another SIM. */
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

  /**
   * Like UserspaceTunnel.close(), but also ends a drain, and waits for a move whose drain is over.
   */
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
      if (clock.now() >= deadline) {
        throw new DialError(
          'timeout',
          'other sandboxes are using every virtual SIM that was tried',
        );
      }
      const moves = this.#moves;
      const began = clock.now();
      const hasMoved = (): boolean => this.#move !== undefined || this.#moves !== moves;
      try {
        const stream = await this.tunnel.dialer.dial(target, signal);
        // The move invalidates this connection's address. No data was sent on the connection yet.
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

  /** Ignores isCertain, which is only for the log, because the pool evaluates the signs itself. */
  #handleRival({ isInDoubt }: Rival): void {
    if (isInDoubt) this.#follow(this.#pool.doubted(this.#now()), 'rival');
    else this.#pool.interrupted(this.#now());
  }

  /** Counts a failed wait. The tunnel leaves a silent SIM, unless all SIMs are silent. */
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
      this.#ports.log.error(
        { reason: messageOf(error) },
        'cannot switch to another virtual SIM in the pool',
      );
    });
  }

  async #moveTo(to: number, reason: MoveReason): Promise<void> {
    const { log } = this.#ports;
    const [from, next] = [simAt(this.#sims, this.#pool.current), simAt(this.#sims, to)];
    log.info(
      { from: from.name, to: next.name },
      `${MOVE_REASONS[reason]}: switching to another virtual SIM`,
    );
    this.#onMoving();
    await this.#drain();
    if (this.#isClosed) return;
    // The reconfiguration ends pending dials, which then start again.
    this.#takenAt = this.#now();
    await this.tunnel.reconfigure(next.config);
    this.#pool.moved(to);
    this.#waitsInVain = 0;
    this.#waitedUntil = this.#ports.clock.now();
    this.#moves++;
    this.#onSim(to);
  }

  /** Repeatedly takes the session back from the rival, so that open connections can finish. */
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
      what: 'no virtual SIM in the pool is free',
      why: `other tunnels are using all ${this.#sims.length} virtual SIMs, or the Arc server is not answering. This tunnel will share its SIM for ${Math.round(pause / 1000)} s, which can delay messages`,
      next: [
        'Add virtual SIMs to the pool, two for each concurrent sandbox, or reduce the concurrency.',
        'If no message arrives at all, check that the virtual SIMs are active and that outgoing UDP is allowed.',
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
  if (sim === undefined) throw new RangeError('the pool does not contain this SIM');
  return sim;
}

function isUnheard(error: unknown): boolean {
  return error instanceof DialError && error.reason === 'no-handshake';
}
