/** Finds worn-out idioms in a text. */
import { IDIOMS } from './idioms.js';

const PATTERNS = IDIOMS.map(({ pattern, instead }) => ({
  instead,
  // Each line of a block comment begins with a star.
  expression: new RegExp(
    `\\b${pattern.replaceAll(' ', String.raw`\s+(?:\*\s+)?`)}(?![\\w'])`,
    'gi',
  ),
}));

/** Returns each idiom with its index in the text, and what to write instead. */
export function idiomsIn(text) {
  const all = PATTERNS.flatMap(({ expression, instead }) =>
    [...text.matchAll(expression)].map(({ 0: found, index }) => ({
      found: found.replaceAll(/\s+(\*\s+)?/g, ' '),
      instead,
      index,
      end: index + found.length,
    })),
  );
  return all.sort((one, other) => one.index - other.index);
}
