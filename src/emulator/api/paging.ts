/**
 * Splits lists into pages. The header `x-soracom-next-key` contains the next page's key: the key of
 * the last item on this page.
 */
import type { HttpResponse } from '../http-response.js';
import { REFUSALS } from './refusals.js';
import { DEFAULT_PAGE } from './openapi/building-blocks.js';

export interface PageQuery {
  readonly limit?: number;
  readonly last_evaluated_key?: string;
}

/** The maximum number of items on a page, regardless of `limit`. */
const MAX_PAGE = 100;

/**
 * @param keyOf returns an item's unique key
 * @param show formats an item for the response
 */
export function pageResponse<Member>(
  members: readonly Member[],
  { limit = DEFAULT_PAGE, last_evaluated_key: after }: PageQuery,
  keyOf: (member: Member) => string,
  show: (member: Member) => object,
): HttpResponse {
  const before = after === undefined ? -1 : members.findIndex((member) => keyOf(member) === after);
  if (after !== undefined && before === -1) return REFUSALS.pageUnknown;
  const rest = members.slice(before + 1);
  const page = rest.slice(0, Math.min(limit, MAX_PAGE));
  const last = page.at(-1);
  const hasMore = page.length < rest.length && last !== undefined;
  return {
    status: 200,
    ...(hasMore && { headers: { 'x-soracom-next-key': keyOf(last) } }),
    body: page.map(show),
  };
}
