/** Finds the account's virtual SIMs with whichever API calls the user is permitted to make. */
import type { SimResponse } from '../../soracom/client/responses.js';
import { ApiError } from '../../soracom/api-error.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';

export type SearchApi = Pick<SoracomApi, 'searchVirtualSims' | 'listSims'>;

/**
 * Finds the SIMs that are not terminated. The result may include physical SIMs, which some API
 * calls also return.
 * @returns undefined if the user is not permitted to search or list SIMs
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

/** True if a call failed because of a missing permission. */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 403;
}
