/**
 * Returns zero-filled memory for a key. The garbage collector moves small arrays and leaves copies
 * behind. It never moves an explicit ArrayBuffer, so overwriting this memory erases the only copy.
 */
export function secretBytes(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

/** Returns a copy of a secret in memory allocated by secretBytes(). */
export function copySecret(secret: Uint8Array): Uint8Array {
  const copy = secretBytes(secret.length);
  copy.set(secret);
  return copy;
}
