/**
 * When a peer speaks unasked (whitepaper 6): the kernel's five timers and eight events, by its
 * names. Each event says when to call it. The timers know nothing of messages: what to do when one
 * expires is the TimerHandler's. A session that rekeys because of its age does so in data/send.ts.
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

export type TimerName =
  | 'retransmit-handshake'
  | 'send-keepalive'
  | 'new-handshake'
  | 'zero-key-material'
  | 'persistent-keepalive';

/** What happens to a peer when its timers expire. */
export interface TimerHandler<Peer> {
  /** Before what follows: our address may be the cause of the peer's silence. */
  doubtSource(peer: Peer): void;
  /** The initiation was not answered: send another one. */
  retryHandshake(peer: Peer, now: number): void;
  /** The handshake was tried for REKEY_ATTEMPT_TIME: drop what waits for it. */
  giveUpHandshake(peer: Peer, now: number): void;
  /** Send an empty packet, or what waits. */
  sendKeepalive(peer: Peer, now: number): void;
  /** The peer has been silent for too long: begin a new handshake. */
  beginHandshake(peer: Peer, now: number): void;
  /** No session for three REJECT_AFTER_TIME: wipe all keys. */
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

  /** Data came while a keepalive was pending already. */
  #needAnotherKeepalive = false;
  #handshakeAttempts = 0;
  /** Drawn once per session: the timer that it delays is armed as often as packets come and go. */
  #newHandshakeJitter: number;

  /** @param persistentKeepaliveInterval ms; 0 is off */
  constructor(entropy: Entropy, persistentKeepaliveInterval: number) {
    this.#entropy = entropy;
    this.#persistentKeepaliveInterval = persistentKeepaliveInterval;
    this.#newHandshakeJitter = this.#jitter();
  }

  /** Retries since the handshake began; a new user packet begins it anew (6.4). */
  get handshakeAttempts(): number {
    return this.#handshakeAttempts;
  }

  /** ms; 0 is off. */
  get persistentKeepaliveInterval(): number {
    return this.#persistentKeepaliveInterval;
  }

  /** Where it was off, the first keepalive is due at once; one that is due stays so. */
  setPersistentKeepalive(interval: number, now: number): void {
    const wasOn = this.#persistentKeepaliveInterval > 0;
    this.#persistentKeepaliveInterval = interval;
    if (interval === 0) this.#persistentKeepaliveAt = NEVER;
    else if (!wasOn) this.start(now);
    else this.#persistentKeepaliveAt = Math.min(this.#persistentKeepaliveAt, now + interval);
  }

  /** The earliest deadline; Infinity where there is none. */
  nextTimeout(): number {
    return Math.min(
      this.#retransmitHandshakeAt,
      this.#sendKeepaliveAt,
      this.#newHandshakeAt,
      this.#zeroKeyMaterialAt,
      this.#persistentKeepaliveAt,
    );
  }

  /** Which timer `nextTimeout` speaks of. */
  nextTimeoutReason(): TimerName | undefined {
    switch (this.nextTimeout()) {
      case NEVER:
        return undefined;
      case this.#retransmitHandshakeAt:
        return 'retransmit-handshake';
      case this.#sendKeepaliveAt:
        return 'send-keepalive';
      case this.#newHandshakeAt:
        return 'new-handshake';
      case this.#persistentKeepaliveAt:
        return 'persistent-keepalive';
      default:
        return 'zero-key-material';
    }
  }

  /** Lets all timers expire that are due. */
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
      // Nothing may have gone out, for want of an endpoint or by the limit on initiations.
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
    // A response that we sent meanwhile forbids an initiation; it must not end the retries.
    if (this.#retransmitHandshakeAt === NEVER) this.handshakeInitiated(now);
  }

