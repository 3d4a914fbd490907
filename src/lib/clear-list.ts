/**
 * Removes all elements of a list that is filled again and again. Setting the length to 0 takes V8
 * longer, and gives up the memory, so that the next elements need new memory.
 */
export function clearList(list: unknown[]): void {
  while (list.length > 0) list.pop();
}
