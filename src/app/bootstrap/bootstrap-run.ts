/** The options, ports, shared state and result of a `bootstrap authkey` run. */
import type { ArcConfig, ArcProfile } from '../../arc-config/arc-config.js';
import type { Files } from '../../ports/files.js';
import type { Journals } from '../../ports/stores/journals.js';
import type { KeyPair } from '../../lib/secrets/key-pair.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import type { FreshOptions } from './fresh-arc-config.js';
import type { SimLabels } from './label-sim.js';
import type { SignInPorts } from '../credentials/signed-in.js';
import type { SimJournal } from './sim-journal.js';

export type BootstrapApi = Omit<
  SoracomApi,
  'getSim' | 'enableSimTermination' | 'terminateSim' | 'listSimSessionEvents'
>;

export interface BootstrapAuthkeyOptions extends FreshOptions {
  /** The arc.json to create or refresh. */
  readonly path: string;
  /** The folder for a new arc.json or session if `path` cannot be written. */
  readonly stateFolder: string;
  readonly labels?: SimLabels | undefined;
  /** Whether to replace the new SIM's key with one generated locally. */
  readonly ownKey?: boolean;
  /** Whether to store the auth key in arc.json, as soratun does. */
  readonly saveProfile?: boolean;
  /** The ID of an existing SIM that gets a new key, instead of creating a SIM. */
  readonly adopt?: string | undefined;
  /** Whether the user allows a new SIM although an earlier run may have created one. */
  readonly createAnother?: boolean;
  /** The IDs of SIMs in other files, which cannot be the SIM of an interrupted run. */
  readonly known?: ReadonlySet<string>;
}

export interface BootstrapPorts extends SignInPorts<BootstrapApi> {
  readonly files: Files;
  readonly journals: Journals;
  createKeyPair(): KeyPair;
  /** Computes the public key of an X25519 private key. */
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  /** Returns the time in Unix milliseconds. */
  now(): number;
  /** Asks the user which of these SIMs to use; absent without a terminal. */
  chooseSim?(sims: readonly LostSim[], since: number): Promise<SimChoice>;
  /**
   * Asks the user to confirm the creation of a SIM, which is billed; absent in a script.
   * @param summary properties of the new SIM, as names and values
   */
  confirmSim?(summary: readonly (readonly [name: string, value: string])[]): Promise<boolean>;
}

/** A SIM that an earlier, interrupted run may have created. */
export interface LostSim {
  readonly simId: string;
  /** Unix milliseconds; undefined if SORACOM does not return it. */
  readonly createdTime: number | undefined;
  /** The SIM's name; empty if it has none. */
  readonly name: string;
  /** Whether the SIM is older than the request. If so, it probably belongs to another device. */
  readonly isEarlier: boolean;
}

/** The ID of the chosen SIM, or what to do instead. */
export type SimChoice = { readonly simId: string } | 'create-another' | 'nothing';

export interface BootstrapResult {
  readonly simId: string;
  /** Absolute path of the written file. */
  readonly path: string;
  /** Whether a SIM was created. If false, an existing SIM got a new session or key. */
  readonly created: boolean;
  /** Remarks and failed optional steps, as sentences. */
  readonly notes: readonly string[];
}

/** The context of a run after sign-in. */
export interface SignedInRun {
  readonly options: BootstrapAuthkeyOptions;
  readonly ports: BootstrapPorts;
  readonly api: BootstrapApi;
  /** The API endpoint that the credentials specify. */
  readonly endpoint: string;
  /** The profile to store in each arc.json, if requested. */
  readonly profile: ArcProfile | undefined;
}

/** State shared by the steps of a run; `sim-run.ts` defines their order. */
export interface SimRun extends SignedInRun {
  readonly existing: ArcConfig | undefined;
  readonly journal: SimJournal;
  /** The current content of arc.json, or the content about to be written. */
  config: ArcConfig | undefined;
  /** The ID of the SIM that gets a new key, instead of creating a SIM. */
  adopt: string | undefined;
  /** Whether this run, or the interrupted run that it resumes, created the SIM. */
  created: boolean;
  /** Writes the given configuration to arc.json. */
  readonly write: (config: ArcConfig) => Promise<void>;
  /** Absolute path of the session file, if arc.json could not be updated. */
  keptIn: string | undefined;
  readonly notes: string[];
}
