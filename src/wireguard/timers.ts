/**
 * The timers that trigger messages to a peer (whitepaper 6). The five timers and eight events have
 * the same names as in the Linux kernel. The timers do not send messages themselves: when a timer
 * expires, they call the TimerHandler. Sender (data/send.ts) starts rekeys that depend on a
 * session's age.
 */
import { randomUint32 } from '../lib/random-uint32.js';
import type { Entropy } from '../ports/entropy.js';
import {
  KEEPALIVE_TIMEOUT,
  MAX_TIMER_HANDSHAKES,
  REKEY_TIMEOUT,
  REKEY_TIMEOUT_JITTER,
  ZERO_KEYS_AFTER_TIME,
} from './constants.js';

const NEVER = Infinity;

/** The actions for a peer when its timers expire. */
export interface TimerHandler<Peer> {
  /**
   * Marks the source address as doubtful, since a wrong source address may be the reason for the
   * peer's silence.
   */
  doubtSource(peer: Peer): void;
  /** Sends another initiation, because the last initiation was not answered. */
  retryHandshake(peer: Peer, now: number): void;
  /** Drops the packets that wait for the handshake, after REKEY_ATTEMPT_TIME without a response. */
  giveUpHandshake(peer: Peer, now: number): void;
  /** Sends a keepalive, or the waiting packets. */
  sendKeepalive(peer: Peer, now: number): void;
  /** Begins a new handshake, because the peer has been silent for too long. */
  beginHandshake(peer: Peer, now: number): void;
  /** Wipes all keys once 3 × REJECT_AFTER_TIME has passed without a new session. */
  zeroKeyMaterial(peer: Peer, now: number): void;
}

export class Timers {
  readonly #entropy: Entropy;
  #persistentKeepaliveInterval: number;

  #retransmitHandshakeAt = NEVER;
  #sendKeepaliveAt = NEVER;
  #newHandshakeAt = NEVER;
  #zeroKeyMaterialAt = NEVER;
  #persistentKeepaliveAt = NEVER;

  /** Whether data arrived while a keepalive was already pending. */
  #needAnotherKeepalive = false;
  #handshakeAttempts = 0;
  /**
   * The random delay of the new-handshake timer. Chosen once per session, because this timer is set
   * for almost every packet.
   */
  #newHandshakeJitter: number;

  /** @param persistentKeepaliveInterval in ms; 0 disables the keepalive */
  constructor(entropy: Entropy, persistentKeepaliveInterval: number) {
    this.#entropy = entropy;
    this.#persistentKeepaliveInterval = persistentKeepaliveInterval;
    this.#newHandshakeJitter = this.#jitter();
  }

  /** The number of retries since the handshake began; reset by a new user packet (§6.4). */
  get handshakeAttempts(): number {
    return this.#handshakeAttempts;
  }

  /** The persistent keepalive interval in ms; 0 if disabled. */
  get persistentKeepaliveInterval(): number {
    return this.#persistentKeepaliveInterval;
  }

  /**
   * Changes the persistent keepalive interval. If keepalives were disabled, the first one is due
   * immediately. A keepalive that is already due stays due.
   */
  setPersistentKeepalive(interval: number, now: number): void {
    const wasOn = this.#persistentKeepaliveInterval > 0;
    this.#persistentKeepaliveInterval = interval;
    if (interval === 0) this.#persistentKeepaliveAt = NEVER;
    else if (!wasOn) this.start(now);
    else this.#persistentKeepaliveAt = Math.min(this.#persistentKeepaliveAt, now + interval);
  }

  /** Returns the earliest deadline, or Infinity if no timer is set. */
  nextTimeout(): number {
    return Math.min(
      this.#retransmitHandshakeAt,
      this.#sendKeepaliveAt,
      this.#newHandshakeAt,
      this.#zeroKeyMaterialAt,
      this.#persistentKeepaliveAt,
    );
  }

