/** What a run of `bootstrap authkey` is given, what its steps hand to each other, what it gives. */
import type { ArcConfig, ArcProfile } from '../../arc-config/arc-config.js';
import type { Files } from '../../ports/files.js';
import type { Journals } from '../../ports/journals.js';
import type { KeyPair } from '../../lib/secrets/key-pair.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import type { SimLabels } from './label-sim.js';
import type { SignInPorts } from '../credentials/signed-in.js';
import type { SimJournal } from './sim-journal.js';

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

/** What a run knows once it has signed in. */
export interface SignedInRun {
  readonly options: BootstrapAuthkeyOptions;
  readonly ports: BootstrapPorts;
  readonly api: BootstrapApi;
  /** The API's, as credentials have it. */
  readonly endpoint: string;
  /** Written into each configuration, where that was asked for. */
  readonly profile: ArcProfile | undefined;
}

/** What the steps of a run hand to each other; `sim-run.ts` has their order. */
export interface SimRun extends SignedInRun {
  /** The arc.json that was there when the run began. */
  readonly existing: ArcConfig | undefined;
  readonly journal: SimJournal;
  /** What arc.json holds by now, or is about to hold. */
  config: ArcConfig | undefined;
  /** The SIM that gets a new key, in place of a new SIM. */
  adopt: string | undefined;
  /** Whether this run, or the one that it finishes, has created the SIM. */
  created: boolean;
  /** Writes arc.json. */
  readonly write: (config: ArcConfig) => Promise<void>;
  /** Absolute; where a session is that could not be written into arc.json. */
  keptIn: string | undefined;
  readonly notes: string[];
}
