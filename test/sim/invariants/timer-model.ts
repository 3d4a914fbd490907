/**
 * The timers of one end (whitepaper 6.2 to 6.5), derived only from its messages: when each may
 * expire and when it must have expired. Jitter, and effects of a rate limit, are modeled as ranges.
 */
const REKEY_TIMEOUT = 5_000;
const KEEPALIVE_TIMEOUT = 10_000;
const MOST_JITTER = 332;
/** A handshake is abandoned between its 19th retry and the next expiry. */
export const SHORTEST_ATTEMPT = 90_000;
export const LONGEST_ATTEMPT = 19 * (REKEY_TIMEOUT + MOST_JITTER);

interface Range {
  readonly from: number;
  readonly to: number;
}

/** The range of times in which the data message that armed the 15 s timer may have been sent. */
interface Unanswered extends Range {
  /** True if the timer was armed at `from`, which equals `to`. */
  readonly isCertain: boolean;
  /** True if possibly none of the messages armed the timer. */
  readonly isOpen: boolean;
}

const UNANSWERED_TIME = KEEPALIVE_TIMEOUT + REKEY_TIMEOUT;

function mayExpire(armed: Unanswered | undefined, now: number): boolean {
  if (armed === undefined) return false;
  return now >= armed.from + UNANSWERED_TIME && now <= armed.to + UNANSWERED_TIME + MOST_JITTER;
}

export class TimerModel {
  readonly #persistentInterval: number;
  retry: Range | undefined;
  passiveDue: number | undefined;
  /** Set if the device may or may not have armed the timer: it may send then, but need not. */
  #passiveMayBeDue: number | undefined;
  persistentDue = Infinity;
  #needsAnother = false;
  #unanswered: Unanswered | undefined;
  /** The same, if the timer has expired since. */
  #rearmed: Unanswered | undefined;
  /** The time of the last initiation or response. */
  lastHandshakeSent = -Infinity;
  /** The last time that a new event requested a handshake: certainly, and possibly. */
  lastWanted = -Infinity;
  lastPerhapsWanted = -Infinity;
  /** When a clock jump last lifted the limit on initiations. */
  #liftedAt = -Infinity;

  constructor(persistentInterval: number, now: number) {
    this.#persistentInterval = persistentInterval;
    this.startPersistent(now);
  }

  startPersistent(now: number): void {
    if (this.#persistentInterval > 0) this.persistentDue = now;
  }

  traversal(now: number): void {
    if (this.#persistentInterval > 0) this.persistentDue = now + this.#persistentInterval;
  }

  isPaced(now: number): boolean {
    return now - this.lastHandshakeSent < REKEY_TIMEOUT;
  }

  initiationSent(now: number): void {
    this.lastHandshakeSent = now;
    this.retry = { from: now + REKEY_TIMEOUT, to: now + REKEY_TIMEOUT + MOST_JITTER };
  }

  /** A packet requested a handshake that was not allowed yet: it is tried like a retry. */
  handshakeDelayed(now: number): void {
    this.retry ??= { from: now + REKEY_TIMEOUT, to: now + REKEY_TIMEOUT + MOST_JITTER };
  }

  mayRetry(now: number): boolean {
    return this.retry !== undefined && now >= this.retry.from && now <= this.retry.to;
  }

  /** False if a retry is overdue that was allowed. */
  isRetryOnTime(now: number, hasEndpoint: boolean): boolean {
    while (this.retry !== undefined && now > this.retry.to) {
      const mayHaveBeenForbidden =
        !hasEndpoint || this.lastHandshakeSent > this.retry.from - REKEY_TIMEOUT;
      if (!mayHaveBeenForbidden) return false;
      const { from, to } = this.retry;
      this.retry = { from: from + REKEY_TIMEOUT, to: to + REKEY_TIMEOUT + MOST_JITTER };
    }
    return true;
  }

  dataReceived(now: number): void {
    if (this.passiveDue === undefined) this.passiveDue = now + KEEPALIVE_TIMEOUT;
    else this.#needsAnother = true;
  }

  anythingSent(): void {
    this.passiveDue = undefined;
    this.#passiveMayBeDue = undefined;
    this.#needsAnother = false;
  }

  isPassiveDue(now: number): boolean {
    return this.passiveDue === now || this.#passiveMayBeDue === now;
  }

  /** The passive keepalive is due. */
  passiveExpired(needsAnother: boolean, isSure: boolean, now: number): void {
    if (!needsAnother) return;
    if (isSure) this.passiveDue = now + KEEPALIVE_TIMEOUT;
    else this.#passiveMayBeDue = now + KEEPALIVE_TIMEOUT;
  }

  get needsAnother(): boolean {
    return this.#needsAnother;
  }

  /** The 15 s timer is armed, unless it is pending. */
  dataSent(now: number): void {
    const armed = this.#unanswered;
    if (armed === undefined) {
      this.#unanswered = { from: now, to: now, isCertain: true, isOpen: false };
    } else if (armed.isOpen) {
      // Whether or not an earlier message armed the timer, it is armed after this one.
      this.#unanswered = { ...armed, to: now, isOpen: false };
    } else if (now >= armed.from + UNANSWERED_TIME) {
      // The timer may have expired by now, in which case this message armed it again.
      this.#rearmed = { from: this.#rearmed?.from ?? now, to: now, isCertain: false, isOpen: true };
    }
  }

  anythingReceived(): void {
    this.#unanswered = this.#rearmed = undefined;
  }

  /** Whether data may have been unanswered for long enough to begin a new handshake. */
  mayBeUnanswered(now: number): boolean {
    return mayExpire(this.#unanswered, now) || mayExpire(this.#rearmed, now);
  }

  /** False if a new handshake is overdue that was allowed. */
  isNewHandshakeOnTime(now: number): boolean {
    const armed = this.#unanswered;
    if (armed === undefined || now <= armed.to + UNANSWERED_TIME + MOST_JITTER) return true;
    this.#unanswered = this.#rearmed;
    this.#rearmed = undefined;
    return !armed.isCertain || this.lastHandshakeSent >= armed.to + UNANSWERED_TIME - REKEY_TIMEOUT;
  }

  handshakeComplete(): void {
    this.retry = undefined;
  }

  /** Sessions and handshake are gone, with their deadlines. */
  clockJumped(now: number): void {
    this.gaveUp();
    this.anythingReceived();
    this.#needsAnother = false;
    this.startPersistent(now);
    if (now - this.#liftedAt < REKEY_TIMEOUT) return;
    this.#liftedAt = now;
    this.lastHandshakeSent = -Infinity;
  }

  gaveUp(): void {
    this.retry = undefined;
    this.passiveDue = undefined;
    this.#passiveMayBeDue = undefined;
  }
}
