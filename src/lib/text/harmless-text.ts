/**
 * Texts of unmatchedSegments on a terminal: a SIM's name is whatever somebody has typed somewhere, and must
 * not move the cursor, change colours or turn the direction of what follows.
 */

/** Control and format characters, line separators, lone surrogates, and what is no character. */
const HARMFUL = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** The text with a replacement character for each that a terminal would obey. */
export function harmless(text: string): string {
  return text.replace(HARMFUL, '\u{FFFD}');
}

/** JSON text with what a terminal would obey escaped, so that nothing is lost. */
export function harmlessJson(text: string): string {
  return text.replace(HARMFUL, escaped);
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** Text of several lines: what a terminal would obey is replaced, but for the ends of lines and tabs. */
export function harmlessLines(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(HARMFUL, (found) => (/[\n\t]/.test(found) ? found : '\u{FFFD}'));
}
