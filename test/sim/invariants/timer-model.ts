/**
 * The timers of one end (whitepaper 6.2 to 6.5), told from its messages alone: when each may expire
 * and when it must have expired. Jitter, and what a rate limit may have hidden, are ranges.
 */
const REKEY_TIMEOUT = 5_000;
const KEEPALIVE_TIMEOUT = 10_000;
const MOST_JITTER = 332;
/** A handshake is given up between its 19th retry and the expiry behind it. */
export const SHORTEST_ATTEMPT = 90_000;
export const LONGEST_ATTEMPT = 19 * (REKEY_TIMEOUT + MOST_JITTER);

interface Range {
  readonly from: number;
  readonly to: number;
}

/** When the data message may have been sent that armed the timer of 15 s. */
interface Unanswered extends Range {
  /** It was armed at `from`, which is `to`. */
  readonly isCertain: boolean;
  /** It may be that none of them armed it. */
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
  /** Where the device may or may not have armed it: it may speak then, and need not. */
  #passiveMayBeDue: number | undefined;
  persistentDue = Infinity;
  #needsAnother = false;
  #unanswered: Unanswered | undefined;
  /** The same, where it has expired since. */
  #rearmed: Unanswered | undefined;
  /** An initiation or a response. */
  lastHandshakeSent = -Infinity;
  /** A handshake was wanted by something new: certainly, and possibly. */
  lastWanted = -Infinity;
  lastPerhapsWanted = -Infinity;
  /** When a jump of the clocks last lifted the limit on initiations. */
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

  /** A handshake was wanted for a packet, and was not allowed yet: it is tried like a retry. */
  handshakeDelayed(now: number): void {
    this.retry ??= { from: now + REKEY_TIMEOUT, to: now + REKEY_TIMEOUT + MOST_JITTER };
  }

  mayRetry(now: number): boolean {
    return this.retry !== undefined && now >= this.retry.from && now <= this.retry.to;
  }

  /** False where a retry is overdue that nothing forbade. */
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

  /** The passive keepalive's time has come. */
  passiveExpired(needsAnother: boolean, isSure: boolean, now: number): void {
    if (!needsAnother) return;
    if (isSure) this.passiveDue = now + KEEPALIVE_TIMEOUT;
    else this.#passiveMayBeDue = now + KEEPALIVE_TIMEOUT;
  }

  get needsAnother(): boolean {
    return this.#needsAnother;
  }

  /** The timer of 15 s is armed, unless it is pending. */
  dataSent(now: number): void {
    const armed = this.#unanswered;
    if (armed === undefined) {
      this.#unanswered = { from: now, to: now, isCertain: true, isOpen: false };
    } else if (armed.isOpen) {
      // Whether or not an earlier message armed it, it is armed after this one.
      this.#unanswered = { ...armed, to: now, isOpen: false };
    } else if (now >= armed.from + UNANSWERED_TIME) {
      // It may have expired by now, and then this message armed it again.
      this.#rearmed = { from: this.#rearmed?.from ?? now, to: now, isCertain: false, isOpen: true };
    }
  }

  anythingReceived(): void {
    this.#unanswered = this.#rearmed = undefined;
  }

  /** Whether data may have gone unanswered for long enough to begin a new handshake. */
  mayBeUnanswered(now: number): boolean {
    return mayExpire(this.#unanswered, now) || mayExpire(this.#rearmed, now);
  }

  /** False where a new handshake is overdue that nothing forbade. */
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

  /** Sessions and handshake are gone, and what was due for their sake. */
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
