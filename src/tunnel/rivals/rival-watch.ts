/**
 * Whether another tunnel uses our key. A WireGuard server sends under one session for a key, that of
 * the newest handshake, to one endpoint, that of the last message: two tunnels with one key take both
 * from each other, again and again (docs/decisions/0014-one-sim-per-sandbox.md has what was seen).
 *
 * - A session is **in doubt** where TCP gets no acknowledgement in time, nothing else comes back either,
 *   and meanwhile the server sends us messages for a session that was never ours. Those anybody can forge
 *   who knows both ends' addresses, but nobody who only listens can see to it that nothing comes back. It
 *   is **lost** where that ends with a
 *   handshake of ours that is answered.
 * - A **foreign flow** is an authentic answer to a connection that was never ours, from a service that
 *   we use as well. Behind a restart of this process it may be one of the process before: at first such
 *   flows count for nothing.
 *
 * A server's restart loses a session without strange messages; loss on the path, the freezing of this
 * process and a NAT that forgets us bring none for sessions that were never ours.
 */

/** What was seen of a rival of late. */
export interface RivalSigns {
  /** Whether there is no other explanation. */
  readonly isCertain: boolean;
  /** Whether it is a session in doubt that tells of it; else foreign flows, which may outlive the rival. */
  readonly isInDoubt: boolean;
  readonly foreignFlows: number;
  readonly lostSessions: number;
}

/** Milliseconds: what is older than that says nothing of now. */
const WINDOW = 120_000;

/** A rival that stays is named again after this, in ms. */
const NAMED_AGAIN_AFTER = 30_000;

/** Of a rival that takes the session once in REKEY_TIMEOUT (whitepaper 6.1) several flows are one sign, in ms. */
const REPORTED_AGAIN_AFTER = 5_000;

/** Two flows within less, in ms, may be of one moment: several requests of a process that is gone. */
const APART = 1_000;

/** Lost sessions that prove a rival by themselves, where they are of late or one behind the other. */
const LOST_SESSIONS = 3;

/**
 * In a row they prove it over this long, in ms: whoever sends once a minute loses one at each message, and
 * none is older than 180 s by then (whitepaper 6.2).
 */
const WINDOW_IN_A_ROW = 600_000;

/** From the opening, in ms: connections of an earlier process with this key may still be answered. */
const LEFTOVERS = 60_000;

/** The same for what accepts a connection: its other end has asked for it a moment ago. */
const LEFTOVER_REQUESTS = 5_000;

/** Nothing has come back for this long, in ms: TCP's first RTO (RFC 6298 2.1). */
const UNANSWERED = 1_000;

/**
 * What was sent again sooner behind the first word, or behind the handshake, in ms, was no question to this
 * session: no RTO is shorter. The last word of an exchange is a mere ACK, and brings nothing back in any case.
 */
const SHORTEST_RTO = 200;

/** Flows that are remembered, lest one counts twice. */
const KNOWN_FLOWS = 1_024;

/** Signs that are kept: more prove nothing more. */
const KEPT_SIGNS = 16;

export class RivalWatch {
  #since: number;
  #flows: readonly number[] = [];
  #lost: readonly number[] = [];
  /** The last of them, with no session in between that was not lost. */
  #lostInARow: readonly number[] = [];
  readonly #known = new Set<string>();
  #strangeAt = -Infinity;
  /** When TCP last sent something again. */
  #timedOutAt = -Infinity;
  /** When the session of now was made; undefined before the first. */
  #sessionAt: number | undefined;
  /** The session of now was reported to be in doubt. */
  #isDoubted = false;
  /** A foreign flow has come that was not reported. */
  #hasFlow = false;
  #reportedAt = -Infinity;
  #namedAt = -Infinity;

  constructor(now: number) {
    this.#since = now;
  }

