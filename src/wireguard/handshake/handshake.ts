/**
 * The handshake with one peer, in both roles (whitepaper 5.4.2, 5.4.3, 5.4.5). Adds message
 * layouts, indices and timestamps to the Noise pattern. MACs are in cookie.ts, and limits on
 * sending are in ../data/send.ts.
 *
 * In the Linux kernel, accepting an initiation discards the local initiation that is waiting for
 * its response. Two initiations that cross in the network therefore cancel each other, and both
 * ends wait for a retry. In this implementation, the initiation with the smaller sender index
 * survives. Both initiations are answered, whichever implementation the peer uses.
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

/** A handshake in progress, or a completed one whose session has not begun. */
interface Exchange {
  readonly isInitiator: boolean;
  readonly noise: HandshakeState;
  /** The local index; undefined until one is allocated. */
  readonly localIndex: number | undefined;
  readonly remoteIndex: number | undefined;
}

/** A partly decrypted initiation: only the initiator's static key is known. */
export interface OpenedInitiation {
  readonly noise: HandshakeState;
  readonly initiatorStatic: Uint8Array;
}

/** Decrypts the initiator's static key. Returns undefined if the message is not authentic. */
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
  /** DH of the static keys; undefined if the peer's key has low order or this device has no key. */
  #staticStatic: Uint8Array | undefined;

  /** The local initiation that is waiting for its response. */
  #created: Exchange | undefined;
  /** When the last local initiation was created, in monotonic ms. */
  #createdAt = -Infinity;
  /** The peer's initiation that is waiting for a response. */
  #consumed: Exchange | undefined;
  /** A completed handshake that is waiting for beginSession(). */
  #finished: Exchange | undefined;

  #lastSentTimestamp: Uint8Array | undefined;
  #lastReceivedTimestamp: Uint8Array | undefined;
  #lastConsumedAt = -Infinity;

  /** @param release called with the index of each abandoned handshake */
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

  /**
   * Whether a handshake can succeed: false if the peer's public key is of low order or the device
   * has no private key. No message may then be sent to the peer.
   */
  get isPossible(): boolean {
    return this.#staticStatic !== undefined;
  }

  /** Whether a local initiation is waiting for its response. */
  get awaitsResponse(): boolean {
    return this.#created !== undefined;
  }

  /** When the last local initiation was created, in monotonic ms; -Infinity before the first. */
  get initiationCreatedAt(): number {
    return this.#createdAt;
  }

  /**
   * The TAI64N timestamp of the last initiation created, or a later timestamp set by the caller.
   */
  get lastSentTimestamp(): Uint8Array | undefined {
    return this.#lastSentTimestamp;
  }

  /** Sets a lower bound for future timestamps: the last timestamp of an earlier process. */
  set lastSentTimestamp(stamp: Uint8Array | undefined) {
    this.#lastSentTimestamp = stamp;
  }

  /** Sets the pre-shared key for all later messages, including those of a handshake in progress. */
  setPresharedKey(psk: Uint8Array | undefined): void {
    if (psk === undefined) this.#psk.fill(0);
    else this.#psk.set(psk);
  }

  /** Replaces the device's key pair and abandons handshakes begun under the old key pair. */
  setIdentity(identity: Identity): void {
    this.clear();
    this.#identity = identity;
    this.#staticStatic?.fill(0);
    this.#staticStatic = this.#dhOfStatics();
  }

  /**
   * Creates an initiation with zero MACs (§5.4.2).
   *
   * @param ephemeral fresh private key; wiped
   * @param localIndex allocated for this handshake; released if the handshake is abandoned
   * @param now monotonic ms
   * @returns undefined if the peer's key is of low order or the device has no key; the index is
   * then released
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
   * Processes a peer's initiation. A refused initiation does not change this handshake.
   *
   * @returns the reason for refusing the initiation, or undefined if it is accepted
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
    // An initiation that is not later than all earlier ones is a replay (§5.1).
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

  /**
   * Whether the local initiation must be discarded in favor of the peer's. A local initiation older
   * than REKEY_TIMEOUT is always discarded, as in the Linux kernel, because it cannot have crossed
   * the peer's initiation.
   */
  #givesWay(theirIndex: number, now: number): boolean {
    const ours = this.#created?.localIndex;
    return ours === undefined || ours >= theirIndex || now - this.#createdAt >= REKEY_TIMEOUT;
  }

  /**
   * Creates a response with zero MACs (§5.4.3). Call beginSession() next.
   *
   * @param ephemeral fresh private key; wiped
   * @returns undefined if one of the initiator's keys is of low order; the index is then released
   */
  createResponse(ephemeral: Uint8Array, localIndex: number): Uint8Array | undefined {
    const consumed = this.#consumed;
    if (consumed === undefined) throw new RangeError('there is no initiation to answer');
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
   * Processes the response to the local initiation. Call beginSession() next. Returns false if the
   * response is not authentic. A valid mac1 then means that the pre-shared keys most likely differ.
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

  /**
   * Derives the session's transport keys (§5.4.5) and wipes the handshake's keys. The session takes
   * over the index.
   */
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
   * Wipes the local initiation that is waiting for its response, and releases its index.
   * @param before wipe only an initiation that was created at or before this time, in monotonic ms
   */
  abandonInitiation(before = Infinity): void {
    if (this.#createdAt > before) return;
    this.#abandon(this.#created);
    this.#created = undefined;
  }

  /** Wipes all handshakes in progress and releases their indices, but keeps the timestamps. */
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

  /** Wipes all secrets. No handshake is possible afterwards. */
  wipe(): void {
    this.clear();
    this.#psk.fill(0);
    this.#staticStatic?.fill(0);
    this.#staticStatic = undefined;
  }
}

/** Returns the Noise message in an initiation: the bytes between sender index and MACs. */
function noiseOfInitiation(message: Uint8Array): Uint8Array {
  return message.subarray(INITIATION.ephemeral, INITIATION.mac1);
}
