/**
 * The handshake with one peer, in both roles (whitepaper 5.4.2, 5.4.3, 5.4.5): what WireGuard adds
 * to the Noise pattern, that is message layouts, indices and time stamps. Macs are in cookie.ts,
 * limits on sending in send.ts.
 *
 * In the kernel an initiation that is accepted voids one of ours that waits for its response, so that
 * two which cross in the network void each other, and both ends wait for a retry. Here the one with
 * the smaller sender index lives on. Both are answered, whoever the other end is.
 */
import type { Crypto } from '../../crypto/crypto.js';
import { secretBytes } from '../../lib/secrets/secret-bytes.js';
import { INITIATION_INTERVAL, KEY_LENGTH, REKEY_TIMEOUT } from '../constants.js';
import type { DropReason } from '../drop-reason.js';
import type { Identity } from './identity.js';
import { Keypair } from '../data/keypair.js';
import {
  INITIATION,
  MESSAGE_INITIATION,
  MESSAGE_RESPONSE,
  RESPONSE,
  readUint32,
  writeUint32,
} from '../messages.js';
import { HandshakeState } from '../noise/handshake-state.js';
import { compareTimestamps, nextTimestamp } from './tai64n.js';

const EMPTY = new Uint8Array(0);

/** A handshake between two of its messages, or behind the second. */
interface Exchange {
  readonly isInitiator: boolean;
  readonly noise: HandshakeState;
  /** Undefined before we have one. */
  readonly localIndex: number | undefined;
  readonly remoteIndex: number | undefined;
}

/** An initiation as far as it can be read before its sender is known. */
export interface OpenedInitiation {
  readonly noise: HandshakeState;
  readonly initiatorStatic: Uint8Array;
}

/** Reads who sent an initiation; undefined where it is not authentic. */
export function openInitiation(
  crypto: Crypto,
  identity: Identity,
  message: Uint8Array,
): OpenedInitiation | undefined {
  const noise = HandshakeState.responder(crypto, identity);
  const initiatorStatic = noise.readInitiatorStatic(noiseOfInitiation(message));
  if (initiatorStatic !== undefined) return { noise, initiatorStatic };
  noise.wipe();
  return undefined;
}

export class Handshake {
  readonly #crypto: Crypto;
  readonly #remoteStatic: Uint8Array;
  readonly #release: (localIndex: number) => void;
  readonly #psk = secretBytes(KEY_LENGTH);
  #identity: Identity;
  /** DH of the static keys; undefined where the peer's is of low order, or we have none. */
  #staticStatic: Uint8Array | undefined;

  /** Our initiation, which waits for its response. */
  #created: Exchange | undefined;
  /** When it was made, in `now` ms. */
  #createdAt = -Infinity;
  /** The peer's, which waits for ours. */
  #consumed: Exchange | undefined;
  /** Its keys are agreed, and wait for beginSession(). */
  #finished: Exchange | undefined;

  #lastSentTimestamp: Uint8Array | undefined;
  #lastReceivedTimestamp: Uint8Array | undefined;
  #lastConsumedAt = -Infinity;

  /** @param release gives the index of an abandoned handshake back */
  constructor(
    crypto: Crypto,
    identity: Identity,
    remoteStatic: Uint8Array,
    release: (localIndex: number) => void,
  ) {
    this.#crypto = crypto;
    this.#identity = identity;
    this.#remoteStatic = remoteStatic;
    this.#release = release;
    this.#staticStatic = this.#dhOfStatics();
  }

  /** False where the peer's public key is of low order, or we have no private key: nothing may be sent to it. */
  get isPossible(): boolean {
    return this.#staticStatic !== undefined;
  }

  /** Whether an initiation of ours waits for its response. */
  get awaitsResponse(): boolean {
    return this.#created !== undefined;
  }

  /** When our last initiation was made, in `now` ms; -Infinity before the first. */
  get initiationCreatedAt(): number {
    return this.#createdAt;
  }

