/**
 * Removes all elements of a list that is filled again and again. V8 takes longer to set the length
 * to 0, and then allocates new memory for the next elements.
 */
export function clearList(list: unknown[]): void {
  while (list.length > 0) list.pop();
}
