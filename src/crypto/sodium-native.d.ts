/** The part of sodium-native that src/crypto/sodium.ts uses; the package ships no types. */
declare module 'sodium-native' {
  /** Combined mode: ciphertext and tag into `c`, which may begin where `m` begins. */
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

  /** The inverse. Throws where the tag is wrong. */
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

  /** X25519: `n` is the private key, `p` the public one. Throws where `q` would be all zeros. */
  export const crypto_scalarmult: (q: Uint8Array, n: Uint8Array, p: Uint8Array) => number;

  /** The public key `q` of the private key `n`. */
  export const crypto_scalarmult_base: (q: Uint8Array, n: Uint8Array) => number;
}
