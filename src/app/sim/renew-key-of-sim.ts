/** Gives the SIM of an arc.json a key pair that is made here, and writes it there. */
import { SKELETON_SIM_ID, type ArcConfig } from '../../arc-config/arc-config.js';
import { readArcConfig, writeArcConfig } from '../../arc-config/arc-config-file.js';
import { resolveConfigSource } from '../../arc-config/config-source.js';
import { FileError, type Files } from '../../ports/files.js';
import type { Journals } from '../../ports/journals.js';
import type { KeyPair } from '../../lib/secrets/key-pair.js';
import { UserError } from '../../lib/errors/user-error.js';
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
  /** arc.json's when absent; where there is no arc.json, the SIM to make one for. */
  readonly simId?: string | undefined;
  /** The arc.json; its SIM's id is asked for nowhere else. */
  readonly path: string;
  /** `process.platform`, for the name of the interface in a new arc.json. */
  readonly platform: string;
  /** A tunnel with the old key may run on this machine. */
  readonly yes: boolean;
}

export interface RenewKeyPorts extends SignInPorts<RenewKeyApi>, StateHome {
  readonly journals: Journals;
  readonly claims: KeyClaims;
  createKeyPair(): KeyPair;
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  /**
   * Asks whether the tunnel that runs here may lose its key; undefined without a terminal.
   *
   * @param holder says which process uses the SIM
   */
  confirm?(holder: string): Promise<boolean>;
}

export interface RenewedKey {
  readonly simId: string;
  /** Absolute. */
  readonly path: string;
  readonly notes: readonly string[];
}

/**
 * The private key is on the disk, in a journal beside arc.json, before the platform hears of the
 * public one. A renewal that an earlier run did not finish is finished instead.
 *
 * @throws UserError of kind `usage`, `configuration`, `permission` or `failed` before anything was
 *   changed; MissingCredentialsError; as `renewKey` and `finishRenewal`
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
  if (isInterrupted) refuseOtherWork(config.simId, journal);
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
      ...(isInterrupted ? ['The new key is that of an earlier run, which was interrupted.'] : []),
      'The old key opens no tunnel any more: restart what runs with it.',
    ];
    return { simId: renewed.simId, path: files.absolute(options.path), notes };
  });
}

/** The old key ends at once, and with it the tunnel of a process that still has it. */
async function requireConsent(config: ArcConfig, ports: RenewKeyPorts): Promise<void> {
  const publicKey = ports.publicKeyOf(config.privateKey.expose());
  const holder = await findSimHolder(publicKey, ports.claims);
  if (holder === undefined) return;
  if (ports.confirm === undefined) {
    throw refusal('usage', `${holder}, and a new key ends its tunnel`, [
      'Stop that process first, or add --yes and restart it afterwards.',
    ]);
  }
  if (await ports.confirm(holder)) return;
  throw refusal('failed', `${holder}, and the question was not answered with "yes"`, [
    'Stop that process first, or answer with "yes".',
  ]);
}

/** What the file holds; something to begin with where there is none and a SIM is named. */
async function readTarget(
  { simId, path, platform }: RenewKeyOptions,
  files: Files,
): Promise<ArcConfig> {
  if (simId !== undefined) requireSimId(simId);
  if (resolveConfigSource(path).kind === 'inline') {
    throw refusal('usage', 'the configuration was given inline, and there is no file to write', [
      'Name a file with --config.',
    ]);
  }
  try {
    const config = await readArcConfig(files, path);
    requireNamedSim(config, simId, files.absolute(path));
    return config;
  } catch (error) {
    if (simId === undefined || !isAbsence(error)) throw error;
    return keylessArcConfig(simId, platform);
  }
}

function isAbsence(error: unknown): boolean {
  if (!(error instanceof UserError)) return false;
  return error.cause instanceof FileError && error.cause.failure === 'absent';
}

function requireNamedSim(config: ArcConfig, named: string | undefined, place: string): void {
  if (config.simId === '' || config.simId === SKELETON_SIM_ID) {
    throw refusal('configuration', `${place} holds no SIM's id`, [
      'Write the simId of its virtual SIM into it; `arctun sim list` shows it.',
    ]);
  }
  if (named !== undefined && named !== config.simId) {
    throw refusal('usage', `${place} is of SIM ${config.simId}, and SIM ${named} was named`, [
      'Name the arc.json of that SIM with --config; where there is none, a file to be made.',
    ]);
  }
  requireSimId(config.simId);
}

/** What bootstrap began only bootstrap can finish: it knows whether a SIM was created. */
function refuseOtherWork(simId: string, { path, progress }: SimJournal): void {
  const { createSim, created, renewKey } = progress;
  if (createSim !== undefined || created !== undefined) {
    throw refusal('failed', `an earlier bootstrap did not come to its end (${path})`, [
      'Run `arctun bootstrap authkey` first: it finishes that.',
    ]);
  }
  if (renewKey === undefined || renewKey.simId === simId) return;
  throw refusal(
    'configuration',
    `${path} holds a key of SIM ${renewKey.simId} that an earlier run did not finish, and SIM ${simId} is meant now`,
    ['Put the arc.json of that SIM back and run again, or delete the journal to lose its key.'],
  );
}

function refusal(
  kind: 'usage' | 'configuration' | 'failed',
  why: string,
  next: readonly string[],
): UserError {
  return new UserError(kind, { what: 'no key was renewed', why, next });
}
