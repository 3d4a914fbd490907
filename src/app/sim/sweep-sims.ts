/** Terminates old virtual SIMs that have certain tags, such as the SIMs that CI jobs left behind. */
import { parseKey } from '../../arc-config/value-syntax.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { KeyClaims } from '../../ports/key-claims.js';
import type { SimResponse } from '../../soracom/client/responses.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import { signedIn, type SignInPorts } from '../credentials/signed-in.js';
import { timeText } from '../iso-time.js';
import type { StateHome } from '../session/session-state.js';
import { findSimHolder } from '../up/claim-sim.js';
import { mayNotLook } from './list-sims.js';
import {
  isVirtualSim,
  requireSim,
  simPublicKey,
  summariseSim,
  type SimSummary,
} from './sim-summary.js';
import { findArcConfig } from './sim-target.js';
import { endSim } from './terminate-sim.js';
import { searchOrList } from './virtual-sims.js';

export type SweepApi = Pick<
  SoracomApi,
  | 'auth'
  | 'logout'
  | 'serverTime'
  | 'searchVirtualSims'
  | 'listSims'
  | 'getSim'
  | 'enableSimTermination'
  | 'terminateSim'
>;

/** A tag that a SIM must have. */
export interface TagFilter {
  readonly tagName: string;
  /** Undefined accepts every value that is not empty. */
  readonly tagValue: string | undefined;
}

export interface SweepOptions {
  /** The value of `--config`; the profile in that file may provide the credentials. */
  readonly config: string | undefined;
  /** A SIM must have all of these tags. */
  readonly tags: readonly TagFilter[];
  /** The minimum age in milliseconds. */
  readonly olderThan: number;
  /** Whether to terminate without confirmation. */
  readonly yes: boolean;
  /** Whether to only report the SIMs. */
  readonly dryRun: boolean;
}

export interface SweepPorts extends SignInPorts<SweepApi>, StateHome {
  readonly claims: KeyClaims;
  /** Returns the time in Unix milliseconds. */
  now(): number;
  /** Called with the SIMs that are about to be terminated. */
  onSims?(sims: readonly SimSummary[]): void;
  /** Asks the user to confirm the termination; absent if not interactive. */
  confirm?(sims: readonly SimSummary[]): Promise<boolean>;
  /** Called after each SIM, because a later one may fail or be interrupted. */
  onSwept?(sim: SweptSim): void;
}

export interface SweptSim extends SimSummary {
  /** `found` in a dry run; `kept` if the SIM must not be terminated after all. */
  readonly outcome: 'found' | 'terminated' | 'kept' | 'failed';
  /** Why the SIM was not terminated, as a clause. */
  readonly reason?: string;
}

export interface Sweep {
  /** The SIMs, oldest first. */
  readonly sims: readonly SweptSim[];
  readonly notes: readonly string[];
  /** The error to report if the termination of a SIM failed. */
  readonly failure?: UserError;
}

/** The maximum number of SIMs that one run terminates, which also limits the API calls. */
export const MAX_SWEPT = 100;

/** The maximum number of SIM IDs in a note. */
const MAX_NAMED = 5;

/**
 * Reads each SIM again before its termination, because the search result may be out of date. SIMs
 * without the tags, physical SIMs and SIMs that a local tunnel is using are never terminated.
 *
 * @throws UserError of kind `usage` if confirmation is impossible, of kind `failed` if the user
 * declines; MissingCredentialsError, ApiError
 */
export async function sweepSims(
  options: SweepOptions,
  ports: SweepPorts,
  signal?: AbortSignal,
): Promise<Sweep> {
  const { yes, dryRun } = options;
  if (!yes && !dryRun && ports.confirm === undefined) throw needsWord();
  const { profile, notes } = await findArcConfig(options.config, ports);
  return signedIn(profile, ports, signal, async (api) => {
    ports.onStep?.('Looking for virtual SIMs');
    const answers = await searchOrList(api);
    if (answers === undefined) throw mayNotLook();
    const latest = (api.serverTime ?? ports.now()) - options.olderThan;
    const living = answers.filter((sim) => isVirtualSim(sim) && sim.status !== 'terminated');
    const found = living
      .filter((sim) => whyKept(sim, options, latest) === undefined)
      .map(summariseSim)
      .toSorted(byAge);
    const chosen = found.slice(0, MAX_SWEPT);
    const all = [
      ...notes,
      ...moreNote(found.length - chosen.length),
      ...undatedNote(living.filter((sim) => isUndated(sim, options))),
      ...untaggedNote(living.filter((sim) => isUntagged(sim, latest))),
    ];
    if (dryRun) return { sims: chosen.map((sim) => ({ ...sim, outcome: 'found' })), notes: all };
    if (chosen.length === 0) return { sims: [], notes: all };
    ports.onSims?.(chosen);
    if (!yes && !(await ports.confirm?.(chosen))) throw declined();
    return { notes: all, ...(await terminateAll(chosen, latest, { options, ports, api, signal })) };
  });
}

interface SweepRun {
  readonly options: SweepOptions;
  readonly ports: SweepPorts;
  readonly api: SweepApi;
  readonly signal: AbortSignal | undefined;
}

