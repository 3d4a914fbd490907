/**
 * Makes untrusted text safe to print on a terminal. A SIM's name, for example, can be any text, and
 * must not move the cursor, change colors or reverse the text direction.
 */

/** Control and format characters, line separators, lone surrogates and unassigned code points. */
const HARMFUL = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Returns the text with each character that a terminal may interpret replaced by U+FFFD. */
export function harmless(text: string): string {
  return text.replace(HARMFUL, '\u{FFFD}');
}

/**
 * Returns JSON text with each character that a terminal may interpret escaped, so that no character
 * is lost.
 */
export function harmlessJson(text: string): string {
  return text.replace(HARMFUL, escaped);
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** Like harmless(), but for text of several lines: line breaks and tabs are kept. */
export function harmlessLines(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(HARMFUL, (found) => (/[\n\t]/.test(found) ? found : '\u{FFFD}'));
}
