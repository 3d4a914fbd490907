import { unintelligibleError } from '../api-error.js';
import type { ApiOperation } from './operations.js';

/** One page of a listing. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly status: number;
  /** Where the next page begins; undefined on the last one. */
  readonly nextKey: string | undefined;
}

/** Far beyond any account that is asked for its virtual SIMs. */
const MOST_PAGES = 1000;
const MOST_ITEMS = 100_000;

/**
 * All pages of a listing. A page may have fewer items than its limit, or none: only a page that
 * names no next one is the last.
 *
 * @param read reads a page, the first one without a key
 * @param enough ends early, as soon as there are so many items
 * @throws ApiError for a listing that does not end; whatever `read` throws
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
    // An empty key names no page.
    if (nextKey === undefined || nextKey === '' || all.length >= enough) return all;
    const fault = keys.has(nextKey)
      ? 'its pages lead in a circle'
      : pages >= MOST_PAGES || all.length > MOST_ITEMS
        ? `its listing does not end (${pages} pages, ${all.length} items)`
        : undefined;
    if (fault !== undefined) throw unintelligibleError(operation, status, fault);
    keys.add(nextKey);
    key = nextKey;
  }
}

/** The path of a page: of the first one as it is, of another with its key. */
export function pathOfPage(path: string, key: string | undefined): string {
  if (key === undefined) return path;
  return `${path}${path.includes('?') ? '&' : '?'}last_evaluated_key=${encodeURIComponent(key)}`;
}
