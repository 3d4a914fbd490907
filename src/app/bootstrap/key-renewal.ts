/**
 * Gives a virtual SIM a key pair that is made here. Its private key is in the journal before the
 * platform hears of the public one, for from then on no other opens the tunnel; it never leaves
 * this machine.
 */
import type { ArcConfig } from '../../arc-config/arc-config.js';
import type { Journal, Journals } from '../../ports/journals.js';
import { formatKey, parseKey } from '../../arc-config/value-syntax.js';
import type { KeyPair } from '../../lib/secrets/key-pair.js';
import { Secret } from '../../lib/secrets/secret.js';
import { UserError } from '../../lib/user-error.js';
import { ApiError } from '../../soracom/api-error.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import { readSession, withSession } from '../session/arc-session.js';
import { addStep, endJournal, startJournal, type RenewKeyStep } from './sim-journal.js';

export type RenewalApi = Pick<SoracomApi, 'renewArcSimCredentials' | 'createArcSession'>;

/** Where the changed configuration goes; it is called once with the new key, then with the session. */
export type WriteConfig = (config: ArcConfig) => Promise<void>;

/** Where a renewal keeps its journal. */
export interface RenewalPlace {
  readonly journals: Journals;
  /** The arc.json beside which it stands. */
  readonly path: string;
  /** What has to be asked once the journal keeps others away; it rejects where nothing may be done. */
  readonly beforeCall?: (journal: Journal) => Promise<void>;
}

export function renewKeyStep(simId: string, { privateKey, publicKey }: KeyPair): RenewKeyStep {
  return {
    step: 'renew-key',
    simId,
    privateKey: formatKey(privateKey.expose()),
    publicKey: formatKey(publicKey),
  };
}

/**
 * With a journal of its own, beside the file at `path`.
 *
 * @param config the SIM's, whose key is replaced
 * @param write has to have the text on the disk when it resolves
 * @throws as `renewKeyWithin`; UserError when another run has begun meanwhile. No journal stays when
 *   the platform refuses.
 */
export async function renewKeyAlone(
  config: ArcConfig,
  keyPair: KeyPair,
  { journals, path, beforeCall }: RenewalPlace,
  api: RenewalApi,
  write: WriteConfig,
): Promise<ArcConfig> {
  const entry = renewKeyStep(config.simId, keyPair);
  const journal = await startJournal(journals, path, entry);
  await beforeCall?.(journal);
  return endingWhenRefused(journal, () => startRenewal(config, entry, journal, api, write));
}

/**
 * As the last step of a run whose journal is of no use any more when the platform refuses.
 * @throws as `renewKeyWithin`
 */
export function renewSimKey(
  config: ArcConfig,
  keyPair: KeyPair,
  journal: Journal,
  api: RenewalApi,
  write: WriteConfig,
): Promise<ArcConfig> {
  return endingWhenRefused(journal, () => renewKeyWithin(config, keyPair, journal, api, write));
}

/**
 * As a step of a run whose journal tells of more.
 *
 * @throws ApiError when the platform refuses: the old key holds then, and the journal says so;
 *   UserError when the answer was lost, or when the key is renewed and something else is missing
 */
export async function renewKeyWithin(
  config: ArcConfig,
  keyPair: KeyPair,
  journal: Journal,
  api: RenewalApi,
  write: WriteConfig,
): Promise<ArcConfig> {
  const entry = renewKeyStep(config.simId, keyPair);
  await addStep(journal, entry);
  return startRenewal(config, entry, journal, api, write);
}

/** Tells the platform of a key for the first time. */
async function startRenewal(
  config: ArcConfig,
  entry: RenewKeyStep,
  journal: Journal,
  api: RenewalApi,
  write: WriteConfig,
): Promise<ArcConfig> {
  try {
    return await renew(config, entry, journal, api, write);
  } catch (error) {
    if (isRefusedRenewal(error)) {
      // What the platform says matters more; without this line the next run asks again.
      const refused = { step: 'renewal-refused', simId: entry.simId } as const;
      await addStep(journal, refused).catch(() => undefined);
      throw error;
    }
    throw error instanceof ApiError ? maybeRenewed(entry.simId, journal, error) : error;
  }
}

