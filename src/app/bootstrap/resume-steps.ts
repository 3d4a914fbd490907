/** The steps that resume an interrupted run from its journal. */
import { formatKey } from '../../arc-config/value-syntax.js';
import { UserError } from '../../lib/errors/user-error.js';
import { ApiError } from '../../soracom/api-error.js';
import { isoTime } from '../iso-time.js';
import { isVirtualSim } from '../sim/sim-summary.js';
import { searchOrList, type SearchApi } from '../sim/virtual-sims.js';
import type { LostSim, SimChoice, SimRun } from './bootstrap-run.js';
import { keylessArcConfig, withProfile } from './fresh-arc-config.js';
import { finishRenewal, retold } from './key-renewal.js';

export const resumeSteps = {
  /** createSim may have been called: finds out from SORACOM and the user whether a SIM exists. */
  async 'look-for-sim'(run: SimRun): Promise<'adopt-sim' | 'announce-sim' | 'confirm-creation'> {
    const { adopt, createAnother } = run.options;
    if (adopt !== undefined) return 'adopt-sim';
    if (createAnother) return 'announce-sim';
    refuseOtherAccount(run, ['Or add --create-another to create a SIM in this account anyway.']);
    const found = await findOrChoose(run);
    if (found === 'none') return 'confirm-creation';
    if (found === 'create-another') return 'announce-sim';
    run.adopt = found.simId;
    return 'adopt-sim';
  },

  /**
   * createSim has returned. Adds a key if the SIM has none; no other program is using the SIM yet.
   */
  async 'finish-creation'(
    run: SimRun,
  ): Promise<'adopt-sim' | 'announce-own-key' | 'refresh-session'> {
    const { existing, journal, write } = run;
    const { created, createSim } = journal.progress;
    if (created === undefined) throw new RangeError('the journal does not contain a SIM');
    const { simId } = created;
    refuseOtherSim(simId, run);
    refuseOtherKey(run);
    const config = existing ?? journal.createdConfig;
    run.notes.push(
      `Finished the setup of SIM ${simId}, which an earlier run had created. No second SIM was created.`,
    );
    if (config === undefined) {
      run.adopt = simId;
      return 'adopt-sim';
    }
    run.config = config;
    run.created = true;
    if (existing === undefined) await write(config);
    if (createSim?.ownKey) return 'announce-own-key';
    // arc.json contains the key. Its session may be outdated, so the next step creates a new one.
    await journal.end();
    return 'refresh-session';
  },

  /** The earlier run may have renewed the key; this step renews it again with the same key pair. */
  async 'finish-renewal'(run: SimRun): Promise<'done' | 'look-for-sim'> {
    const { api, journal, existing, options, ports, write } = run;
    const { simId } = journal.key;
    const { createSim, created } = journal.progress;
    refuseOtherSim(simId, run);
    refuseOtherAccount(run, []);
    ports.onStep?.(`Finishing the key renewal for SIM ${simId}`);
    const base = existing ?? journal.createdConfig ?? keylessArcConfig(simId, options);
    const config = withProfile(base, run.profile);
    try {
      run.config = await finishRenewal({ config, journal, api, write });
    } catch (error) {
      const isOpen = createSim !== undefined && created === undefined;
      if (!isOpen || !isUnknownSim(error)) throw error;
      // The account has no SIM with the journal's SIM ID, so createSim's outcome is still unknown.
      await journal.add({ step: 'renewal-refused', simId });
      return 'look-for-sim';
    }
    run.created = createSim !== undefined;
    run.notes.push(`Finished the key renewal that an earlier run started for SIM ${simId}.`);
    return 'done';
  },
};

function isUnknownSim(error: unknown): boolean {
  return (
    error instanceof UserError && error.cause instanceof ApiError && error.cause.status === 404
  );
}

/**
 * Looks for the SIM, and asks the user to choose one of the SIMs found.
 *
 * @returns `none` if no SIM was created; by now, SORACOM would list it
 * @throws UserError if no terminal is available, or if the user chooses to stop; a SIM may exist
 */
async function findOrChoose(run: SimRun): Promise<Exclude<SimChoice, 'nothing'> | 'none'> {
  const { ports, journal, api, options } = run;
  const { createSim: asked } = journal.progress;
  if (asked === undefined) throw new RangeError('the journal does not contain a request for a SIM');
  const { since, clock } = asked;
  ports.onStep?.('Looking for the SIM that an earlier run requested');
  // Never compare a local time with SORACOM's times, because the local clock may be wrong by years.
  const byPlatform = clock === 'platform' ? since : undefined;
  const listed = await findLostSims(byPlatform, api).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    const open = `An earlier run requested a virtual SIM at ${isoTime(since)} but did not receive a response. The SIM may exist, and would then be billed (${journal.path}).`;
    throw retold(error, [open, ...error.next]);
  });
  const sims = listed.filter(({ simId }) => options.known?.has(simId) !== true);
  const { serverTime = -Infinity } = api;
  const isListed = serverTime - (byPlatform ?? Infinity) >= LISTED_AFTER;
  if (sims.length === 0 && isListed) return 'none';
  const choice = (await ports.chooseSim?.(sims, since)) ?? 'nothing';
  if (choice === 'nothing') throw undecided(sims, since, journal.path);
  return choice;
}

/** The assumed maximum clock difference between SORACOM's servers, in milliseconds. */
const CLOCK_SKEW = 60_000;

