/** Types for the part of sodium-native that src/crypto/sodium.ts uses; the package has no types. */
declare module 'sodium-native' {
  /** Writes ciphertext and tag (combined mode) to `c`, which may start at the same byte as `m`. */
  export const crypto_aead_chacha20poly1305_ietf_encrypt: (
    ...args: [
      c: Uint8Array,
      m: Uint8Array,
      ad: Uint8Array | null,
      nsec: null,
      npub: Uint8Array,
      k: Uint8Array,
    ]
  ) => number;

  /** Decrypts in combined mode. Throws if the tag is wrong. */
  export const crypto_aead_chacha20poly1305_ietf_decrypt: (
    ...args: [
      m: Uint8Array,
      nsec: null,
      c: Uint8Array,
      ad: Uint8Array | null,
      npub: Uint8Array,
      k: Uint8Array,
    ]
  ) => number;

  /** Writes the ciphertext to `c`, which may be `m`, and the tag to `mac`. */
  export const crypto_aead_chacha20poly1305_ietf_encrypt_detached: (
    ...args: [
      c: Uint8Array,
      mac: Uint8Array,
      m: Uint8Array,
      ad: Uint8Array | null,
      nsec: null,
      npub: Uint8Array,
      k: Uint8Array,
    ]
  ) => number;

  /** Writes the plaintext to `m`, which may be `c`. Throws if the tag `mac` is wrong. */
  export const crypto_aead_chacha20poly1305_ietf_decrypt_detached: (
    ...args: [
      m: Uint8Array,
      nsec: null,
      c: Uint8Array,
      mac: Uint8Array,
      ad: Uint8Array | null,
      npub: Uint8Array,
      k: Uint8Array,
    ]
  ) => number;

  /** Computes X25519 of private key `n` and public key `p`. Throws if `q` would be all zeros. */
  export const crypto_scalarmult: (q: Uint8Array, n: Uint8Array, p: Uint8Array) => number;

  /** Computes the public key `q` of the private key `n`. */
  export const crypto_scalarmult_base: (q: Uint8Array, n: Uint8Array) => number;
}
