/**
 * The SymmetricState of the Noise Protocol Framework, revision 34, section 5.2.
 *
 * This CipherState does not count messages: in IKpsk2, every key is used for only one encryption
 * before mixKey replaces it, so the nonce is always zero (whitepaper 5.4).
 */
import type { Crypto } from '../../crypto/crypto.js';
import { copySecret } from '../../lib/secrets/secret-bytes.js';
import { hkdf2, hkdf3 } from './kdf.js';

const ZERO_NONCE = new Uint8Array(12);
const EMPTY = new Uint8Array(0);

export class SymmetricState {
  readonly #crypto: Crypto;
  #ck: Uint8Array;
  #h: Uint8Array;
  #k: Uint8Array = EMPTY;

  /** Implements InitializeSymmetric for protocol names longer than 32 bytes. */
  constructor(crypto: Crypto, protocolName: Uint8Array) {
    this.#crypto = crypto;
    this.#h = crypto.hash(protocolName);
    this.#ck = this.#h.slice();
  }

  /** A copy of h, the hash of the transcript so far. */
  get handshakeHash(): Uint8Array {
    return this.#h.slice();
  }

  mixHash(data: Uint8Array): void {
    this.#h = this.#crypto.hash(this.#h, data);
  }

  mixKey(input: Uint8Array): void {
    const [ck, k] = hkdf2(this.#crypto, this.#ck, input);
    this.#replaceKeys(ck, k);
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [ck, h, k] = hkdf3(this.#crypto, this.#ck, input);
    this.#replaceKeys(ck, k);
    this.mixHash(h);
    h.fill(0);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const ciphertext = this.#crypto.seal(this.#k, ZERO_NONCE, plaintext, this.#h);
    this.mixHash(ciphertext);
    return ciphertext;
  }

  /** Returns undefined and leaves the state unchanged if the ciphertext is not authentic. */
  decryptAndHash(ciphertext: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#crypto.open(this.#k, ZERO_NONCE, ciphertext, this.#h);
    if (plaintext !== undefined) this.mixHash(ciphertext);
    return plaintext;
  }

  /** Returns the initiator's and the responder's sending key. The caller must wipe both. */
  split(): [Uint8Array, Uint8Array] {
    return hkdf2(this.#crypto, this.#ck, EMPTY);
  }

  /** Returns an independent copy. */
  clone(): SymmetricState {
    const copy = new SymmetricState(this.#crypto, EMPTY);
    copy.#ck = copySecret(this.#ck);
    copy.#h = this.#h.slice();
    copy.#k = copySecret(this.#k);
    return copy;
  }

  wipe(): void {
    this.#ck.fill(0);
    this.#h.fill(0);
    this.#k.fill(0);
  }

  #replaceKeys(ck: Uint8Array, k: Uint8Array): void {
    this.#ck.fill(0);
    this.#k.fill(0);
    this.#ck = ck;
    this.#k = k;
  }
}