/** Continues after a failure, because the remaining SIMs are also billed. */
async function terminateAll(
  chosen: readonly SimSummary[],
  latest: number,
  run: SweepRun,
): Promise<Pick<Sweep, 'sims' | 'failure'>> {
  const sims: SweptSim[] = [];
  const failures: UserError[] = [];
  for (const [index, sim] of chosen.entries()) {
    run.signal?.throwIfAborted();
    run.ports.onStep?.(`Terminating SIM ${sim.simId} (${index + 1} of ${chosen.length})`);
    const reason = await sweepOne(sim.simId, latest, run);
    const swept = { ...sim, ...outcomeOf(reason) };
    if (reason instanceof UserError) failures.push(reason);
    sims.push(swept);
    run.ports.onSwept?.(swept);
  }
  return failures.length === 0 ? { sims } : { sims, failure: failureOf(failures, sims.length) };
}

function outcomeOf(reason: UserError | string | undefined): Omit<SweptSim, keyof SimSummary> {
  if (reason === undefined) return { outcome: 'terminated' };
  if (typeof reason === 'string') return { outcome: 'kept', reason };
  return { outcome: 'failed', reason: reason.why };
}

/** @returns undefined if the SIM is terminated; why it was kept; or why that failed */
async function sweepOne(
  simId: string,
  latest: number,
  { options, ports, api, signal }: SweepRun,
): Promise<UserError | string | undefined> {
  try {
    const sim = requireSim(await api.getSim(simId), simId);
    const why = sim.type === 'virtual' ? whyKept(sim, options, latest) : 'it is not a virtual SIM';
    if (why !== undefined) return why;
    const publicKey = parseKey(simPublicKey(sim) ?? '');
    const holder = publicKey && (await findSimHolder(publicKey, ports.claims));
    if (holder !== undefined) return holder.clause;
    await endSim(simId, sim.terminationEnabled, api);
    return undefined;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof UserError) return error;
    throw error;
  }
}

/** Returns why a SIM must not be terminated; undefined if it has the tags and is old enough. */
function whyKept(sim: SimResponse, { tags }: SweepOptions, latest: number): string | undefined {
  if (sim.status === 'terminated') return 'it is already terminated';
  if (!tags.every((tag) => hasTag(sim, tag))) return 'it does not have the tag';
  const { createdTime } = sim;
  return createdTime !== undefined && createdTime <= latest ? undefined : 'it is not old enough';
}

/** An empty value does not count, because SORACOM can give every SIM an empty `name` tag. */
function hasTag({ tags = {} }: SimResponse, { tagName, tagValue }: TagFilter): boolean {
  if (!Object.hasOwn(tags, tagName)) return false;
  const value = tags[tagName] ?? '';
  return tagValue === undefined ? value.trim() !== '' : value === tagValue;
}

function isUndated(sim: SimResponse, { tags }: SweepOptions): boolean {
  return sim.createdTime === undefined && tags.every((tag) => hasTag(sim, tag));
}

function isUntagged({ tags = {}, createdTime = Infinity }: SimResponse, latest: number): boolean {
  return createdTime <= latest && Object.values(tags).every((value) => (value ?? '').trim() === '');
}

function byAge(one: SimSummary, other: SimSummary): number {
  const { createdTime: first = 0 } = one;
  const { createdTime: second = 0 } = other;
  return first - second || (one.simId < other.simId ? -1 : 1);
}

function moreNote(more: number): string[] {
  if (more === 0) return [];
  return [
    `One run terminates at most ${MAX_SWEPT} SIMs. Run the same command again for ${more} more.`,
  ];
}

function undatedNote(sims: readonly SimResponse[]): string[] {
  if (sims.length === 0) return [];
  return [`Not terminated, because SORACOM does not report their age: ${namesOf(sims)}.`];
}

/** A bootstrap that was killed after createSim and before putSimTags leaves a SIM without tags. */
function untaggedNote(sims: readonly SimResponse[]): string[] {
  if (sims.length === 0) return [];
  return [
    `Not terminated, because they have neither tags nor a name: ${namesOf(sims)}. An interrupted bootstrap can leave such a SIM. If no device is using a SIM, run \`arctun sim terminate SIM_ID\`.`,
  ];
}

function namesOf(sims: readonly SimResponse[]): string {
  const named = sims.slice(0, MAX_NAMED).map(({ simId, createdTime }) => {
    const time = timeText(createdTime);
    return time === '' ? `SIM ${simId}` : `SIM ${simId} (created ${time})`;
  });
  const more = sims.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function failureOf(failures: readonly UserError[], total: number): UserError {
  const [first] = failures;
  return new UserError(first?.kind ?? 'api', {
    what: `${failures.length} of ${total} SIMs could not be terminated`,
    why: [...new Set(failures.map(({ what, why }) => `${what}: ${why}`))].join('; '),
    next: [
      ...new Set(failures.flatMap(({ next }) => next)),
      'Run the same command again to retry the SIMs that remain.',
    ],
    cause: first,
  });
}

function needsWord(): UserError {
  return new UserError('usage', {
    what: 'cannot terminate the SIMs',
    why: 'termination is final and must be confirmed, but no terminal is available',
    next: [
      'No SIM was terminated.',
      'Add --dry-run to list the SIMs, or --yes to terminate them without confirmation.',
    ],
  });
}

function declined(): UserError {
  return new UserError('failed', {
    what: 'no SIM was terminated',
    why: 'you did not type the expected number',
    next: ['Run the same command again, and type exactly the number in parentheses.'],
  });
}
