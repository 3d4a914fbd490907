/** Widths of texts on a terminal. */

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Columns that a text takes on a terminal; Chinese, Japanese and Korean letters and emoji take two. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += isWide(segment) ? 2 : 1;
  return width;
}

const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303E\u30FC\uFF01-\uFF60\uFFE0-\uFFE6]/u;
const HALF_WIDTH = /^[\uFF61-\uFFDC]/;

function isWide(grapheme: string): boolean {
  return (WIDE.test(grapheme) && !HALF_WIDTH.test(grapheme)) || grapheme.includes('\uFE0F');
}

/** At most so many columns; what is longer ends with an ellipsis. */
export function cutToWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let cut = '';
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += isWide(segment) ? 2 : 1;
    if (width > columns - 1) break;
    cut += segment;
  }
  return `${cut}…`;
}

export function padToWidth(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)));
}
