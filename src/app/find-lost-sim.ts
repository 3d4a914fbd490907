/** Looks for the SIM of a createSim whose answer never came. */
import { UserError } from '../lib/user-error.js';
import type { SimAnswer } from '../soracom/answers.js';
import { ApiError } from '../soracom/api-error.js';
import type { SoracomApi } from '../soracom/soracom-api.js';

export type SearchApi = Pick<SoracomApi, 'searchVirtualSims' | 'listSims' | 'serverTime'>;

/** A SIM that may be the one that was asked for. */
export interface LostSim {
  readonly simId: string;
  /** Unix milliseconds. */
  readonly createdTime: number;
  /** Empty when it has none. */
  readonly name: string;
}

/** Clocks of the platform's parts may differ by so much, in milliseconds. */
const CLOCK_SKEW = 60_000;

/**
 * A SIM that was created is in the platform's listings well before so long has passed, in
 * milliseconds; no figure is published, and this is meant to be far beyond it.
 */
export const LISTED_AFTER = 600_000;

/**
 * The virtual SIMs that were created since a time, the oldest first.
 *
 * @param since Unix milliseconds by the platform's clock
 * @throws ApiError; where permissions are missing it names what would do
 */
export async function findLostSims(since: number, api: SearchApi): Promise<readonly LostSim[]> {
  const sims = await searchOrList(api);
  return sims
    .filter(isLivingVirtualSim)
    .map(({ simId, createdTime = 0, tags }) => ({ simId, createdTime, name: tags?.name ?? '' }))
    .filter(({ createdTime }) => createdTime >= since - CLOCK_SKEW)
    .toSorted((first, second) => first.createdTime - second.createdTime);
}

function isLivingVirtualSim({ type, status }: SimAnswer): boolean {
  return (type === undefined || type === 'virtual') && status !== 'terminated';
}

async function searchOrList(api: SearchApi): Promise<readonly SimAnswer[]> {
  try {
    return await api.searchVirtualSims();
  } catch (error) {
    if (!isForbidden(error)) throw error;
  }
  try {
    return await api.listSims();
  } catch (error) {
    if (!isForbidden(error)) throw error;
    throw new UserError(
      'api',
      {
        what: 'nothing was created or changed',
        why: 'an earlier run asked for a virtual SIM and never heard the answer, and this key may not look whether there is one',
        next: [
          'Allow Query:searchSims or Sim:listSims in the permissions of the SAM user that signs in, and run the same command again.',
          'Or look in the user console; then give --adopt SIM_ID to use that SIM, or --create-another when there is none.',
        ],
      },
      { cause: error },
    );
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof ApiError && error.status === 403;
}
