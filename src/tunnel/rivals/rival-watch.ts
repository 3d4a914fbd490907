/**
 * Detects another tunnel that is using the same key. A WireGuard server has one session and one
 * endpoint for each key: the session of the newest handshake, and the endpoint that sent the last
 * message. So two tunnels with one key keep taking the session and the endpoint from each other
 * (docs/decisions/0014-one-sim-per-sandbox.md describes what was observed).
 *
 * - A session is **in doubt** if TCP does not get an acknowledgement in time, no other data
 *   arrives, and meanwhile the server sends messages for sessions that never belonged to this
 *   tunnel. Anyone who knows both endpoints can forge such messages, but an attacker who can only
 *   listen cannot suppress the replies. The session is **lost** if this tunnel then completes a
 *   handshake.
 * - A **foreign flow** is an authentic reply on a connection that this tunnel never opened, from a
 *   service that this tunnel also uses. After a restart, a foreign flow may belong to the previous
 *   process, so foreign flows are ignored at first.
 *
 * If the server restarts, the session is also lost, but no such messages arrive. Packet loss, a
 * frozen process or a NAT that drops its mapping does not cause messages for unknown sessions.
 */

export interface RivalSigns {
  /** Whether a rival is the only possible explanation for the signs. */
  readonly isCertain: boolean;
  /** True if a session is in doubt; false for foreign flows, which may outlive the rival. */
  readonly isInDoubt: boolean;
  readonly foreignFlows: number;
  readonly lostSessions: number;
}

/** Signs expire after this many milliseconds. */
const WINDOW = 120_000;

/** The interval in milliseconds at which a confirmed rival is reported again. */
const NAMED_AGAIN_AFTER = 30_000;

/**
 * The minimum interval in milliseconds between reports of flows: a rival can take the session once
 * per REKEY_TIMEOUT (whitepaper 6.1).
 */
const REPORTED_AGAIN_AFTER = 5_000;

/**
 * Flows less than this many ms apart may come from simultaneous requests of a process that has
 * ended.
 */
const APART = 1_000;

/** This many lost sessions, recent or consecutive, prove that a rival exists. */
const LOST_SESSIONS = 3;

/**
 * The window in milliseconds for consecutive lost sessions. If a rival is present, a tunnel that
 * sends once a minute loses a session with each message, always before the session is 180 s old
 * (whitepaper 6.2).
 */
const WINDOW_IN_A_ROW = 600_000;

/**
 * For this many ms after the tunnel opens, responses to an earlier process's connections may
 * arrive.
 */
const LEFTOVERS = 60_000;

/** Like LEFTOVERS, but for SYN-ACKs, because a server answers a SYN promptly. */
const LEFTOVER_REQUESTS = 5_000;

/**
 * Data without a reply counts as unanswered after this many milliseconds: TCP's first RTO (RFC 6298
 * 2.1).
 */
const UNANSWERED = 1_000;

/**
 * The minimum RTO in milliseconds. If TCP retransmits sooner than this after the handshake or the
 * first data, it is repeating data from an earlier session. The last segment of an exchange is only
 * an ACK, which gets no reply.
 */
const SHORTEST_RTO = 200;

/** The number of flows to remember, so that no flow is counted twice. */
const KNOWN_FLOWS = 1_024;

/** The maximum number of signs to keep; more would not make the proof stronger. */
const KEPT_SIGNS = 16;

export class RivalWatch {
  #since: number;
  #flows: readonly number[] = [];
  #lost: readonly number[] = [];
  /** The latest lost sessions, without other sessions between them. */
  #lostInARow: readonly number[] = [];
  readonly #known = new Set<string>();
  #strangeAt = -Infinity;
  /** The time of TCP's last retransmission. */
  #timedOutAt = -Infinity;
  /** The time at which the current session was established; undefined before the first session. */
  #sessionAt: number | undefined;
  #isDoubted = false;
  /** Whether a foreign flow has arrived that was not yet reported. */
  #hasFlow = false;
  #reportedAt = -Infinity;
  #namedAt = -Infinity;

  constructor(now: number) {
    this.#since = now;
  }

  /** Discards all signs, because the key or server has changed. */
  restart(now: number): void {
    this.#since = now;
    this.#flows = this.#lost = this.#lostInARow = [];
    this.#known.clear();
    this.#strangeAt = this.#namedAt = -Infinity;
    this.#sessionAt = undefined;
    this.#isDoubted = this.#hasFlow = false;
    this.#reportedAt = -Infinity;
  }

  /** Records a message from the server's endpoint for a session that this tunnel never had. */
  strangeMessage(now: number): void {
    this.#strangeAt = now;
  }

  /** @param at the time at which TCP last retransmitted because of a missing response */
  timedOut(at: number): void {
    this.#timedOutAt = at;
  }

  /** Records an authentic response for a connection that this tunnel never opened. */
  foreignFlow(flow: string, isSynAck: boolean, now: number): void {
    const age = now - this.#since;
    if (age < (isSynAck ? LEFTOVER_REQUESTS : LEFTOVERS) || this.#known.has(flow)) return;
    if (this.#known.size >= KNOWN_FLOWS) this.#known.clear();
    this.#known.add(flow);
    this.#flows = [...recent(this.#flows, now), now];
    this.#hasFlow = true;
  }

  /**
   * Records a completed handshake.
   * @param unansweredSince when the oldest data without a reply was sent; undefined if none was
   */
  handshakeComplete(unansweredSince: number | undefined, now: number): void {
    const isLost = this.isInDoubt(unansweredSince, now);
    if (isLost) this.#lost = [...recent(this.#lost, now), now];
    this.#lostInARow = isLost ? [...recent(this.#lostInARow, now, WINDOW_IN_A_ROW), now] : [];
    this.#sessionAt = now;
    this.#isDoubted = false;
  }

  /**
   * Returns the signs to report now: each session in doubt once, foreign flows at most every 5 s,
   * and a confirmed rival every 30 s while signs continue.
   *
   * @param unansweredSince as for handshakeComplete()
   */
  poll(unansweredSince: number | undefined, now: number): RivalSigns | undefined {
    const isInDoubt = !this.#isDoubted && this.isInDoubt(unansweredSince, now);
    // This runs after every turn, and most tunnels never see a sign.
    const hasSigns = this.#hasFlow || this.#flows.length > 0 || this.#lost.length > 0;
    if (!isInDoubt && !hasSigns) return undefined;
    const lostSessions = Math.max(this.#lost.length, this.#lostInARow.length);
    const signs = { isInDoubt, foreignFlows: this.#flows.length, lostSessions };
    if (this.#isCertain(now) && now - this.#namedAt >= NAMED_AGAIN_AFTER) {
      // Require new signs for the next report.
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

  /**
   * Whether the server has probably dropped the current session. Only a new handshake proves this.
   */
  isInDoubt(unansweredSince: number | undefined, now: number): boolean {
    if (unansweredSince === undefined || this.#sessionAt === undefined) return false;
    // Data from the previous session does not get a reply in this session.
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
