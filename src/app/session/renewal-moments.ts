/** When the platform is worth asking what is wrong with a tunnel, judged by the tunnel's own status. */
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Silence } from '../../lib/silence.js';
import type { Entropy } from '../../ports/entropy.js';
import type { TunnelStatus } from '../../tunnel/tunnel-status.js';

/**
 * - `silent`: handshakes are not answered
 * - `doubtful`: they are, and something is wrong all the same. Nothing comes back, or the server has lost
 *   the session before its time: the next one may have another address, for which no handshake fails
 * - `unreturned`: nothing but keepalives comes back. The server may throw away what comes from an address
 *   that is not ours any more; or programs only send
 */
export type Suspicion = 'silent' | 'doubtful' | 'unreturned';

/** What a look at the status comes to. */
export type Moment = { readonly suspicion: Suspicion } | { readonly nextLook: number };

/** Milliseconds between two looks at a tunnel of which nothing is missed. */
const LOOK_INTERVAL = 5_000;

/**
 * Milliseconds for which a handshake goes unanswered: REKEY_TIMEOUT (whitepaper 6.1), which is the second
 * initiation's turn, and a second for its answer. Asking changes nothing, so that it may be early.
 */
const PATIENCE = 6_000;

/**
 * Milliseconds for which packets go out, and none comes back: longer than whoever waits for an answer likes
 * to, and short enough for traffic to be back in half a minute.
 */
const PATIENCE_WITH_PACKETS = 10_000;

/** A name that is not found is usually a network that is not there, and seldom a server that has moved. */
const PATIENCE_WITH_NAMES = 60_000;

/** Below REKEY_AFTER_TIME (120 s) by the error of two looks and of a wall clock: milliseconds. */
const ORDINARY_RENEWAL = 110_000;

/** Milliseconds in which a change brings its handshake: the silence of 15 s, two initiations, and looks. */
const EFFECT_OF_CHANGE = 30_000;

/** Milliseconds between two questions, at least. */
const SHORTEST_PAUSE = 60_000;
const LONGEST_PAUSE = 30 * 60_000;

/** By this part a pause is longer at most, so that tunnels which fell silent together ask apart. */
const JITTER = 0.25;

/** Without a way out there is none to the platform either. */
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
   * @returns why the platform is to be asked now, or in how many milliseconds the next look is due
   */
  look(status: TunnelStatus, now: number): Moment {
    this.#noteHandshake(status, now);
    const reason = reasonOf(status);
    const hasNetwork = reason === undefined || !NETWORK_FAULTS.has(reason);
    // What was asked in vain without a network says nothing of the platform.
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

  /** To be called behind a question, whatever came of it. */
  asked(suspicion: Suspicion, now: number): void {
    this.#askedAt = now;
    this.#hasLostSession = false;
    this.#pauses[suspicion].begin(now);
  }

  /** Something was changed at either end: a handshake that follows is no sign of anything. */
  changed(now: number): void {
    this.#changedAt = now;
    this.#hasLostSession = false;
  }

  #isDoubtful({ unanswered }: TunnelStatus, reason: Silence | undefined): boolean {
    // While a handshake is tried, whether it is answered says more.
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

/** Why nothing comes from the server; undefined where nothing is missed. */
function reasonOf({ health, silence, unanswered }: TunnelStatus): Silence | undefined {
  return unanswered?.reason ?? (health === 'stale' ? silence?.reason : undefined);
}

/** Milliseconds until the server counts as silent, at the earliest. */
function patienceLeft({ health, unanswered }: TunnelStatus, reason: Silence | undefined): number {
  if (reason === undefined || reason === 'cannot-send') return Infinity;
  const patience = reason === 'name-not-found' ? PATIENCE_WITH_NAMES : PATIENCE;
  if (unanswered !== undefined) return patience - unanswered.for;
  return health === 'stale' && reason !== 'no-data-back' ? 0 : Infinity;
}

/** Pauses that double from one question to the next. */
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

  /** The next question is the first one of its kind. */
  reset(): void {
    this.#count = 0;
    this.#until = -Infinity;
  }
}