  handleTimeout<Peer>(peer: Peer, handler: TimerHandler<Peer>, now: number): void {
    if (this.#zeroKeyMaterialAt <= now) {
      this.#zeroKeyMaterialAt = NEVER;
      handler.zeroKeyMaterial(peer, now);
    }
    if (this.#retransmitHandshakeAt <= now) this.#expiredRetransmitHandshake(peer, handler, now);
    if (this.#newHandshakeAt <= now) {
      this.#newHandshakeAt = NEVER;
      handler.doubtSource(peer);
      handler.beginHandshake(peer, now);
    }
    if (this.#sendKeepaliveAt <= now) this.#expiredSendKeepalive(peer, handler, now);
    if (this.#persistentKeepaliveAt <= now) {
      this.#persistentKeepaliveAt = NEVER;
      handler.sendKeepalive(peer, now);
      // If nothing was sent (no endpoint, or too many initiations), set the timer again.
      if (this.#persistentKeepaliveAt === NEVER) this.anyAuthenticatedPacketTraversal(now);
    }
  }

  #expiredRetransmitHandshake<Peer>(peer: Peer, handler: TimerHandler<Peer>, now: number): void {
    this.#retransmitHandshakeAt = NEVER;
    if (this.#handshakeAttempts > MAX_TIMER_HANDSHAKES) {
      this.#sendKeepaliveAt = NEVER;
      if (this.#zeroKeyMaterialAt === NEVER) this.sessionDerived(now);
      handler.giveUpHandshake(peer, now);
      return;
    }
    this.#handshakeAttempts++;
    handler.doubtSource(peer);
    handler.retryHandshake(peer, now);
    // If a response was just sent, no initiation is allowed yet, but retries must continue.
    if (this.#retransmitHandshakeAt === NEVER) this.handshakeInitiated(now);
  }

  #expiredSendKeepalive<Peer>(peer: Peer, handler: TimerHandler<Peer>, now: number): void {
    this.#sendKeepaliveAt = NEVER;
    const another = this.#needAnotherKeepalive;
    handler.sendKeepalive(peer, now);
    this.#needAnotherKeepalive = false;
    if (another) this.#sendKeepaliveAt = now + KEEPALIVE_TIMEOUT;
  }

  /** Makes the first persistent keepalive due immediately, because the interface came up (§6.5). */
  start(now: number): void {
    if (this.#persistentKeepaliveInterval > 0) this.#persistentKeepaliveAt = now;
  }

  stop(): void {
    this.sessionsDiscarded();
    this.#persistentKeepaliveAt = NEVER;
  }

  /** Stops the timers of the sessions and the handshake, after the caller has wiped them early. */
  sessionsDiscarded(): void {
    this.#retransmitHandshakeAt = NEVER;
    this.#sendKeepaliveAt = NEVER;
    this.#newHandshakeAt = NEVER;
    this.#zeroKeyMaterialAt = NEVER;
    this.#needAnotherKeepalive = false;
  }

  /**
   * Makes deadlines earlier after a sleep during which the monotonic clock stood still.
   * @param duration in ms
   */
  sleptFor(duration: number): void {
    this.#persistentKeepaliveAt -= duration;
    this.#zeroKeyMaterialAt -= duration;
  }

  /** Whether the last handshake gave up and no new handshake has been requested since. */
  get hasGivenUp(): boolean {
    const isLastAttempt = this.#handshakeAttempts > MAX_TIMER_HANDSHAKES;
    return isLastAttempt && this.#retransmitHandshakeAt === NEVER;
  }

  /** Called when a handshake is requested for any reason except a retry. */
  handshakeWanted(): void {
    this.#handshakeAttempts = 0;
  }

  /** Called after sending a data message that contains a packet. */
  dataSent(now: number): void {
    // The deadline is relative to the first unanswered message, not to the last (§6.5).
    if (this.#newHandshakeAt === NEVER) {
      this.#newHandshakeAt = now + KEEPALIVE_TIMEOUT + REKEY_TIMEOUT + this.#newHandshakeJitter;
    }
  }

  /** Called after receiving a data message that contains a packet. */
  dataReceived(now: number): void {
    if (this.#sendKeepaliveAt === NEVER) this.#sendKeepaliveAt = now + KEEPALIVE_TIMEOUT;
    else this.#needAnotherKeepalive = true;
  }

  /** Called after sending any authenticated message: keepalive, data or handshake. */
  anyAuthenticatedPacketSent(): void {
    this.#sendKeepaliveAt = NEVER;
    this.#needAnotherKeepalive = false;
  }

  /** Called after receiving any authenticated message: keepalive, data or handshake. */
  anyAuthenticatedPacketReceived(): void {
    this.#newHandshakeAt = NEVER;
  }

  /** Called before sending and after receiving any authenticated message. */
  anyAuthenticatedPacketTraversal(now: number): void {
    if (this.#persistentKeepaliveInterval > 0) {
      this.#persistentKeepaliveAt = now + this.#persistentKeepaliveInterval;
    }
  }

  handshakeInitiated(now: number): void {
    this.#retransmitHandshakeAt = now + REKEY_TIMEOUT + this.#jitter();
  }

  /** Called when a handshake is requested but may not begin yet. */
  handshakeDelayed(now: number): void {
    if (this.#retransmitHandshakeAt === NEVER) this.handshakeInitiated(now);
  }

  /** Called after receiving a response, or the data message that confirms a sent response. */
  handshakeComplete(): void {
    this.#retransmitHandshakeAt = NEVER;
    this.#handshakeAttempts = 0;
  }

  /** Called when session keys are derived: before sending a response, or after receiving one. */
  sessionDerived(now: number): void {
    this.#zeroKeyMaterialAt = now + ZERO_KEYS_AFTER_TIME;
    this.#newHandshakeJitter = this.#jitter();
  }

  /**
   * Returns a random delay from 0 to 332 ms, so that the messages of two peers do not collide
   * forever (§6.1).
   */
  #jitter(): number {
    return randomUint32(this.#entropy) % REKEY_TIMEOUT_JITTER;
  }
}
