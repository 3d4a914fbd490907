/** Looks for the SIM of a createSim whose answer never came. */
import { UserError } from '../../lib/user-error.js';
import { isVirtualSim } from '../sim/sim-summary.js';
import { searchOrList, type SearchApi } from '../sim/virtual-sims.js';

/** A SIM that may be the one that was asked for. */
export interface LostSim {
  readonly simId: string;
  /** Unix milliseconds; undefined where the platform does not tell. */
  readonly createdTime: number | undefined;
  /** Empty when it has none. */
  readonly name: string;
  /** Created before the request by the times that the platform gives: most likely another device's. */
  readonly isEarlier: boolean;
}

/** Clocks of the platform's parts may differ by so much, in milliseconds. */
const CLOCK_SKEW = 60_000;

/**
 * A SIM that was created is in the platform's listings well before so long has passed, in
 * milliseconds; no figure is published, and this is meant to be far beyond it.
 */
export const LISTED_AFTER = 600_000;

/**
 * The virtual SIMs that may have been created by a request, the likeliest first: those created after it,
 * in their order, then those of the minute before it. One whose time is not told may be the lost one.
 *
 * @param since Unix milliseconds by the platform's clock; undefined leaves none out
 * @throws ApiError; UserError where permissions are missing
 */
export async function findLostSims(
  since: number | undefined,
  api: SearchApi,
): Promise<readonly LostSim[]> {
  const sims = await searchOrList(api);
  if (sims === undefined) throw mayNotLook();
  const earliest = since === undefined ? -Infinity : since - CLOCK_SKEW;
  return sims
    .filter((sim) => isVirtualSim(sim) && sim.status !== 'terminated')
    .filter(({ createdTime = Infinity }) => createdTime >= earliest)
    .map(({ simId, createdTime, tags }) => ({
      ...{ simId, createdTime, name: tags?.name ?? '' },
      isEarlier: createdTime !== undefined && since !== undefined && createdTime < since,
    }))
    .toSorted((one, other) => distance(one, since) - distance(other, since));
}

/** How far a SIM is from the request: one from before it is farther than all from after it. */
function distance({ createdTime, isEarlier }: LostSim, since = 0): number {
  if (createdTime === undefined) return Number.MAX_SAFE_INTEGER / 2;
  return isEarlier ? Number.MAX_SAFE_INTEGER - createdTime : createdTime - since;
}

function mayNotLook(): UserError {
  return new UserError('api', {
    what: 'nothing was created or changed',
    why: 'an earlier run asked for a virtual SIM and never heard the answer, and the user who signs in may not look whether there is one',
    next: [
      'Allow Query:searchSims or Sim:listSims in the permissions of that SAM user, and run the same command again.',
      'Or look in the user console; then give --adopt SIM_ID to use that SIM, or --create-another when there is none.',
    ],
  });
}
