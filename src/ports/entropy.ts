/** The port through which a pure core gets its randomness. Tests hand in a seeded one. */
export interface Entropy {
  /** Overwrites all of `bytes` with unpredictable bytes. */
  fill(bytes: Uint8Array): void;
}
