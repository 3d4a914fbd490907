/** The port for random bytes. Tests supply a seeded implementation. */
export interface Entropy {
  /** Overwrites all of `bytes` with unpredictable bytes. */
  fill(bytes: Uint8Array): void;
}
