/**
 * Parses JSON. Returns undefined if it is invalid, because an error message could quote secrets.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
