/**
 * Gives a virtual SIM a key pair that is generated locally. The private key never leaves this
 * machine. The key is written to the journal before SORACOM receives the public key, because after
 * that only the new key works.
 */
import type { ArcConfig } from '../../arc-config/arc-config.js';
import { formatKey, parseKey } from '../../arc-config/value-syntax.js';
import type { KeyPair } from '../../lib/secrets/key-pair.js';
import { Secret } from '../../lib/secrets/secret.js';
import { UserError } from '../../lib/errors/user-error.js';
import { ApiError } from '../../soracom/api-error.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import { readSession, withSession } from '../session/arc-session.js';
import type { RenewKeyStep, SimJournal } from './sim-journal.js';

export interface Renewal {
  /** The configuration of the SIM whose key is replaced. */
  readonly config: ArcConfig;
  readonly journal: SimJournal;
  readonly api: Pick<SoracomApi, 'renewArcSimCredentials' | 'createArcSession'>;
  /** Called with the new key, then with the session. Resolves when the file is saved to disk. */
  readonly write: (config: ArcConfig) => Promise<void>;
}

/** Returns the journal entry for a new key pair. */
export function renewKeyStep(simId: string, { privateKey, publicKey }: KeyPair): RenewKeyStep {
  return {
    step: 'renew-key',
    simId,
    privateKey: formatKey(privateKey.expose()),
    publicKey: formatKey(publicKey),
  };
}

/**
 * Renews the SIM's key with the pair that this run wrote to the journal, then removes the journal.
 *
 * @param ifRefused whether a refusal removes the journal; false if the journal contains other
 * entries
 * @throws ApiError if SORACOM refuses: the old key stays valid, and the journal records the refusal
 * @throws UserError if the response was lost, or if a step after the renewal failed
 */
export async function renewKey(
  renewal: Renewal,
  ifRefused: 'journal-ends' | 'journal-stays',
): Promise<ArcConfig> {
  const { journal } = renewal;
  const { simId } = journal.key;
  try {
    return await renew(renewal);
  } catch (error) {
    if (isRefusedRenewal(error)) {
      // Ignore a failed write, because the API error matters more; the next run resends the key.
      await journal.add({ step: 'renewal-refused', simId }).catch(() => undefined);
      if (ifRefused === 'journal-ends') await journal.end().catch(() => undefined);
      throw error;
    }
    if (!(error instanceof ApiError)) throw error;
    // The response is missing or inconclusive, so the old key may no longer work.
    throw retold(error, [
      ...error.next,
      `Try again to continue. SIM ${simId} may already have the new key, which is safe in ${journal.path}. The old key may no longer work.`,
    ]);
  }
}

/**
 * Finishes an earlier run's renewal from the journal. Sending the same key again is safe. After a
 * refusal the journal stays, because the earlier request may have succeeded.
 *
 * @throws UserError; ApiError if the response was lost
 */
export async function finishRenewal(renewal: Renewal): Promise<ArcConfig> {
  const { journal } = renewal;
  try {
    return await renew(renewal);
  } catch (error) {
    if (!isRefusedRenewal(error)) throw error;
    const next = [
      ...error.next,
      `Keep ${journal.path}: the SIM may already be using the key in this file. Delete the file only if the SIM no longer exists or its key was renewed elsewhere.`,
    ];
    const { simId } = journal.key;
    throw retold(
      error,
      next,
      `cannot finish the key renewal that an earlier run started for SIM ${simId}`,
    );
  }
}

/**
 * True if SORACOM definitely refused the new key. These errors do not rule out that the key was
 * renewed: a redirect, whose target may be the result of a completed request (RFC 9110 15.4.4), a
 * 429, and an error that follows a 5xx.
 */
export function isRefusedRenewal(error: unknown): error is ApiError {
  if (!(error instanceof ApiError) || error.failure !== 'refused') return false;
  const { status = 0, mayBeDone } = error;
  return !mayBeDone && status >= 400 && status < 500 && status !== 429;
}

async function renew({ config, journal, api, write }: Renewal): Promise<ArcConfig> {
  const entry = journal.key;
  const { simId } = entry;
  const renewed = { ...config, ...parseKeys(entry), simId };
  await api.renewArcSimCredentials(simId, entry.publicKey);
  // From this point on, only the new key works.
  try {
    await write(renewed);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const next = `Fix the cause, then try again to continue. The key is safe in ${journal.path}.`;
    throw retold(
      error,
      [next],
      `SIM ${simId} has a new key, but its arc.json could not be written`,
    );
  }
  const whole = await addSession(renewed, api, write, {
    what: `the key of SIM ${simId} was renewed and saved, but the SIM has no new session`,
    next: 'Try again to continue.',
  });
  await journal.end();
  return whole;
}

/**
 * Creates a session and writes it.
 * @throws UserError that says what is missing and what to do next, if either step fails
 */
export async function addSession(
  config: ArcConfig,
  api: Pick<SoracomApi, 'createArcSession'>,
  write: Renewal['write'],
  { what, next }: { readonly what: string; readonly next: string },
): Promise<ArcConfig> {
  try {
    const session = readSession(await api.createArcSession(config.simId), config.simId);
    const whole = withSession(config, session);
    await write(whole);
    return whole;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw retold(error, [...error.next, next], what);
  }
}

function parseKeys(entry: RenewKeyStep): Pick<ArcConfig, 'privateKey' | 'publicKey'> {
  const privateKey = parseKey(entry.privateKey);
  const publicKey = parseKey(entry.publicKey);
  if (privateKey !== undefined && publicKey !== undefined) {
    return { privateKey: new Secret(privateKey), publicKey };
  }
  throw new UserError('failed', {
    what: `cannot continue the key renewal for SIM ${entry.simId}`,
    why: 'the journal of the earlier run does not contain a valid key',
  });
}

/**
 * Rewrites an error to explain the state of the SIM.
 *
 * @param next what to do, replacing the error's own advice
 * @param what replaces the first line, which then moves to the explanation
 */
export function retold(error: UserError, next: readonly string[], what?: string): UserError {
  const text =
    what === undefined
      ? { what: error.what, why: error.why }
      : { what, why: `${error.what}: ${error.why}` };
  return new UserError(error.kind, { ...text, next, cause: error });
}
