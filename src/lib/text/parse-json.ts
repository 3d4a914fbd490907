/**
 * Parses JSON. Returns undefined if invalid, because the parser's error message would quote the
 * text, which may hold secrets.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