/** There was no answer, or none that tells: the old key may be dead by now. */
function maybeRenewed(simId: string, journal: Journal, error: ApiError): UserError {
  const text = {
    what: error.what,
    why: error.why,
    next: [
      ...error.next,
      `SIM ${simId} may have the new key by now, and the old one may be of no use. The new one is safe in ${journal.path}: run the same command again, and it goes on from here.`,
    ],
  };
  return new UserError(error.kind, text, { cause: error });
}

async function endingWhenRefused<T>(journal: Journal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isRefusedRenewal(error)) await endJournal(journal).catch(() => undefined);
    throw error;
  }
}

/**
 * The renewal that an earlier run has announced in its journal; with one key it is the same however
 * often it is asked. A refusal says nothing of whether that run was refused, too: the journal stays.
 *
 * @throws as `renewKeyWithin`
 */
export async function finishRenewal(
  config: ArcConfig,
  entry: RenewKeyStep,
  journal: Journal,
  api: RenewalApi,
  write: WriteConfig,
): Promise<ArcConfig> {
  try {
    return await renew(config, entry, journal, api, write);
  } catch (error) {
    if (!isRefusedRenewal(error)) throw error;
    const text = {
      what: `cannot finish the new key of SIM ${entry.simId} that an earlier run began`,
      why: `${error.what}: ${error.why}`,
      next: [
        ...error.next,
        `${journal.path} holds that key, which the SIM may have by now: delete it only when the SIM is gone or its key is renewed elsewhere.`,
      ],
    };
    throw new UserError('api', text, { cause: error });
  }
}

async function renew(
  config: ArcConfig,
  entry: RenewKeyStep,
  journal: Journal,
  api: RenewalApi,
  write: WriteConfig,
): Promise<ArcConfig> {
  const renewed = { ...config, ...keysOf(entry), simId: entry.simId };
  await api.renewArcSimCredentials(entry.simId, entry.publicKey);
  await writeKey(renewed, journal, write);
  const whole = await addSession(renewed, api, write);
  await endJournal(journal);
  return whole;
}

/**
 * A definite no to the new key, after which the SIM is as it was. A redirect is none: behind it may
 * stand the result of what was done (RFC 9110 15.4.4). Nor is a 429, nor anything that follows a 5xx: the key may be renewed by then.
 */
export function isRefusedRenewal(error: unknown): error is ApiError {
  if (!(error instanceof ApiError) || error.failure !== 'refused') return false;
  const { status = 0, mayBeDone } = error;
  return !mayBeDone && status >= 400 && status < 500 && status !== 429;
}

/** From here on no other key opens the tunnel. */
async function writeKey(config: ArcConfig, journal: Journal, write: WriteConfig): Promise<void> {
  try {
    await write(config);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const text = {
      what: `SIM ${config.simId} has a new key, but its arc.json could not be written`,
      why: `${error.what}: ${error.why}`,
      next: [
        `The key is safe in ${journal.path}. Mend the cause, then run the same command again: it goes on from here.`,
      ],
    };
    throw new UserError(error.kind, text, { cause: error });
  }
}

async function addSession(
  config: ArcConfig,
  api: RenewalApi,
  write: WriteConfig,
): Promise<ArcConfig> {
  try {
    const session = readSession(await api.createArcSession(config.simId), config.simId);
    const whole = withSession(config, session);
    await write(whole);
    return whole;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const text = {
      what: `the key of SIM ${config.simId} is renewed and written, but it has no new session`,
      why: `${error.what}: ${error.why}`,
      next: [...error.next, 'Run the same command again: it goes on from here.'],
    };
    throw new UserError(error.kind, text, { cause: error });
  }
}

function keysOf(entry: RenewKeyStep): Pick<ArcConfig, 'privateKey' | 'publicKey'> {
  const privateKey = parseKey(entry.privateKey);
  const publicKey = parseKey(entry.publicKey);
  if (privateKey !== undefined && publicKey !== undefined) {
    return { privateKey: new Secret(privateKey), publicKey };
  }
  throw new UserError('failed', {
    what: `cannot go on with the new key of SIM ${entry.simId}`,
    why: 'the journal of the earlier run holds no key',
  });
}
