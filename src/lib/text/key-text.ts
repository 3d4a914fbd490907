/** Formats a 32-byte key in base64, as in WireGuard's tools and arc.json. */
export function formatKey(key: Uint8Array): string {
  if (key.length !== 32) throw new RangeError(`a key must be 32 bytes long, not ${key.length}`);
  return btoa(String.fromCharCode(...key));
}
