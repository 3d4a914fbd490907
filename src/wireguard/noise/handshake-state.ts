/**
 * The handshake pattern IKpsk2 of the Noise Protocol Framework, revision 34, sections 7.5 and 9:
 *
 *     <- s
 *     ...
 *     -> e, es, s, ss
 *     <- e, ee, se, psk
 *
 * Each method is one message; above each step stands its token. Prologue and payloads are the
 * caller's, so that this is the pattern alone; what WireGuard makes of it is in ../handshake.ts.
 */
import type { Crypto } from '../../crypto/crypto.js';
import { secretBytes } from '../../lib/secrets/secret-bytes.js';
import { SymmetricState } from './symmetric-state.js';

const KEY = 32;
const SEALED_KEY = KEY + 16;

/** X25519's base point: the public key of k is X25519(k, 9) (RFC 7748 6.1). */
const BASE_POINT = Uint8Array.of(9, ...new Uint8Array(31));

export interface HandshakeOptions {
  readonly protocolName: Uint8Array;
  readonly prologue: Uint8Array;
  /** Our static key pair. */
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

  /** @param responderStatic the responder's public key: the pre-message `<- s` */
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

  /** A copy of the transcript's hash. */
  get handshakeHash(): Uint8Array {
    return this.#symmetric.handshakeHash;
  }

  /**
   * Initiator, `-> e, es, s, ss`: e, the encrypted static key, the encrypted payload.
   *
   * @param e ephemeral private key; copied
   * @param ss DH of the two static keys
   * @returns undefined where the responder's key is of low order
   */
  writeInitiation(e: Uint8Array, ss: Uint8Array, payload: Uint8Array): Uint8Array | undefined {
    // e; with a psk in the pattern it goes into the key as well (section 9.2)
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
   * Responder, the first half of `-> e, es, s, ss`: who wants to speak. Nothing is known of them
   * yet but their public key.
   *
   * @returns the initiator's static public key, or undefined where the message is not authentic
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

  /** Responder, the second half: the payload, or undefined where it is not authentic. */
  readInitiationPayload(message: Uint8Array, ss: Uint8Array): Uint8Array | undefined {
    // ss
    this.#symmetric.mixKey(ss);
    return this.#symmetric.decryptAndHash(message.subarray(KEY + SEALED_KEY));
  }

  /**
   * Responder, `<- e, ee, se, psk`: e and the encrypted payload.
   *
   * @param e ephemeral private key; copied
   * @param rs the initiator's static public key
   * @returns undefined where one of the initiator's keys is of low order
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
   * Initiator, `<- e, ee, se, psk`. The state changes only where the message is authentic: anybody
   * can send a wrong response, and the right one may still come.
   *
   * @returns the payload, or undefined
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

  /** The initiator's sending key, then the responder's. The caller wipes them, and this. */
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
