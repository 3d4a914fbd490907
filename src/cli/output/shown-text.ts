/** Widths of texts on a terminal. */
import widthOf from 'fast-string-truncated-width';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Columns that a text takes on a terminal; Chinese, Japanese and Korean letters and emoji take two. */
export function displayWidth(text: string): number {
  return widthOf(text).width;
}

/** At most so many columns; what is longer ends with an ellipsis. */
export function cutToWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let cut = '';
  // The library's own cut may leave half a surrogate pair.
  for (const { segment } of graphemes.segment(text)) {
    if (displayWidth(cut + segment) >= columns) break;
    cut += segment;
  }
  return `${cut}…`;
}

export function padToWidth(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)));
}