  #expiredSendKeepalive<Peer>(peer: Peer, handler: TimerHandler<Peer>, now: number): void {
    this.#sendKeepaliveAt = NEVER;
    const another = this.#needAnotherKeepalive;
    handler.sendKeepalive(peer, now);
    this.#needAnotherKeepalive = false;
    if (another) this.#sendKeepaliveAt = now + KEEPALIVE_TIMEOUT;
  }

  /** The first keepalive is due at once: the interface is up (6.5). */
  start(now: number): void {
    if (this.#persistentKeepaliveInterval > 0) this.#persistentKeepaliveAt = now;
  }

  /** Nothing expires any more. */
  stop(): void {
    this.#retransmitHandshakeAt = NEVER;
    this.#sendKeepaliveAt = NEVER;
    this.#newHandshakeAt = NEVER;
    this.#zeroKeyMaterialAt = NEVER;
    this.#persistentKeepaliveAt = NEVER;
    this.#needAnotherKeepalive = false;
  }

  /** Call it when sessions and handshake were wiped before their time: what they waited for is gone. */
  sessionsDiscarded(): void {
    this.#retransmitHandshakeAt = NEVER;
    this.#sendKeepaliveAt = NEVER;
    this.#newHandshakeAt = NEVER;
    this.#zeroKeyMaterialAt = NEVER;
    this.#needAnotherKeepalive = false;
  }

  /**
   * The monotonic clock has stood still: what is counted from a message or from a handshake is due earlier.
   * @param duration ms
   */
  sleptFor(duration: number): void {
    this.#persistentKeepaliveAt -= duration;
    this.#zeroKeyMaterialAt -= duration;
  }

  /** Whether the last handshake was given up, and none has been wanted since. */
  get hasGivenUp(): boolean {
    const isLastAttempt = this.#handshakeAttempts > MAX_TIMER_HANDSHAKES;
    return isLastAttempt && this.#retransmitHandshakeAt === NEVER;
  }

  /** Call it when a handshake is wanted for another reason than a retry. */
  handshakeWanted(): void {
    this.#handshakeAttempts = 0;
  }

  /** Call it after a data message with a packet in it was sent. */
  dataSent(now: number): void {
    // 6.5: counted from the first message that was not answered, not from the last.
    if (this.#newHandshakeAt === NEVER) {
      this.#newHandshakeAt = now + KEEPALIVE_TIMEOUT + REKEY_TIMEOUT + this.#newHandshakeJitter;
    }
  }

  /** Call it after a data message with a packet in it was received. */
  dataReceived(now: number): void {
    if (this.#sendKeepaliveAt === NEVER) this.#sendKeepaliveAt = now + KEEPALIVE_TIMEOUT;
    else this.#needAnotherKeepalive = true;
  }

  /** Call it after any authenticated message was sent: keepalive, data or handshake. */
  anyAuthenticatedPacketSent(): void {
    this.#sendKeepaliveAt = NEVER;
    this.#needAnotherKeepalive = false;
  }

  /** Call it after any authenticated message was received: keepalive, data or handshake. */
  anyAuthenticatedPacketReceived(): void {
    this.#newHandshakeAt = NEVER;
  }

  /** Call it before any authenticated message is sent and after one was received. */
  anyAuthenticatedPacketTraversal(now: number): void {
    if (this.#persistentKeepaliveInterval > 0) {
      this.#persistentKeepaliveAt = now + this.#persistentKeepaliveInterval;
    }
  }

  /** Call it after an initiation was sent. */
  handshakeInitiated(now: number): void {
    this.#retransmitHandshakeAt = now + REKEY_TIMEOUT + this.#jitter();
  }

  /** Call it when a handshake is wanted and may not begin yet. */
  handshakeDelayed(now: number): void {
    if (this.#retransmitHandshakeAt === NEVER) this.handshakeInitiated(now);
  }

  /** Call it after a response was received, or the first data message that confirms ours. */
  handshakeComplete(): void {
    this.#retransmitHandshakeAt = NEVER;
    this.#handshakeAttempts = 0;
  }

  /** Call it when ephemeral keys came to be: before a response is sent, after one was received. */
  sessionDerived(now: number): void {
    this.#zeroKeyMaterialAt = now + ZERO_KEYS_AFTER_TIME;
    this.#newHandshakeJitter = this.#jitter();
  }

  /** 6.1: two peers that began at once must not collide for ever. 0 to 332 ms. */
  #jitter(): number {
    return randomUint32(this.#entropy) % REKEY_TIMEOUT_JITTER;
  }
}
