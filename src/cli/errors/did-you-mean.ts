import { closest, distance } from 'fastest-levenshtein';

/** The candidate that `word` is a slip of, as a sentence in a list; the list is empty without one. */
export function didYouMean(word: string, candidates: readonly string[]): string[] {
  if (candidates.length === 0) return [];
  const longer = word.length > 1 ? candidates.find((name) => name.startsWith(word)) : undefined;
  const nearest = longer ?? closest(word, candidates);
  const most = Math.max(1, Math.floor(nearest.length / 3));
  return longer !== undefined || distance(word, nearest) <= most
    ? [`Did you mean ${nearest}?`]
    : [];
}
