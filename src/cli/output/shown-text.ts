/** Measures and pads text by its width on a terminal. */
import widthOf from 'fast-string-truncated-width';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Returns the text's width in terminal columns; CJK characters and emoji are two columns wide. */
export function displayWidth(text: string): number {
  return widthOf(text).width;
}

/** If a string is wider than a number of columns, shortens it and ends it with an ellipsis. */
export function cutToWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let cut = '';
  // The library's own truncation function is not used, because it may split a surrogate pair.
  for (const { segment } of graphemes.segment(text)) {
    if (displayWidth(cut + segment) >= columns) break;
    cut += segment;
  }
  return `${cut}…`;
}

export function padToWidth(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)));
}
