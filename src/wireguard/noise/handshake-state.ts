/**
 * The handshake pattern IKpsk2 of the Noise Protocol Framework, revision 34, sections 7.5 and 9:
 *
 *     <- s
 *     ...
 *     -> e, es, s, ss
 *     <- e, ee, se, psk
 *
 * Each method processes one message, and a comment above each step names its token. The caller
 * supplies the prologue and the payloads. ../handshake/handshake.ts adds what is specific to
 * WireGuard.
 */
import type { Crypto } from '../../crypto/crypto.js';
import { secretBytes } from '../../lib/secrets/secret-bytes.js';
import { SymmetricState } from './symmetric-state.js';

const KEY = 32;
const SEALED_KEY = KEY + 16;

/** The X25519 base point. The public key of k is X25519(k, 9) (RFC 7748 6.1). */
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));

export interface HandshakeOptions {
  readonly protocolName: Uint8Array;
  readonly prologue: Uint8Array;
  /** The local static key pair. */
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

export class HandshakeState {
  readonly #crypto: Crypto;
  readonly #s: Uint8Array;
  readonly #sPublic: Uint8Array;
  readonly #rs: Uint8Array;
  readonly #e = secretBytes(KEY);
  #re: Uint8Array = new Uint8Array(0);
  #symmetric: SymmetricState;

  /** @param responderStatic the responder's static public key: the pre-message `<- s` */
  private constructor(crypto: Crypto, options: HandshakeOptions, responderStatic: Uint8Array) {
    this.#crypto = crypto;
    this.#s = options.privateKey;
    this.#sPublic = options.publicKey;
    this.#rs = responderStatic;
    this.#symmetric = new SymmetricState(crypto, options.protocolName);
    this.#symmetric.mixHash(options.prologue);
    this.#symmetric.mixHash(responderStatic);
  }

  static initiator(
    crypto: Crypto,
    options: HandshakeOptions,
    responderStatic: Uint8Array,
  ): HandshakeState {
    return new HandshakeState(crypto, options, responderStatic);
  }

  static responder(crypto: Crypto, options: HandshakeOptions): HandshakeState {
    return new HandshakeState(crypto, options, options.publicKey);
  }

  /** A copy of the handshake hash h. */
  get handshakeHash(): Uint8Array {
    return this.#symmetric.handshakeHash;
  }

  /**
   * Initiator: writes `-> e, es, s, ss`, that is, e, the encrypted static key and the encrypted
   * payload.
   *
   * @param e ephemeral private key; copied
   * @param ss DH of the two static keys
   * @returns undefined if the responder's key is of low order
   */
  writeInitiation(e: Uint8Array, ss: Uint8Array, payload: Uint8Array): Uint8Array | undefined {
    // e, which patterns with a psk token also mix into the chaining key (section 9.2)
    const ePublic = this.#takeEphemeral(e);
    // es
    if (ePublic === undefined || !this.#mixDh(this.#e, this.#rs)) return undefined;
    // s
    const sealedStatic = this.#symmetric.encryptAndHash(this.#sPublic);
    // ss
    this.#symmetric.mixKey(ss);
    return concat(ePublic, sealedStatic, this.#symmetric.encryptAndHash(payload));
  }

  /**
   * Responder: reads the first half of `-> e, es, s, ss`, which carries the initiator's static
   * public key. Reading the second half requires the DH of the static keys.
   *
   * @returns the initiator's static public key, or undefined if the message is not authentic
   */
  readInitiatorStatic(message: Uint8Array): Uint8Array | undefined {
    // e
    this.#re = message.slice(0, KEY);
    this.#symmetric.mixHash(this.#re);
    this.#symmetric.mixKey(this.#re);
    // es
    if (!this.#mixDh(this.#s, this.#re)) return undefined;
    // s
    return this.#symmetric.decryptAndHash(message.subarray(KEY, KEY + SEALED_KEY));
  }

  /** Responder: reads the second half; returns the payload, or undefined if it is not authentic. */
  readInitiationPayload(message: Uint8Array, ss: Uint8Array): Uint8Array | undefined {
    // ss
    this.#symmetric.mixKey(ss);
    return this.#symmetric.decryptAndHash(message.subarray(KEY + SEALED_KEY));
  }

  /**
   * Responder: writes `<- e, ee, se, psk`, that is, e and the encrypted payload.
   *
   * @param e ephemeral private key; copied
   * @param rs the initiator's static public key
   * @returns undefined if one of the initiator's keys is of low order
   */
  writeResponse(
    e: Uint8Array,
    rs: Uint8Array,
    psk: Uint8Array,
    payload: Uint8Array,
  ): Uint8Array | undefined {
    // e
    const ePublic = this.#takeEphemeral(e);
    if (ePublic === undefined) return undefined;
    // ee, se
    if (!this.#mixDh(this.#e, this.#re) || !this.#mixDh(this.#e, rs)) return undefined;
    // psk
    this.#symmetric.mixKeyAndHash(psk);
    return concat(ePublic, this.#symmetric.encryptAndHash(payload));
  }

  /**
   * Initiator: reads `<- e, ee, se, psk`. The state changes only if the message is authentic:
   * anyone can send a forged response, and the real response may still arrive.
   *
   * @returns the payload, or undefined if the message is not authentic
   */
  readResponse(message: Uint8Array, psk: Uint8Array): Uint8Array | undefined {
    const before = this.#symmetric;
    this.#symmetric = before.clone();
    const payload = this.#tryResponse(message, psk);
    const unneeded = payload === undefined ? this.#symmetric : before;
    if (payload === undefined) this.#symmetric = before;
    unneeded.wipe();
    return payload;
  }

  #tryResponse(message: Uint8Array, psk: Uint8Array): Uint8Array | undefined {
    // e
    const re = message.slice(0, KEY);
    this.#symmetric.mixHash(re);
    this.#symmetric.mixKey(re);
    // ee, se
    if (!this.#mixDh(this.#e, re) || !this.#mixDh(this.#s, re)) return undefined;
    // psk
    this.#symmetric.mixKeyAndHash(psk);
    return this.#symmetric.decryptAndHash(message.subarray(KEY));
  }

  /**
   * Returns the initiator's and then the responder's sending key. The caller must wipe both keys
   * and this object.
   */
  split(): [Uint8Array, Uint8Array] {
    return this.#symmetric.split();
  }

  wipe(): void {
    this.#crypto.forget(this.#e);
    this.#symmetric.wipe();
  }

  #takeEphemeral(e: Uint8Array): Uint8Array | undefined {
    this.#e.set(e);
    const ePublic = this.#crypto.dh(this.#e, BASE_POINT);
    if (ePublic === undefined) return undefined;
    this.#symmetric.mixHash(ePublic);
    this.#symmetric.mixKey(ePublic);
    return ePublic;
  }

  #mixDh(privateKey: Uint8Array, publicKey: Uint8Array): boolean {
    const shared = this.#crypto.dh(privateKey, publicKey);
    if (shared === undefined) return false;
    this.#symmetric.mixKey(shared);
    shared.fill(0);
    return true;
  }
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
