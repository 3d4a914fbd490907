/**
 * Cursor and color sequences, their one-byte form, marks that change the text direction, line ends.
 */
export const HARMFUL = [
  '\u001b[2J',
  '\u009b31m',
  '\u202e',
  '\u2066',
  '\u2028',
  '\r\n',
  '\t',
  '\u007f',
  '\0',
];
