/** Decides from a tunnel's status when to ask SORACOM about a problem with the tunnel. */
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Silence } from '../../lib/silence.js';
import type { Entropy } from '../../ports/entropy.js';
import type { TunnelStatus } from '../../tunnel/tunnel-status.js';

/**
 * The reason to ask SORACOM:
 * - `silent`: the server does not answer handshakes
 * - `doubtful`: handshakes succeed, but no data returns, or the server lost the session early.
 *   SORACOM may have moved the session to another address without breaking handshakes.
 * - `unreturned`: only keepalives return. The server may be dropping packets from an outdated
 *   client address, or programs only send data.
 */
export type Suspicion = 'silent' | 'doubtful' | 'unreturned';

/** Why SORACOM must be asked now, or the milliseconds until the next check. */
export type Moment = { readonly suspicion: Suspicion } | { readonly nextLook: number };

/** The interval in milliseconds between checks of a healthy tunnel. */
const LOOK_INTERVAL = 5_000;

/**
 * SORACOM is asked after this many milliseconds without a handshake response: REKEY_TIMEOUT
 * (whitepaper 6.1), after which the second initiation is sent, plus one second for its response.
 */
const PATIENCE = 6_000;

/**
 * SORACOM is asked after the tunnel has sent packets for this many milliseconds without receiving
 * any. The time is short, so that traffic resumes within half a minute.
 */
const PATIENCE_WITH_PACKETS = 10_000;

/**
 * SORACOM is asked after this many milliseconds without a successful name lookup. The cause is
 * usually that the network is down, and rarely that the server has moved.
 */
const PATIENCE_WITH_NAMES = 60_000;

/**
 * The session age in ms from which a new handshake is normal: REKEY_AFTER_TIME (120 s), minus a
 * margin for two checks and for the inaccuracy of the wall clock.
 */
const ORDINARY_RENEWAL = 110_000;

/**
 * How long it takes, in milliseconds, until a change leads to a handshake: 15 s of silence, two
 * initiations, and the checks.
 */
const EFFECT_OF_CHANGE = 30_000;

/** Minimum milliseconds between two requests to SORACOM. */
const SHORTEST_PAUSE = 60_000;
const LONGEST_PAUSE = 30 * 60_000;

/**
 * The maximum random extension of a pause, as a fraction. The extension prevents tunnels that fail
 * together from asking at the same time.
 */
const JITTER = 0.25;

/**
 * The reasons for silence that lie in the local network, so that SORACOM cannot be reached either.
 */
const NETWORK_FAULTS: ReadonlySet<Silence> = new Set(['cannot-send', 'name-not-found']);

export class RenewalMoments {
  readonly #pauses: Readonly<Record<Suspicion, Pauses>>;
  #askedAt = -Infinity;
  #changedAt = -Infinity;
  #latestHandshake: number | undefined;
  #hasLostSession = false;
  #hadNetwork = true;

  constructor(entropy: Entropy) {
    this.#pauses = {
      silent: new Pauses(entropy),
      doubtful: new Pauses(entropy),
      unreturned: new Pauses(entropy),
    };
  }

  /**
   * @param now monotonic milliseconds
   * @returns why to ask SORACOM now, or the milliseconds until the next check
   */
  look(status: TunnelStatus, now: number): Moment {
    this.#noteHandshake(status, now);
    const reason = reasonOf(status);
    const hasNetwork = reason === undefined || !NETWORK_FAULTS.has(reason);
    // Requests that failed because the network was down must not delay the next request.
    if (hasNetwork && !this.#hadNetwork) this.#pauses.silent.reset();
    this.#hadNetwork = hasNetwork;
    if (this.#isDoubtful(status, reason) && this.#mayAsk('doubtful', now))
      return { suspicion: 'doubtful' };
    if (this.#isUnreturned(status) && this.#mayAsk('unreturned', now))
      return { suspicion: 'unreturned' };
    const wait = patienceLeft(status, reason);
    if (wait <= 0 && this.#mayAsk('silent', now)) return { suspicion: 'silent' };
    return { nextLook: wait > 0 ? Math.min(LOOK_INTERVAL, wait) : LOOK_INTERVAL };
  }

  /** Records that SORACOM was asked, successfully or not. */
  asked(suspicion: Suspicion, now: number): void {
    this.#askedAt = now;
    this.#hasLostSession = false;
    this.#pauses[suspicion].begin(now);
  }

  /**
   * Records a change at either end of the tunnel. The next handshake is then not a sign that the
   * session was lost.
   */
  changed(now: number): void {
    this.#changedAt = now;
    this.#hasLostSession = false;
  }

  #isDoubtful({ unanswered }: TunnelStatus, reason: Silence | undefined): boolean {
    // Wait for the result of a pending handshake, which is better evidence.
    return unanswered === undefined && (this.#hasLostSession || reason === 'no-data-back');
  }

  #isUnreturned({ unanswered, unreturnedFor }: TunnelStatus): boolean {
    return unanswered === undefined && (unreturnedFor ?? 0) >= PATIENCE_WITH_PACKETS;
  }

  #mayAsk(suspicion: Suspicion, now: number): boolean {
    return now - this.#askedAt >= SHORTEST_PAUSE && this.#pauses[suspicion].isOver(now);
  }

  #noteHandshake({ peers: [server] }: TunnelStatus, now: number): void {
    const latest = server?.latestHandshakeUnix;
    const before = this.#latestHandshake;
    if (latest === undefined || latest === before) return;
    this.#latestHandshake = latest;
    this.#pauses.silent.reset();
    if (before === undefined || now - this.#changedAt < EFFECT_OF_CHANGE) return;
    this.#hasLostSession = Math.abs(latest - before) < ORDINARY_RENEWAL;
    if (!this.#hasLostSession) this.#pauses.doubtful.reset();
  }
}

/** Returns why nothing arrives from the server; undefined if no response is overdue. */
function reasonOf({ health, silence, unanswered }: TunnelStatus): Silence | undefined {
  return unanswered?.reason ?? (health === 'stale' ? silence?.reason : undefined);
}

/** Returns the milliseconds that must pass before the server counts as silent. */
function patienceLeft({ health, unanswered }: TunnelStatus, reason: Silence | undefined): number {
  if (reason === undefined || reason === 'cannot-send') return Infinity;
  const patience = reason === 'name-not-found' ? PATIENCE_WITH_NAMES : PATIENCE;
  if (unanswered !== undefined) return patience - unanswered.for;
  return health === 'stale' && reason !== 'no-data-back' ? 0 : Infinity;
}

/** The pauses between requests to SORACOM; each pause is twice as long as the one before. */
class Pauses {
  readonly #entropy: Entropy;
  #count = 0;
  #until = -Infinity;

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  isOver(now: number): boolean {
    return now >= this.#until;
  }

  begin(now: number): void {
    const pause = Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** this.#count);
    this.#count = Math.min(this.#count + 1, 10);
    const share = randomUint32(this.#entropy) / 2 ** 32;
    this.#until = now + pause * (1 + JITTER * share);
  }

  /** Restarts from the shortest pause. */
  reset(): void {
    this.#count = 0;
    this.#until = -Infinity;
  }
}
