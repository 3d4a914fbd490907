/**
 * Gives a virtual SIM a key pair that is made here. Its private key is in the journal before the
 * platform hears of the public one, for from then on no other opens the tunnel; it never leaves
 * this machine.
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
  /** The SIM's, whose key is replaced. */
  readonly config: ArcConfig;
  /** The new key is the one that it tells of. */
  readonly journal: SimJournal;
  readonly api: Pick<SoracomApi, 'renewArcSimCredentials' | 'createArcSession'>;
  /** Called once with the new key, then with the session. The text is on the disk when it resolves. */
  readonly write: (config: ArcConfig) => Promise<void>;
}

/** The journal's line for a new key. */
export function renewKeyStep(simId: string, { privateKey, publicKey }: KeyPair): RenewKeyStep {
  return {
    step: 'renew-key',
    simId,
    privateKey: formatKey(privateKey.expose()),
    publicKey: formatKey(publicKey),
  };
}

/**
 * For a key that this run has put into the journal. The journal ends when all is done.
 *
 * @param ifRefused what becomes of the journal then: it stays if it tells of more than this key
 * @throws ApiError when the platform refuses: the old key holds then, and the journal says so;
 *   UserError when the answer was lost, or when the key is renewed and something else is missing
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
      // What the platform says matters more; without this line the next run asks again.
      await journal.add({ step: 'renewal-refused', simId }).catch(() => undefined);
      if (ifRefused === 'journal-ends') await journal.end().catch(() => undefined);
      throw error;
    }
    if (!(error instanceof ApiError)) throw error;
    // There was no answer, or none that tells: the old key may be dead by now.
    throw retold(error, [
      ...error.next,
      `SIM ${simId} may have the new key by now, and the old one may be of no use. The new one is safe in ${journal.path}: run the same command again, and it goes on from here.`,
    ]);
  }
}

/**
 * For a key that an earlier run has put into the journal; with one key a renewal is the same however
 * often it is asked. A refusal says nothing of whether that run was refused, too: the journal stays.
 *
 * @throws UserError; ApiError when the answer was lost
 */
export async function finishRenewal(renewal: Renewal): Promise<ArcConfig> {
  const { journal } = renewal;
  try {
    return await renew(renewal);
  } catch (error) {
    if (!isRefusedRenewal(error)) throw error;
    const next = [
      ...error.next,
      `${journal.path} holds that key, which the SIM may have by now: delete it only when the SIM is gone or its key is renewed elsewhere.`,
    ];
    const { simId } = journal.key;
    throw retold(
      error,
      next,
      `cannot finish the new key of SIM ${simId} that an earlier run began`,
    );
  }
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

async function renew({ config, journal, api, write }: Renewal): Promise<ArcConfig> {
  const entry = journal.key;
  const { simId } = entry;
  const renewed = { ...config, ...parseKeys(entry), simId };
  await api.renewArcSimCredentials(simId, entry.publicKey);
  // From here on no other key opens the tunnel.
  try {
    await write(renewed);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const next = `The key is safe in ${journal.path}. Mend the cause, then run the same command again: it goes on from here.`;
    throw retold(
      error,
      [next],
      `SIM ${simId} has a new key, but its arc.json could not be written`,
    );
  }
  const whole = await addSession(renewed, api, write, {
    what: `the key of SIM ${simId} is renewed and written, but it has no new session`,
    next: 'Run the same command again: it goes on from here.',
  });
  await journal.end();
  return whole;
}

/**
 * Asks for a session and writes it.
 * @throws UserError when there is none, or it could not be written: what is missing, what to do next
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
    what: `cannot go on with the new key of SIM ${entry.simId}`,
    why: 'the journal of the earlier run holds no key',
  });
}

/**
 * The same failure with what it means for the SIM.
 *
 * @param next what to do, in place of the failure's own
 * @param what goes before the failure's own words when given
 */
export function retold(error: UserError, next: readonly string[], what?: string): UserError {
  const text =
    what === undefined
      ? { what: error.what, why: error.why, next }
      : { what, why: `${error.what}: ${error.why}`, next };
  return new UserError(error.kind, text, { cause: error });
}
