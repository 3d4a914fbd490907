/**
 * Makes untrusted text safe to print on a terminal. For example, a SIM's name can be any string,
 * and must not move the cursor, change colors or reverse the text direction.
 */

/** Matches control and format characters, line separators, and invalid code points. */
const HARMFUL = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Matches most text that contains nothing harmful, in less time. */
const PLAIN = /^[\x20-\x7e]*$/;

/** Replaces each character that a terminal may interpret with U+FFFD. */
export function harmless(text: string): string {
  return PLAIN.test(text) ? text : text.replace(HARMFUL, '\u{FFFD}');
}

/** Escapes the characters in JSON that a terminal may interpret, so that no character is lost. */
export function harmlessJson(text: string): string {
  return text.replace(HARMFUL, escaped);
}

function escaped(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** Works like harmless(), but keeps line breaks and tabs, for strings with several lines. */
export function harmlessLines(text: string): string {
  if (PLAIN.test(text)) return text;
  return text
    .replaceAll('\r\n', '\n')
    .replace(HARMFUL, (found) => (/[\n\t]/.test(found) ? found : '\u{FFFD}'));
}