  /** Another key or server is used from now on: nothing is known of it. */
  restart(now: number): void {
    this.#since = now;
    this.#flows = this.#lost = this.#lostInARow = [];
    this.#known.clear();
    this.#strangeAt = this.#namedAt = -Infinity;
    this.#sessionAt = undefined;
    this.#isDoubted = this.#hasFlow = false;
    this.#reportedAt = -Infinity;
  }

  /** From the server's endpoint came a message for a session that was never ours. */
  strangeMessage(now: number): void {
    this.#strangeAt = now;
  }

  /** @param at when TCP last sent something again for want of an answer */
  timedOut(at: number): void {
    this.#timedOutAt = at;
  }

  /** An authentic answer to a connection that was never ours. */
  foreignFlow(flow: string, isSynAck: boolean, now: number): void {
    const age = now - this.#since;
    if (age < (isSynAck ? LEFTOVER_REQUESTS : LEFTOVERS) || this.#known.has(flow)) return;
    if (this.#known.size >= KNOWN_FLOWS) this.#known.clear();
    this.#known.add(flow);
    this.#flows = [...recent(this.#flows, now), now];
    this.#hasFlow = true;
  }

  /**
   * A handshake is complete.
   * @param unansweredSince since when data that was sent has brought nothing back; undefined for never
   */
  handshakeComplete(unansweredSince: number | undefined, now: number): void {
    const isLost = this.isInDoubt(unansweredSince, now);
    if (isLost) this.#lost = [...recent(this.#lost, now), now];
    this.#lostInARow = isLost ? [...recent(this.#lostInARow, now, WINDOW_IN_A_ROW), now] : [];
    this.#sessionAt = now;
    this.#isDoubted = false;
  }

  /**
   * What tells of a rival: each session in doubt once, foreign flows every 5 s, a rival that is certain
   * every 30 s for as long as there are signs.
   *
   * @param unansweredSince as for handshakeComplete()
   */
  poll(unansweredSince: number | undefined, now: number): RivalSigns | undefined {
    const isInDoubt = !this.#isDoubted && this.isInDoubt(unansweredSince, now);
    const lostSessions = Math.max(this.#lost.length, this.#lostInARow.length);
    const signs = { isInDoubt, foreignFlows: this.#flows.length, lostSessions };
    if (this.#isCertain(now) && now - this.#namedAt >= NAMED_AGAIN_AFTER) {
      // What has been told is told: the next time it takes signs of its own.
      this.#flows = this.#lost = this.#lostInARow = [];
      this.#namedAt = now;
      return { isCertain: true, ...signs, isInDoubt: false };
    }
    if (!isInDoubt && !(this.#hasFlow && now - this.#reportedAt >= REPORTED_AGAIN_AFTER))
      return undefined;
    if (isInDoubt) this.#isDoubted = true;
    this.#hasFlow = false;
    this.#reportedAt = now;
    return { isCertain: false, ...signs };
  }

  /** Whether the session of now is likely not the server's any more; a new handshake shows it. */
  isInDoubt(unansweredSince: number | undefined, now: number): boolean {
    if (unansweredSince === undefined || this.#sessionAt === undefined) return false;
    // What was sent under the session before is no question to this one.
    const since = Math.max(unansweredSince, this.#sessionAt);
    if (this.#timedOutAt - since < SHORTEST_RTO) return false;
    return now - since >= UNANSWERED && this.#strangeAt >= since;
  }

  #isCertain(now: number): boolean {
    const flows = recent(this.#flows, now);
    const lost = recent(this.#lost, now);
    const inARow = lost.length > 0 ? recent(this.#lostInARow, now, WINDOW_IN_A_ROW) : [];
    if (Math.max(lost.length, inARow.length) >= LOST_SESSIONS) return true;
    const [first = Infinity] = flows;
    if (flows.length > 0 && lost.length > 0) return true;
    return flows.some((moment) => moment - first >= APART);
  }
}

function recent(moments: readonly number[], now: number, window = WINDOW): number[] {
  return moments.filter((moment) => now - moment < window).slice(1 - KEPT_SIGNS);
}
