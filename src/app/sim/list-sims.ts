/** Lists the account's virtual SIMs with whichever API calls the user is permitted to make. */
import { UserError } from '../../lib/errors/user-error.js';
import type { SimResponse } from '../../soracom/client/responses.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import type { StateHome } from '../session/session-state.js';
import { signedIn, type SignInPorts } from '../credentials/signed-in.js';
import { isVirtualSim, summariseSim, type SimSummary } from './sim-summary.js';
import { findArcConfig } from './sim-target.js';
import { searchOrList, unlessForbidden } from './virtual-sims.js';

export type ListApi = Pick<
  SoracomApi,
  'auth' | 'logout' | 'searchVirtualSims' | 'listSims' | 'serverTime'
>;

/** A point in time or an age, in milliseconds. */
export type Since = { readonly unixTime: number } | { readonly age: number };

export interface ListSimsOptions {
  /** The value of `--config`; the profile in that file may provide the credentials; undefined for none. */
  readonly config: string | undefined;
  /** The earliest creation time of the listed SIMs. */
  readonly since?: Since | undefined;
  /** Whether to include terminated SIMs. */
  readonly all?: boolean;
}

export interface ListSimsPorts extends SignInPorts<ListApi>, StateHome {
  /** Returns the time in Unix milliseconds. */
  now(): number;
}

export interface ListedSims {
  /** The SIMs, sorted by creation time, newest first. */
  readonly sims: readonly SimSummary[];
  readonly notes: readonly string[];
}

/**
 * @throws MissingCredentialsError, ApiError; UserError that lists the permissions that would be
 * sufficient
 */
export async function listSims(
  options: ListSimsOptions,
  ports: ListSimsPorts,
  signal?: AbortSignal,
): Promise<ListedSims> {
  const { profile, notes } = await findArcConfig(options.config, ports);
  return signedIn(profile, ports, signal, async (api) => {
    ports.onStep?.('Looking for virtual SIMs');
    const { answers, note } = await (options.all ? everySim(api) : livingSims(api));
    const earliest = earliestTime(options.since, api.serverTime ?? ports.now());
    const sims = answers
      .filter((sim) => isVirtualSim(sim) && (options.all || sim.status !== 'terminated'))
      // A SIM without a creation time is included, because the user may be looking for it.
      .filter(({ createdTime = Infinity }) => createdTime >= earliest)
      .map(summariseSim)
      .toSorted(byAge);
    return { sims, notes: note === undefined ? notes : [...notes, note] };
  });
}

/**
 * Converts an age to a time on SORACOM's clock, because the creation times are also from that
 * clock.
 */
function earliestTime(since: Since | undefined, now: number): number {
  if (since === undefined) return -Infinity;
  return 'age' in since ? now - since.age : since.unixTime;
}

function byAge(one: SimSummary, other: SimSummary): number {
  const { createdTime: first = 0 } = one;
  const { createdTime: second = 0 } = other;
  return second - first || (one.simId < other.simId ? -1 : 1);
}

interface Found {
  readonly answers: readonly SimResponse[];
  readonly note?: string;
}

async function livingSims(api: ListApi): Promise<Found> {
  const answers = await searchOrList(api);
  if (answers === undefined) throw mayNotLook();
  return { answers };
}

async function everySim(api: ListApi): Promise<Found> {
  const listed = await unlessForbidden(() => api.listSims());
  if (listed !== undefined) return { answers: listed };
  const found = await unlessForbidden(() => api.searchVirtualSims());
  if (found === undefined) throw mayNotLook();
  return {
    answers: found,
    note: 'Terminated SIMs are not included, because listing them requires Sim:listSims.',
  };
}

/** The error if the user may neither search nor list SIMs. */
export function mayNotLook(): UserError {
  return new UserError('api', {
    what: 'cannot list the virtual SIMs',
    why: 'this user is not permitted to search or list SIMs (HTTP 403)',
    next: ['Grant Query:searchSims or Sim:listSims to this SAM user.'],
  });
}
