/** What a run of `bootstrap authkey` is given, what its parts hand to each other, what it gives. */
import type { ArcConfig, ArcProfile } from '../../arc-config/arc-config.js';
import type { Files } from '../../ports/files.js';
import type { Journals } from '../../ports/journals.js';
import type { KeyPair } from '../../lib/secrets/key-pair.js';
import { ApiError } from '../../soracom/api-error.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import type { LostSim } from './find-lost-sim.js';
import type { SimLabels } from './label-sim.js';
import { refreshSession } from '../session/refresh-session.js';
import type { SignInPorts } from '../credentials/signed-in.js';

export type BootstrapApi = Omit<
  SoracomApi,
  'getSim' | 'enableSimTermination' | 'terminateSim' | 'listSimSessionEvents'
>;

export interface BootstrapAuthkeyOptions {
  /** The arc.json to create or refresh. */
  readonly path: string;
  /** Where a new arc.json goes, or the session of an existing one, when `path` cannot be written. */
  readonly stateFolder: string;
  /** `process.platform`, for the name of the interface. */
  readonly platform: string;
  readonly labels?: SimLabels | undefined;
  /** Whether a new SIM gets a key that is made here, in place of the platform's. */
  readonly ownKey?: boolean;
  /** Whether the auth key goes into arc.json, as soratun has it. */
  readonly saveProfile?: boolean;
  /** A SIM that is there already and gets a new key, in place of a new SIM. */
  readonly adopt?: string | undefined;
  /** The user's word that a SIM may be created although an earlier run may have created one. */
  readonly createAnother?: boolean;
}

export interface BootstrapPorts extends SignInPorts<BootstrapApi> {
  readonly files: Files;
  readonly journals: Journals;
  createKeyPair(): KeyPair;
  /** Unix milliseconds. */
  now(): number;
  /** Asks which of these SIMs is to be used; absent where nobody can be asked. */
  chooseSim?(sims: readonly LostSim[], since: number): Promise<SimChoice>;
  /**
   * Asks a person whether a SIM is to be created, which is billed; absent in a script.
   * @param summary what the SIM will be, as names and values
   */
  confirmSim?(summary: readonly (readonly [name: string, value: string])[]): Promise<boolean>;
}

/** A SIM's id, or what is to be done in its place. */
export type SimChoice = { readonly simId: string } | 'create-another' | 'nothing';

export interface BootstrapResult {
  readonly simId: string;
  /** Absolute. */
  readonly path: string;
  /** Whether a SIM was created; otherwise an existing one got a new session or a new key. */
  readonly created: boolean;
  /** What is worth knowing, and what could not be done, as sentences. */
  readonly notes: readonly string[];
}

/** What the parts of one run hand to each other. */
export interface BootstrapRun {
  readonly options: BootstrapAuthkeyOptions;
  readonly ports: BootstrapPorts;
  readonly api: BootstrapApi;
  /** The API's, as credentials have it. */
  readonly endpoint: string;
  /** Written into each configuration, where that was asked for. */
  readonly profile: ArcProfile | undefined;
}

export type Outcome = Omit<BootstrapResult, 'path'> & {
  /** Absolute, where it is not that of arc.json. */
  readonly path?: string;
};

/** The profile as a part of arc.json, with what somebody added to the one that was there. */
export function mergeProfile(
  existing: ArcConfig | undefined,
  profile: ArcProfile | undefined,
): Pick<ArcConfig, 'profile'> {
  if (profile === undefined) return {};
  return { profile: { ...profile, unknownKeys: existing?.profile?.unknownKeys ?? [] } };
}

/** A note if --save-profile was given and arc.json cannot hold these credentials. */
export function unsavedProfileNotes(
  { saveProfile = false }: Pick<BootstrapAuthkeyOptions, 'saveProfile'>,
  profile: ArcProfile | undefined,
): readonly string[] {
  return saveProfile && profile === undefined ? [NO_PROFILE] : [];
}

const NO_PROFILE =
  'No profile was written into arc.json: it can hold an auth key alone, of a user who is not changed.';

const KEY_KEPT = 'The key in arc.json is kept as it is; `arctun sim renew-key` makes another.';

/** Makes a new session for the SIM of an arc.json that is there. */
/** A SIM that is terminated, or unknown to this account, gets no session: what to do for another one. */
function withWayOut(error: unknown, path: string): unknown {
  if (!(error instanceof ApiError) || (error.status !== 400 && error.status !== 404)) return error;
  const { failure, what, why, next, status, code } = error;
  const way = `If that SIM is gone, move ${path} away or name another file with --config: bootstrap then creates a SIM, which is billed.`;
  const details = { status, ...(code !== undefined && { code }), cause: error.cause };
  return new ApiError(failure, { what, why, next: [...next, way] }, details);
}

export async function refreshExisting(existing: ArcConfig, run: BootstrapRun): Promise<Outcome> {
  const { api, profile, ports, options } = run;
  ports.onStep?.('Creating an Arc session');
  const original = { ...existing, ...mergeProfile(existing, profile) };
  const home = { files: ports.files, stateFolder: options.stateFolder };
  const refreshing = refreshSession({ original, path: options.path }, api, home);
  const { notice, keptIn } = await refreshing.catch((error: unknown) => {
    throw withWayOut(error, ports.files.absolute(options.path));
  });
  const notes = notice === undefined ? [] : [notice];
  if (options.ownKey || options.adopt !== undefined) notes.push(KEY_KEPT);
  return { simId: existing.simId, created: false, notes, ...(keptIn && { path: keptIn }) };
}
