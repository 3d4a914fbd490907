/** A key of 32 bytes in base64, as WireGuard's tools and arc.json write it. */
export function formatKey(key: Uint8Array): string {
  if (key.length !== 32) throw new RangeError(`a key has 32 bytes, not ${key.length}`);
  return btoa(String.fromCharCode(...key));
}