/**
 * After this many milliseconds, a created SIM is assumed to be in SORACOM's listings. SORACOM does
 * not publish a figure; this value should be far above the real delay.
 */
const LISTED_AFTER = 600_000;

/**
 * Lists the virtual SIMs that the request may have created, the most likely first: SIMs created
 * after the request, then SIMs created up to a minute before, and SIMs without a creation time.
 *
 * @param since Unix milliseconds on SORACOM's clock; undefined includes all SIMs
 * @throws ApiError; UserError if permissions are missing
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

/** Returns the sort key of a SIM: SIMs older than the request rank after newer ones. */
function distance({ createdTime, isEarlier }: LostSim, since = 0): number {
  if (createdTime === undefined) return Number.MAX_SAFE_INTEGER / 2;
  return isEarlier ? Number.MAX_SAFE_INTEGER - createdTime : createdTime - since;
}

function mayNotLook(): UserError {
  return new UserError('api', {
    what: 'cannot create a virtual SIM',
    why: 'an earlier run requested a SIM but did not receive a response, and this user is not permitted to list SIMs',
    next: [
      'Nothing was created or changed.',
      'Grant Query:searchSims or Sim:listSims to this SAM user, and try again.',
      'Or look for the SIM in the user console. Then add --adopt SIM_ID to use it, or --create-another if it does not exist.',
    ],
  });
}

function undecided(sims: readonly LostSim[], since: number, journalPath: string): UserError {
  const asked = `an earlier run requested a SIM at ${isoTime(since)} but did not receive a response (${journalPath})`;
  const another = 'Or add --create-another to create a SIM anyway.';
  const what = 'cannot create a virtual SIM';
  if (sims.length === 0) {
    const why = `${asked}; no new SIMs are listed yet, but a new SIM can take a few minutes to appear`;
    const later = `Try again after ${isoTime(since + LISTED_AFTER)}. If no SIMs are listed by then, the command will create a new SIM.`;
    return new UserError('failed', { what, why, next: [NOTHING_CHANGED, later, another] });
  }
  const later = sims.filter(({ isEarlier }) => !isEarlier);
  const earlier = sims.filter(({ isEarlier }) => isEarlier);
  const found = [
    ...(later.length === 0
      ? []
      : [`SIMs created since then: ${later.map(describeSim).join(', ')}`]),
    ...(earlier.length === 0
      ? []
      : [`SIMs created in the minute before: ${earlier.map(describeSim).join(', ')}`]),
  ];
  const next = [
    NOTHING_CHANGED,
    ...later.map(
      ({ simId }) => `Add --adopt ${simId} to give this SIM a new key and write its arc.json.`,
    ),
    ...(sims.length > 1 || earlier.length > 0 ? [OTHER_DEVICE] : []),
    another,
  ];
  return new UserError('failed', { what, why: [asked, ...found].join('; '), next });
}

const OTHER_DEVICE =
  'Adopt only the SIM that you requested: a device that is already using the SIM will lose its connection.';

const NOTHING_CHANGED = 'Nothing was created or changed.';

function describeSim({ simId, createdTime, name }: LostSim): string {
  return `${simId}${name === '' ? '' : ` (${name})`} at ${isoTime(createdTime)}`;
}

/** Refuses another account or endpoint, because its SIM list does not include the requested SIM. */
function refuseOtherAccount(
  { api, endpoint, journal: { progress, path } }: SimRun,
  next: readonly string[],
): void {
  const { createSim: asked } = progress;
  if (asked === undefined) return;
  const isOther =
    asked.endpoint !== endpoint ||
    (asked.operatorId !== undefined &&
      api.operatorId !== undefined &&
      asked.operatorId !== api.operatorId);
  if (!isOther) return;
  const there = [asked.operatorId, asked.endpoint]
    .filter((part) => part !== undefined)
    .join(' at ');
  throw new UserError('failed', {
    what: 'cannot create a virtual SIM',
    why: `an earlier run, which did not finish, requested a SIM from ${there} (${path}), but this run uses another account or endpoint`,
    next: [
      NOTHING_CHANGED,
      'Use the same account and endpoint as the earlier run to continue that run.',
      ...next,
    ],
  });
}

function refuseOtherSim(simId: string, run: SimRun): void {
  const { existing, journal } = run;
  if (existing === undefined || existing.simId === simId) return;
  throw refusal(
    run,
    `it belongs to SIM ${existing.simId}, but ${journal.path} contains a key for SIM ${simId} that an interrupted run did not save in an arc.json`,
    `Move the file elsewhere to finish the setup of SIM ${simId}, or delete the journal to discard the key in it.`,
  );
}

/** Refuses to choose between two keys of one SIM: only one of them opens the tunnel. */
function refuseOtherKey(run: SimRun): void {
  const { existing, journal } = run;
  const kept = journal.createdConfig;
  if (existing === undefined || kept === undefined) return;
  if (formatKey(existing.privateKey.expose()) === formatKey(kept.privateKey.expose())) return;
  throw refusal(
    run,
    `SIM ${existing.simId} was created with the key in ${journal.path}, which differs from the key in arc.json`,
    'Delete the journal if this arc.json works. Otherwise, move arc.json elsewhere and try again.',
  );
}

function refusal({ options, ports }: SimRun, why: string, next: string): UserError {
  const what = `cannot use ${ports.files.absolute(options.path)}`;
  return new UserError('configuration', { what, why, next: ['Nothing was changed.', next] });
}
