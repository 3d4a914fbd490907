/** A session's two transport keys, and the slots for a peer's sessions (whitepaper 5.4.5, 6.3). */
import type { Crypto, TransportKey } from '../../crypto/crypto.js';
import { REJECT_AFTER_MESSAGES, REJECT_AFTER_TIME } from '../constants.js';
import { ReplayWindow } from './replay-window.js';

export interface KeypairOptions {
  readonly isInitiator: boolean;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly createdAt: number;
  /** The transport keys, 32 bytes each; copied. */
  readonly sendingKey: Uint8Array;
  readonly receivingKey: Uint8Array;
}

export class Keypair {
  readonly isInitiator: boolean;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly sending: TransportKey;
  readonly receiving: TransportKey;
  readonly replayWindow = new ReplayWindow();
  /** The next message's counter; never decreases, because a nonce must be used only once. */
  sendingCounter = 0;
  /** Whether this session may still be used for sending; canSend() also checks its age. */
  sendingValid = true;
  #createdAt: number;

  constructor(crypto: Crypto, options: KeypairOptions) {
    this.isInitiator = options.isInitiator;
    this.localIndex = options.localIndex;
    this.remoteIndex = options.remoteIndex;
    this.#createdAt = options.createdAt;
    this.sending = crypto.transportKey(options.sendingKey);
    this.receiving = crypto.transportKey(options.receivingKey);
  }

  /** When the session was created, in monotonic ms, moved back by any time asleep since then. */
  get createdAt(): number {
    return this.#createdAt;
  }

  /** @param duration time asleep in ms, which the monotonic clock did not count */
  sleptFor(duration: number): void {
    this.#createdAt -= duration;
  }

  /** Whether this session may still be used for sending, given its age and message count (§6.2). */
  canSend(now: number): boolean {
    return (
      this.sendingValid &&
      this.sendingCounter < REJECT_AFTER_MESSAGES &&
      now - this.createdAt < REJECT_AFTER_TIME
    );
  }

  canReceive(now: number): boolean {
    return now - this.createdAt < REJECT_AFTER_TIME;
  }

  wipe(): void {
    this.sendingValid = false;
    this.sending.wipe();
    this.receiving.wipe();
  }
}

/**
 * The sessions of one peer: previous, current and next. Messages are sent under `current` only.
 * `next` is a responder's session that the initiator has not confirmed yet. `previous` still
 * receives messages in flight.
 *
 * If this device completes a handshake as the initiator before `next` is confirmed, `next` is
 * marked as overtaken: it receives messages but is never used for sending. (The Linux kernel moves
 * `next` to `previous` instead, and loses messages in flight under the current session.)
 */
export class Keypairs {
  #previous: Keypair | undefined;
  #current: Keypair | undefined;
  #next: Keypair | undefined;
  #isNextOvertaken = false;
  readonly #release: (localIndex: number) => void;

  /** @param release called with the index of each wiped session */
  constructor(release: (localIndex: number) => void) {
    this.#release = release;
  }

  get previous(): Keypair | undefined {
    return this.#previous;
  }

  get current(): Keypair | undefined {
    return this.#current;
  }

  get next(): Keypair | undefined {
    return this.#next;
  }

  /** See Peer.receivedLoss. */
  get receivedLoss(): number | undefined {
    let sent = 0;
    let accepted = 0;
    for (const keypair of [this.#previous, this.#current, this.#next]) {
      sent += keypair?.replayWindow.sent ?? 0;
      accepted += keypair?.replayWindow.accepted ?? 0;
    }
    return sent === 0 ? undefined : (sent - accepted) / sent;
  }

  /** Adds the session of a completed handshake. */
  add(keypair: Keypair): void {
    if (keypair.isInitiator) this.#addAsInitiator(keypair);
    else this.#addAsResponder(keypair);
  }

  /** Uses the keys immediately, because the response proved that the responder has them. */
  #addAsInitiator(keypair: Keypair): void {
    this.#drop(this.#previous);
    this.#previous = this.#unlessExpired(this.#current, keypair.createdAt);
    this.#current = keypair;
    // Without this check, an expired `next` would never be removed while this device keeps
    // rekeying.
    this.#next = this.#unlessExpired(this.#next, keypair.createdAt);
    this.#isNextOvertaken = true;
  }

  /**
   * Stores the session as `next`: it is not used for sending until a data message confirms it
   * (§5.4.5).
   */
  #addAsResponder(keypair: Keypair): void {
    this.#drop(this.#next);
    this.#drop(this.#previous);
    this.#previous = undefined;
    this.#current = this.#unlessExpired(this.#current, keypair.createdAt);
    this.#next = keypair;
    this.#isNextOvertaken = false;
  }

  /** Called after each authenticated message. Returns true if the message confirmed `next`. */
  received(keypair: Keypair): boolean {
    if (keypair !== this.#next || this.#isNextOvertaken || !keypair.sendingValid) return false;
    this.#drop(this.#previous);
    this.#previous = this.#current;
    this.#current = keypair;
    this.#next = undefined;
    return true;
  }

  sleptFor(duration: number): void {
    for (const keypair of [this.#previous, this.#current, this.#next]) keypair?.sleptFor(duration);
  }

  /** Stops sending under all sessions. Messages in flight are still received. */
  expireSending(): void {
    if (this.#current !== undefined) this.#current.sendingValid = false;
    if (this.#next !== undefined) this.#next.sendingValid = false;
  }

  wipe(): void {
    this.#drop(this.#previous);
    this.#drop(this.#current);
    this.#drop(this.#next);
    this.#previous = this.#current = this.#next = undefined;
  }

  #unlessExpired(keypair: Keypair | undefined, now: number): Keypair | undefined {
    if (keypair?.canReceive(now) !== false) return keypair;
    this.#drop(keypair);
    return undefined;
  }

  #drop(keypair: Keypair | undefined): void {
    if (keypair === undefined) return;
    keypair.wipe();
    this.#release(keypair.localIndex);
  }
}
