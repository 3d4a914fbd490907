/**
 * The primitives that WireGuard stands on, behind one interface (whitepaper 5.4). Two backends
 * implement it, and the same known answers hold for both. What they return is the caller's alone, so
 * that filling a secret with zeros leaves no copy of it.
 */
export interface Crypto {
  /** Which AEAD carries the packets. */
  readonly backend: 'sodium-native' | 'node';

  /** BLAKE2s with 32 bytes of output over all parts in order (RFC 7693). */
  hash(...parts: Uint8Array[]): Uint8Array;

  /** HMAC-BLAKE2s, 32 bytes, over all parts in order (RFC 2104 over `hash`). */
  hmac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array;

  /** Keyed BLAKE2s with 16 bytes of output: MAC() of the whitepaper. Key of up to 32 bytes. */
  mac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array;

  /** X25519 (RFC 7748). Undefined where the result is all zeros, as for a low-order point. */
  dh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;

  /** The X25519 public key of a private key; the scalar is clamped as RFC 7748 section 5 says. */
  publicKey(privateKey: Uint8Array): Uint8Array;

  /** Overwrites a private key, and whatever `dh` has kept of it. */
  forget(privateKey: Uint8Array): void;

  /** ChaCha20-Poly1305 (RFC 8439) with a 12-byte nonce: ciphertext and 16-byte tag. */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, data: Uint8Array): Uint8Array;

  /** The plaintext, or undefined where the tag is wrong or the input too short. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    ciphertext: Uint8Array,
    data: Uint8Array,
  ): Uint8Array | undefined;

  /** XChaCha20-Poly1305 with a 24-byte nonce, for cookie replies (whitepaper 5.4.7). */
  sealX(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, data: Uint8Array): Uint8Array;

  /** The inverse of `sealX`; undefined where the tag is wrong. */
  openX(
    key: Uint8Array,
    nonce: Uint8Array,
    ciphertext: Uint8Array,
    data: Uint8Array,
  ): Uint8Array | undefined;

  /** Whether two byte strings are equal, in time that depends on their length alone. */
  equal(left: Uint8Array, right: Uint8Array): boolean;

  /** A key for the packets of one direction. `key` is copied. */
  transportKey(key: Uint8Array): TransportKey;
}

/** ChaCha20-Poly1305 without associated data, in place: the data path (whitepaper 5.4.6). */
export interface TransportKey {
  /**
   * Encrypts `buffer[offset, offset + length)` in place and writes the 16-byte tag behind it. The
   * nonce is 4 zero bytes and `counter`, little-endian, as 8. `counter` is an integer below 2^53.
   */
  seal(buffer: Uint8Array, offset: number, length: number, counter: number): void;

  /**
   * Decrypts `buffer[offset, offset + length)` in place; `length` includes the tag. False where
   * the tag is wrong; the bytes are then of no meaning and must not be used.
   */
  open(buffer: Uint8Array, offset: number, length: number, counter: number): boolean;

  /** Overwrites the key. The object must not be used afterwards. */
  wipe(): void;
}
