/** The length of ChaCha20-Poly1305's authentication tag in bytes (RFC 8439 2.8). */
export const TAG_LENGTH = 16;

/**
 * The cryptographic primitives of WireGuard (whitepaper 5.4). All backends implement this interface
 * and pass the same known-answer tests. The caller owns all returned arrays, so overwriting a
 * secret erases its only copy.
 */
export interface Crypto {
  /** The library for handshakes. */
  readonly backend: 'sodium-native' | 'node';

  /** The library that encrypts packets. */
  readonly packetBackend: 'openssl' | 'sodium-native' | 'node';

  /** Computes BLAKE2s with 32 bytes of output over all parts in order (RFC 7693). */
  hash(...parts: Uint8Array[]): Uint8Array;

  /**
   * Computes HMAC-BLAKE2s with 32 bytes of output over all parts in order (RFC 2104 with `hash`).
   */
  hmac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array;

  /**
   * Computes the whitepaper's MAC(): keyed BLAKE2s with 16 bytes of output and a key of up to 32
   * bytes.
   */
  mac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array;

  /** Computes X25519 (RFC 7748); undefined if the result is all zeros, as for a low-order point. */
  dh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;

  /** Returns the X25519 public key of a private key. The scalar is clamped (RFC 7748 5). */
  publicKey(privateKey: Uint8Array): Uint8Array;

  /** Overwrites a private key and any copy that `dh` cached. */
  forget(privateKey: Uint8Array): void;

  /**
   * Returns the ChaCha20-Poly1305 ciphertext and its 16-byte tag (RFC 8439). The nonce is 12 bytes
   * long.
   */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, data: Uint8Array): Uint8Array;

  /** Decrypts what `seal` returned; undefined if the tag is wrong or the input is too short. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    ciphertext: Uint8Array,
    data: Uint8Array,
  ): Uint8Array | undefined;

  /** Encrypts a cookie reply: XChaCha20-Poly1305 with a 24-byte nonce (whitepaper 5.4.7). */
  sealX(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, data: Uint8Array): Uint8Array;

  /** Decrypts what `sealX` returned; undefined if the tag is wrong. */
  openX: Crypto['open'];

  /** Compares two byte strings for equality, in time that depends only on their length. */
  equal(left: Uint8Array, right: Uint8Array): boolean;

  /** Creates the key for packets in one direction. `key` is copied. */
  transportKey(key: Uint8Array): TransportKey;
}

/**
 * Encrypts packets in place: ChaCha20-Poly1305 without associated data (whitepaper 5.4.6). The text
 * is the `length` bytes of a message at `offset`; its tag is the next 16 bytes, which must be in the
 * message. The nonce is 4 zero bytes followed by `counter` as 8 bytes, little-endian; `counter` is an
 * integer below 2^53.
 */
export interface TransportKey {
  /** Encrypts the text in place, and writes its tag. */
  seal(message: Uint8Array, offset: number, length: number, counter: number): void;

  /**
   * Decrypts the text in place. Returns false if its tag is wrong; the text then contains undefined
   * bytes, which must not be used.
   */
  open(message: Uint8Array, offset: number, length: number, counter: number): boolean;

  /** Overwrites the key. The object must not be used afterwards. */
  wipe(): void;
}