  /** The TAI64N stamp of the last initiation created, or the floor that was set. */
  get lastSentTimestamp(): Uint8Array | undefined {
    return this.#lastSentTimestamp;
  }

  /** Stamps will be later than this one, of an earlier process. */
  set lastSentTimestamp(stamp: Uint8Array | undefined) {
    this.#lastSentTimestamp = stamp;
  }

  /** Holds from the next message on that mixes it in, also in a handshake under way. */
  setPresharedKey(psk: Uint8Array | undefined): void {
    if (psk === undefined) this.#psk.fill(0);
    else this.#psk.set(psk);
  }

  /** Our key pair has changed: what was begun under the old one is void. */
  setIdentity(identity: Identity): void {
    this.clear();
    this.#identity = identity;
    this.#staticStatic?.fill(0);
    this.#staticStatic = this.#dhOfStatics();
  }

  /**
   * The initiator's message, its macs zero (5.4.2).
   *
   * @param ephemeral fresh private key; wiped
   * @param localIndex allocated for this handshake; given back when the handshake is abandoned
   * @param now monotonic ms
   * @returns undefined, and the index given back, where the peer's key is of low order or we have none
   */
  createInitiation(
    ephemeral: Uint8Array,
    localIndex: number,
    unixMilliseconds: number,
    now: number,
  ): Uint8Array | undefined {
    this.abandonInitiation();
    const stamp = nextTimestamp(unixMilliseconds, this.#lastSentTimestamp);
    const noise = HandshakeState.initiator(this.#crypto, this.#identity, this.#remoteStatic);
    const body = this.#staticStatic && noise.writeInitiation(ephemeral, this.#staticStatic, stamp);
    ephemeral.fill(0);
    if (body === undefined) {
      noise.wipe();
      this.#release(localIndex);
      return undefined;
    }
    this.#lastSentTimestamp = stamp;
    this.#createdAt = now;
    this.#created = { isInitiator: true, noise, localIndex, remoteIndex: undefined };
    const message = new Uint8Array(INITIATION.length);
    writeUint32(message, 0, MESSAGE_INITIATION);
    writeUint32(message, INITIATION.senderIndex, localIndex);
    message.set(body, INITIATION.ephemeral);
    return message;
  }

  /**
   * Takes in a peer's initiation. Nothing of this handshake changes where it is refused.
   *
   * @returns why it is refused, or undefined
   */
  consumeInitiation(
    opened: OpenedInitiation,
    message: Uint8Array,
    now: number,
  ): DropReason | undefined {
    if (this.#staticStatic === undefined) return 'low-order-key';
    const stamp = opened.noise.readInitiationPayload(
      noiseOfInitiation(message),
      this.#staticStatic,
    );
    if (stamp === undefined) return 'bad-handshake';
    // 5.1: each initiation is later than all before it, or it is a recording.
    const previous = this.#lastReceivedTimestamp;
    if (previous !== undefined && compareTimestamps(stamp, previous) <= 0) {
      return 'replayed-initiation';
    }
    if (now - this.#lastConsumedAt < INITIATION_INTERVAL) return 'initiation-flood';
    this.#lastReceivedTimestamp = stamp;
    this.#lastConsumedAt = now;
    const remoteIndex = readUint32(message, INITIATION.senderIndex);
    if (this.#givesWay(remoteIndex, now)) this.abandonInitiation();
    this.#consumed?.noise.wipe();
    this.#consumed = {
      isInitiator: false,
      noise: opened.noise,
      localIndex: undefined,
      remoteIndex,
    };
    return undefined;
  }

  /** An initiation that is older than its retry has crossed nothing: it goes, as in the kernel. */
  #givesWay(theirIndex: number, now: number): boolean {
    const ours = this.#created?.localIndex;
    return ours === undefined || ours >= theirIndex || now - this.#createdAt >= REKEY_TIMEOUT;
  }

  /**
   * The responder's message, its macs zero (5.4.3). beginSession() follows.
   *
   * @param ephemeral fresh private key; wiped
   * @returns undefined, and the index given back, where a key of the initiator is of low order
   */
  createResponse(ephemeral: Uint8Array, localIndex: number): Uint8Array | undefined {
    const consumed = this.#consumed;
    if (consumed === undefined) throw new RangeError('no initiation to respond to');
    this.#consumed = undefined;
    const body = consumed.noise.writeResponse(ephemeral, this.#remoteStatic, this.#psk, EMPTY);
    ephemeral.fill(0);
    if (body === undefined) {
      this.#abandon({ ...consumed, localIndex });
      return undefined;
    }
    this.#finished = { ...consumed, localIndex };
    const message = new Uint8Array(RESPONSE.length);
    writeUint32(message, 0, MESSAGE_RESPONSE);
    writeUint32(message, RESPONSE.senderIndex, localIndex);
    writeUint32(message, RESPONSE.receiverIndex, consumed.remoteIndex!);
    message.set(body, RESPONSE.ephemeral);
    return message;
  }

  /**
   * Takes in the response to our initiation; beginSession() follows. False where it is not
   * authentic: with a valid mac1, most likely the pre-shared keys differ.
   */
  consumeResponse(message: Uint8Array): boolean {
    const created = this.#created;
    if (created === undefined) throw new RangeError('no response is expected');
    const body = message.subarray(RESPONSE.ephemeral, RESPONSE.mac1);
    if (created.noise.readResponse(body, this.#psk) === undefined) return false;
    this.#created = undefined;
    this.#finished = { ...created, remoteIndex: readUint32(message, RESPONSE.senderIndex) };
    return true;
  }

  /** The session's keys (5.4.5). The handshake's own are wiped, its index is the session's now. */
  beginSession(now: number): Keypair {
    const finished = this.#finished;
    if (finished === undefined) throw new RangeError('the handshake is not finished');
    this.#finished = undefined;
    const { isInitiator, noise, localIndex, remoteIndex } = finished;
    const [initiatorKey, responderKey] = noise.split();
    noise.wipe();
    const keypair = new Keypair(this.#crypto, {
      isInitiator,
      localIndex: localIndex!,
      remoteIndex: remoteIndex!,
      createdAt: now,
      sendingKey: isInitiator ? initiatorKey : responderKey,
      receivingKey: isInitiator ? responderKey : initiatorKey,
    });
    initiatorKey.fill(0);
    responderKey.fill(0);
    return keypair;
  }

  /**
   * Wipes an initiation of ours that waits for its response, and gives its index back.
   * @param before only one that was made by then, in `now` ms
   */
  abandonInitiation(before = Infinity): void {
    if (this.#createdAt > before) return;
    this.#abandon(this.#created);
    this.#created = undefined;
  }

  /** Wipes all that is under way and gives the indices back. Time stamps stay. */
  clear(): void {
    this.abandonInitiation();
    this.#abandon(this.#consumed);
    this.#abandon(this.#finished);
    this.#consumed = this.#finished = undefined;
  }

  #dhOfStatics(): Uint8Array | undefined {
    const { isNone, privateKey } = this.#identity;
    return isNone ? undefined : this.#crypto.dh(privateKey, this.#remoteStatic);
  }

  #abandon(exchange: Exchange | undefined): void {
    exchange?.noise.wipe();
    if (exchange?.localIndex !== undefined) this.#release(exchange.localIndex);
  }

  /** Wipes all that is secret. No handshake is possible afterwards. */
  wipe(): void {
    this.clear();
    this.#psk.fill(0);
    this.#staticStatic?.fill(0);
    this.#staticStatic = undefined;
  }
}

/** The Noise message inside an initiation: all between the index and the macs. */
function noiseOfInitiation(message: Uint8Array): Uint8Array {
  return message.subarray(INITIATION.ephemeral, INITIATION.mac1);
}
