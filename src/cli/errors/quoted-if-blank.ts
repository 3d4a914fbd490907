/** Quotes a word that the user would not see in a message: an empty or a blank one. */
export function quotedIfBlank(word: string): string {
  return word.trim() === '' ? JSON.stringify(word) : word;
}
