/** The port through which a pure core gets its randomness. Tests hand in a seeded one. */
export interface Entropy {
  /** Overwrites all of `bytes` with unpredictable bytes. */
  fill(bytes: Uint8Array): void;
}

/** A random unsigned 32-bit integer. */
export function randomUint32(entropy: Entropy): number {
  const bytes = new Uint8Array(4);
  entropy.fill(bytes);
  return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
}
