/** Gives the SIM of an arc.json a locally generated key pair, and writes the pair to the file. */
import { SKELETON_SIM_ID, type ArcConfig } from '../../arc-config/arc-config.js';
import { readArcConfig, writeArcConfig } from '../../arc-config/arc-config-file.js';
import { requireFile } from '../../arc-config/config-source.js';
import { FileError, type Files } from '../../ports/files.js';
import type { Journals } from '../../ports/stores/journals.js';
import type { KeyPair } from '../../lib/secrets/key-pair.js';
import { UserError } from '../../lib/errors/user-error.js';
import { commandFor } from '../../lib/text/config-name.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import type { KeyClaims } from '../../ports/key-claims.js';
import { proveTargetWritable } from '../bootstrap/bootstrap-target.js';
import { findSimHolder } from '../up/claim-sim.js';
import { keylessArcConfig } from '../bootstrap/fresh-arc-config.js';
import { finishRenewal, renewKey, renewKeyStep } from '../bootstrap/key-renewal.js';
import { settleSessionState, type StateHome } from '../session/session-state.js';
import { signedIn, type SignInPorts } from '../credentials/signed-in.js';
import { SimJournal } from '../bootstrap/sim-journal.js';
import { requireSimId } from './sim-target.js';

export type RenewKeyApi = Pick<
  SoracomApi,
  'auth' | 'logout' | 'renewArcSimCredentials' | 'createArcSession'
>;

export interface RenewKeyOptions {
  /** The SIM's ID; defaults to the ID in arc.json, and is required if arc.json does not exist. */
  readonly simId?: string | undefined;
  readonly path: string;
  /** `process.platform`, which determines the interface name in a new arc.json. */
  readonly platform: string;
  /** Whether to continue if a tunnel with the old key is running on this machine. */
  readonly yes: boolean;
}

export interface RenewKeyPorts extends SignInPorts<RenewKeyApi>, StateHome {
  readonly journals: Journals;
  readonly claims: KeyClaims;
  createKeyPair(): KeyPair;
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  /**
   * Asks whether to disconnect the tunnel that is running on this machine; absent without a
   * terminal.
   *
   * @param holder a clause that names the process that is using the SIM
   */
  confirm?(holder: string): Promise<boolean>;
}

export interface RenewedKey {
  readonly simId: string;
  /** Absolute path of arc.json. */
  readonly path: string;
  readonly notes: readonly string[];
}

/**
 * Writes the private key to a journal next to arc.json before SORACOM gets the public key. If an
 * earlier run was interrupted, finishes its renewal instead.
 *
 * @throws UserError of kind `usage`, `configuration`, `permission` or `failed` before any change;
 * MissingCredentialsError; errors of `renewKey` and `finishRenewal`
 */
export async function renewKeyOfSim(
  options: RenewKeyOptions,
  ports: RenewKeyPorts,
  signal?: AbortSignal,
): Promise<RenewedKey> {
  const { files } = ports;
  const config = await readTarget(options, files);
  const journal = await SimJournal.open(ports.journals, options.path);
  const isInterrupted = journal.line !== 'none';
  if (isInterrupted) refuseOtherWork(config.simId, journal, options.path);
  await proveTargetWritable(files, options.path);
  if (!options.yes) await requireConsent(config, ports);

  return signedIn(config.profile, ports, signal, async (api) => {
    ports.onStep?.(`Giving SIM ${config.simId} a new key`);
    const write = (renewed: ArcConfig) => writeArcConfig(files, options.path, renewed);
    const renewal = { config, journal, api, write };
    if (!isInterrupted) await journal.add(renewKeyStep(config.simId, ports.createKeyPair()));
    const renewed = isInterrupted
      ? await finishRenewal(renewal)
      : await renewKey(renewal, 'journal-ends');
    await settleSessionState(renewed, ports);
    const notes = [
      ...(isInterrupted ? ['The new key was created by an earlier, interrupted run.'] : []),
      'The old key no longer works: restart any tunnel that is using it.',
    ];
    return { simId: renewed.simId, path: files.absolute(options.path), notes };
  });
}

/**
 * Asks the user first if a process is using the SIM, because replacing the old key ends its tunnel.
 */
async function requireConsent(config: ArcConfig, ports: RenewKeyPorts): Promise<void> {
  const publicKey = ports.publicKeyOf(config.privateKey.expose());
  const holder = (await findSimHolder(publicKey, ports.claims))?.clause;
  if (holder === undefined) return;
  if (ports.confirm === undefined) {
    throw refusal('usage', `${holder}, and a new key would stop its tunnel`, [
      'The key was not renewed.',
      'Stop that process first, or add --yes and restart the process afterwards.',
    ]);
  }
  if (await ports.confirm(holder)) return;
  throw refusal('failed', `${holder}, and you did not answer "yes"`, [
    'The key was not renewed.',
    'Stop that process first, or answer "yes".',
  ]);
}

/** Reads arc.json. If arc.json does not exist, builds a new configuration for a given SIM ID. */
async function readTarget(
  { simId, path, platform }: RenewKeyOptions,
  files: Files,
): Promise<ArcConfig> {
  if (simId !== undefined) requireSimId(simId);
  requireFile(path, 'cannot renew the key');
  try {
    const config = await readArcConfig(files, path);
    requireNamedSim(config, simId, files.absolute(path));
    return config;
  } catch (error) {
    if (simId === undefined || !isAbsence(error)) throw error;
    return keylessArcConfig(simId, { platform });
  }
}

function isAbsence(error: unknown): boolean {
  if (!(error instanceof UserError)) return false;
  return error.cause instanceof FileError && error.cause.failure === 'absent';
}

function requireNamedSim(config: ArcConfig, named: string | undefined, place: string): void {
  if (config.simId === '' || config.simId === SKELETON_SIM_ID) {
    throw refusal('configuration', `${place} does not contain a SIM ID`, [
      'Add the simId of the virtual SIM, as shown by `arctun sim list`.',
    ]);
  }
  if (named !== undefined && named !== config.simId) {
    throw refusal('usage', `${place} belongs to SIM ${config.simId}, not to SIM ${named}`, [
      'Use --config to choose the arc.json of that SIM, or a new file if that SIM has no arc.json yet.',
    ]);
  }
  requireSimId(config.simId);
}

/** Refuses bootstrap's journal, because only bootstrap can find out whether a SIM was created. */
function refuseOtherWork(simId: string, { path, progress }: SimJournal, config: string): void {
  const { createSim, created, renewKey } = progress;
  if (createSim !== undefined || created !== undefined) {
    throw refusal('failed', `an earlier bootstrap was interrupted (${path})`, [
      `Run \`${commandFor('bootstrap authkey', config)}\` first to finish that bootstrap.`,
    ]);
  }
  if (renewKey === undefined || renewKey.simId === simId) return;
  throw refusal(
    'configuration',
    `${path} holds a key that an interrupted run created for SIM ${renewKey.simId}, but this run is for SIM ${simId}`,
    ['Restore the arc.json of that SIM and retry, or delete the journal to discard the key in it.'],
  );
}

function refusal(
  kind: 'usage' | 'configuration' | 'failed',
  why: string,
  next: readonly string[],
): UserError {
  return new UserError(kind, { what: 'cannot renew the key', why, next });
}
