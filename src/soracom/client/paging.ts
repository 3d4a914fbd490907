import { unintelligibleError } from '../api-error.js';
import type { ApiOperation } from './operations.js';

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly status: number;
  /** The key of the next page; undefined on the last page. */
  readonly nextKey: string | undefined;
}

/** The maximum number of pages, far more than needed for any account's virtual SIMs. */
const MOST_PAGES = 1000;
const MOST_ITEMS = 100_000;

/**
 * Reads all pages of a list. A page may be short or empty; the last page is the one without a next
 * key.
 *
 * @param read reads one page; the first page has no key
 * @param enough stops reading after this number of items
 * @throws ApiError if the list does not end, and any error of `read`
 */
export async function readPages<T>(
  operation: ApiOperation,
  read: (key: string | undefined) => Promise<Page<T>>,
  enough = Infinity,
): Promise<T[]> {
  const all: T[] = [];
  const keys = new Set<string>();
  let key: string | undefined;
  for (let pages = 1; ; pages++) {
    const { items, status, nextKey } = await read(key);
    for (const item of items) all.push(item);
    // An empty key means that no page follows.
    if (nextKey === undefined || nextKey === '' || all.length >= enough) return all;
    const fault = keys.has(nextKey)
      ? 'the pages of the list form a loop'
      : pages >= MOST_PAGES || all.length > MOST_ITEMS
        ? `the list does not end (${pages} pages, ${all.length} items)`
        : undefined;
    if (fault !== undefined) throw unintelligibleError(operation, status, fault);
    keys.add(nextKey);
    key = nextKey;
  }
}

/** Returns the path of a page: `path` unchanged for the first page, otherwise with the key. */
export function pathOfPage(path: string, key: string | undefined): string {
  if (key === undefined) return path;
  return `${path}${path.includes('?') ? '&' : '?'}last_evaluated_key=${encodeURIComponent(key)}`;
}
