/**
 * A session's two transport keys, and the three slots in which a peer holds its sessions
 * (whitepaper 5.4.5, 6.3). Wiping also releases the session index.
 */
import type { Crypto, TransportKey } from '../../crypto/crypto.js';
import { REJECT_AFTER_MESSAGES, REJECT_AFTER_TIME } from '../constants.js';
import { ReplayWindow } from './replay-window.js';

export interface KeypairOptions {
  readonly isInitiator: boolean;
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly createdAt: number;
  /** 32 bytes each; copied. */
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
  /** Counter of the next message that we send. Never goes back: a nonce is used once. */
  sendingCounter = 0;
  /** False once we must not send under it any more, whatever its age. */
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

  /** In the `now` of the clock, less the time that it has slept since. */
  get createdAt(): number {
    return this.#createdAt;
  }

  /** @param duration ms that the monotonic clock has not seen */
  sleptFor(duration: number): void {
    this.#createdAt -= duration;
  }

  /** Whether a message may be sent under it (6.2: neither after the time nor after the messages). */
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
 * previous, current and next. We send under `current` alone. `next` is a responder's session that
 * the initiator has not proved to hold yet; `previous` still receives what was under way.
 *
 * Where a handshake of our own is done before that proof has come, `next` is overtaken: it receives
 * what its initiator may have sent, and is never used for sending. (The kernel makes it `previous`,
 * and loses what was under way under the current one.)
 */
export class Keypairs {
  #previous: Keypair | undefined;
  #current: Keypair | undefined;
  #next: Keypair | undefined;
  #isNextOvertaken = false;
  readonly #release: (localIndex: number) => void;

  /** @param release gives the index of a wiped session back */
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

  /** As Peer.receivedLoss. */
  get receivedLoss(): number | undefined {
    let sent = 0;
    let accepted = 0;
    for (const keypair of [this.#previous, this.#current, this.#next]) {
      sent += keypair?.replayWindow.sent ?? 0;
      accepted += keypair?.replayWindow.accepted ?? 0;
    }
    return sent === 0 ? undefined : (sent - accepted) / sent;
  }

  /** Takes in the session of a finished handshake. */
  add(keypair: Keypair): void {
    if (keypair.isInitiator) this.#addAsInitiator(keypair);
    else this.#addAsResponder(keypair);
  }

  /** The response has proved that the responder holds the keys: they are used at once. */
  #addAsInitiator(keypair: Keypair): void {
    this.#drop(this.#previous);
    this.#previous = this.#unlessExpired(this.#current, keypair.createdAt);
    this.#current = keypair;
    // One that no message can come under any more would stay for as long as we rekey.
    this.#next = this.#unlessExpired(this.#next, keypair.createdAt);
    this.#isNextOvertaken = true;
  }

  /** 5.4.5: nothing is sent under the keys until the first data message has come under them. */
  #addAsResponder(keypair: Keypair): void {
    this.#drop(this.#next);
    this.#drop(this.#previous);
    this.#previous = undefined;
    this.#current = this.#unlessExpired(this.#current, keypair.createdAt);
    this.#next = keypair;
    this.#isNextOvertaken = false;
  }

  /** Call it after an authenticated message. True where that was the proof that `next` waited for. */
  received(keypair: Keypair): boolean {
    if (keypair !== this.#next || this.#isNextOvertaken || !keypair.sendingValid) return false;
    this.#drop(this.#previous);
    this.#previous = this.#current;
    this.#current = keypair;
    this.#next = undefined;
    return true;
  }

  /** As Keypair.sleptFor(), of all of them. */
  sleptFor(duration: number): void {
    for (const keypair of [this.#previous, this.#current, this.#next]) keypair?.sleptFor(duration);
  }

  /** Nothing more is sent under any of them; what is under way is still received. */
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
