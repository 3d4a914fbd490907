/**
 * Parses JSON. Returns undefined if the JSON is invalid instead of throwing, because an error
 * message could quote secrets.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
