import { distance } from 'fastest-levenshtein';

/**
 * Returns a list with a "Did you mean" sentence for the candidate most similar to `word`; empty if
 * no candidate is similar.
 */
export function didYouMean(word: string, candidates: readonly string[]): string[] {
  if (candidates.length === 0) return [];
  const longer = word.length > 1 ? candidates.find((name) => name.startsWith(word)) : undefined;
  const alike = candidates.filter((name) => name.startsWith(word.charAt(0)));
  const [nearest = ''] = [...alike, ...candidates].toSorted(
    (a, b) => slips(word, a) - slips(word, b),
  );
  const most = Math.max(1, Math.floor(nearest.length / 3));
  // A candidate of one letter would be similar to any word of one letter.
  const isAlike = slips(word, nearest) <= most && slips(word, nearest) < nearest.length;
  const meant = longer ?? (isAlike ? nearest : undefined);
  return meant === undefined ? [] : [`Did you mean ${meant}?`];
}

/** Returns the number of typos by which two words differ; two swapped letters count as one typo. */
function slips(word: string, name: string): number {
  const isReordered = Array.from(word).toSorted().join('') === Array.from(name).toSorted().join('');
  return isReordered ? 1 : distance(word, name);
}

/** Quotes a word that the user would not see in a message: an empty or a blank one. */
export function quotedIfBlank(word: string): string {
  return word.trim() === '' ? JSON.stringify(word) : word;
}
