/** Terminates a virtual SIM permanently, which ends its billing. */
import { parseKey } from '../../arc-config/value-syntax.js';
import { UserError } from '../../lib/errors/user-error.js';
import { ApiError } from '../../soracom/api-error.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import type { KeyClaims } from '../../ports/key-claims.js';
import { findSimHolder } from '../up/claim-sim.js';
import type { StateHome } from '../session/session-state.js';
import { signedIn, type SignInPorts } from '../credentials/signed-in.js';
import {
  isVirtualSim,
  summariseSim,
  type SimSummary,
  requireSim,
  simPublicKey,
} from './sim-summary.js';
import { findSimTarget, type SimTarget } from './sim-target.js';
import { isForbidden } from './virtual-sims.js';

export type TerminateApi = Pick<
  SoracomApi,
  'auth' | 'logout' | 'getSim' | 'enableSimTermination' | 'terminateSim'
>;

export interface TerminateSimOptions {
  /** The SIM ID; defaults to the SIM of arc.json. */
  readonly simId?: string | undefined;
  /** The value of `--config`; undefined to use no arc.json. */
  readonly config: string | undefined;
  /** Whether to terminate without confirmation. */
  readonly yes?: boolean;
}

export interface TerminateSimPorts extends SignInPorts<TerminateApi>, StateHome {
  /** Asks the user to confirm the termination; absent if not interactive. */
  confirm?(sim: SimSummary): Promise<boolean>;
  /**
   * Called with the SIM that is about to be terminated.
   * @param holder names the process on this machine that is using the SIM, if any
   */
  onSim?(sim: SimSummary, holder: string | undefined): void;
  readonly claims: KeyClaims;
}

export interface TerminatedSim {
  readonly simId: string;
  readonly name: string;
  /** Whether the SIM was terminated before this run. */
  readonly alreadyTerminated: boolean;
  readonly notes: readonly string[];
}

/**
 * @throws UserError of kind `usage` if confirmation is impossible, or for a physical SIM; errors of
 * `findSimTarget`
 * @throws UserError of kind `failed` if the user declines; MissingCredentialsError, ApiError
 */
export async function terminateSim(
  options: TerminateSimOptions,
  ports: TerminateSimPorts,
  signal?: AbortSignal,
): Promise<TerminatedSim> {
  if (!options.yes && ports.confirm === undefined) throw needsWord();
  const target = await findSimTarget(options.simId, options.config, ports);
  return signedIn(target.profile, ports, signal, async (api) => {
    ports.onStep?.(`Reading SIM ${target.simId}`);
    const { sim, note } = await readSim(target.simId, api);
    const notes = [...target.notes, ...(note === undefined ? [] : [note])];
    const done = {
      simId: sim.simId,
      name: sim.name,
      alreadyTerminated: sim.status === 'terminated',
    };
    if (!done.alreadyTerminated) {
      const publicKey = parseKey(sim.publicKey ?? '') ?? target.arcConfig?.config.publicKey;
      ports.onSim?.(sim, publicKey && (await findSimHolder(publicKey, ports.claims))?.clause);
      if (!options.yes && !(await ports.confirm?.(sim))) throw declined(sim.simId);
      ports.onStep?.(`Terminating SIM ${sim.simId}`);
      await endSim(target.simId, sim.terminationEnabled, api);
    }
    return { ...done, notes: [...notes, ...uselessConfig(target)] };
  });
}

interface SimToTerminate extends SimSummary {
  readonly terminationEnabled: boolean | undefined;
  readonly publicKey?: string | undefined;
}

/** Reads the SIM if permitted; a user may be permitted to terminate SIMs but not to read them. */
async function readSim(
  simId: string,
  api: TerminateApi,
): Promise<{ sim: SimToTerminate; note?: string }> {
  try {
    const answer = requireSim(await api.getSim(simId), simId);
    if (!isVirtualSim(answer)) throw physicalSim(simId);
    const { terminationEnabled } = answer;
    const publicKey = simPublicKey(answer);
    return { sim: { ...summariseSim(answer), terminationEnabled, publicKey } };
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const sim = { ...summariseSim(UNREAD), simId, terminationEnabled: undefined };
    return {
      sim,
      note: `SIM ${simId} could not be read before its termination, because reading it requires Sim:getSim.`,
    };
  }
}

const UNREAD = { simId: '' };

/**
 * Removes the termination protection, if any, and terminates the SIM.
 *
 * @param isUnprotected undefined if unknown
 * @throws ApiError; UserError that also explains why the protection could not be removed
 */
export async function endSim(
  simId: string,
  isUnprotected: boolean | undefined,
  api: Pick<SoracomApi, 'enableSimTermination' | 'terminateSim'>,
): Promise<void> {
  const refusal = isUnprotected ? undefined : await removeProtection(simId, api);
  try {
    await api.terminateSim(simId);
  } catch (error) {
    if (isLost(error)) {
      throw error.withAdvice(`Try again to check: SIM ${simId} may already be terminated.`);
    }
    if (refusal === undefined || !(error instanceof UserError)) throw error;
    throw new UserError(error.kind, {
      what: error.what,
      why: `${error.why}; the termination protection of the SIM could not be removed (${refusal.why})`,
      next: [...new Set([...error.next, ...refusal.next])],
      cause: error,
    });
  }
}

/** True if the response is missing, or does not show whether the SIM was terminated. */
function isLost(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.failure !== 'refused' || (error.status ?? 0) >= 500);
}

/**
 * @returns the refusal if the user may not remove the protection; the caller still tries to
 * terminate the SIM
 */
async function removeProtection(
  simId: string,
  api: Pick<SoracomApi, 'enableSimTermination'>,
): Promise<ApiError | undefined> {
  try {
    await api.enableSimTermination(simId);
    return undefined;
  } catch (error) {
    if (isForbidden(error)) return error;
    throw error;
  }
}

function uselessConfig({ arcConfig }: SimTarget): readonly string[] {
  if (arcConfig === undefined) return [];
  return [`${arcConfig.source} is unchanged, but no longer works.`];
}

function needsWord(): UserError {
  return new UserError('usage', {
    what: 'cannot terminate the SIM',
    why: 'termination is final and must be confirmed, but no terminal is available',
    next: ['The SIM was not terminated.', 'Add --yes to confirm.'],
  });
}

function declined(simId: string): UserError {
  return new UserError('failed', {
    what: `SIM ${simId} was not terminated`,
    why: 'you did not type the expected word',
    next: ['Try again, and type exactly the text in parentheses.'],
  });
}

function physicalSim(simId: string): UserError {
  return new UserError('usage', {
    what: 'cannot terminate the SIM',
    why: `SIM ${simId} is not a virtual SIM`,
    next: ['Use the user console to terminate a physical SIM.'],
  });
}
