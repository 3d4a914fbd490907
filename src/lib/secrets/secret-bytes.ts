/**
 * Memory for a key, all zero. A small array lies inside of the collector's heap, which leaves a copy
 * behind whenever it moves it; an ArrayBuffer made by itself stays where it is, so that filling it
 * with zeros reaches the only copy.
 */
export function secretBytes(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

/** A copy in such memory. */
export function copySecret(secret: Uint8Array): Uint8Array {
  const copy = secretBytes(secret.length);
  copy.set(secret);
  return copy;
}
