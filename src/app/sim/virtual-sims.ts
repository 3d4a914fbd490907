/** The account's virtual SIMs, with no more permissions than there are. */
import type { SimResponse } from '../../soracom/client/responses.js';
import { ApiError } from '../../soracom/api-error.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';

export type SearchApi = Pick<SoracomApi, 'searchVirtualSims' | 'listSims'>;

/**
 * Those that are not terminated; physical ones may be among them where the API counts them in.
 * @returns undefined when the user who signs in may neither search nor list
 */
export async function searchOrList(api: SearchApi): Promise<readonly SimResponse[] | undefined> {
  return (
    (await unlessForbidden(() => api.searchVirtualSims())) ??
    (await unlessForbidden(() => api.listSims()))
  );
}

export async function unlessForbidden<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** Whether a call failed because a permission is missing. */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403;
}
