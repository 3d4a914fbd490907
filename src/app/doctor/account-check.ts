/** Compares arc.json with the SIM and the session that SORACOM reports, if credentials exist. */
import { SKELETON_SIM_ID } from '../../arc-config/arc-config.js';
import { untilAborted } from '../../lib/waits.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { MissingCredentialsError } from '../credentials/missing-credentials.js';
import { signedIn } from '../credentials/signed-in.js';
import { diagnoseSim, type FindingKind } from '../sim/diagnose-sim.js';
import { requireSim } from '../sim/sim-summary.js';
import { isForbidden } from '../sim/virtual-sims.js';
import { type Check, failed, ok, skipped } from './check.js';
import type { DoctorPorts } from './doctor-ports.js';

/** How long to wait for all calls together, in milliseconds. */
const TIMEOUT = 8_000;

/** What each finding means for the tunnel. The check of the keys reports `public-key`. */
const TEXTS: Readonly<Record<Exclude<FindingKind, 'public-key'>, string>> = {
  terminated: 'The SIM is terminated.',
  'no-private-key': 'The private key of the SIM is missing.',
  'other-key': 'The SIM has another key.',
  'no-session': 'The session of the SIM has ended.',
  'other-session': 'The SIM has another session.',
};

export interface CheckedAccount {
  readonly check: Check;
  /** Undefined if SORACOM agrees, or was not asked. */
  readonly finding?: FindingKind | undefined;
}

export async function checkAccount(
  arcConfig: LoadedArcConfig,
  signal: AbortSignal,
  ports: Pick<DoctorPorts, 'account' | 'crypto'>,
): Promise<CheckedAccount> {
  const { simId, profile } = arcConfig.config;
  if (simId === '' || simId === SKELETON_SIM_ID) {
    return { check: skipped('sim', `${arcConfig.source} does not contain a simId`) };
  }
  const timeout = AbortSignal.timeout(TIMEOUT);
  const either = AbortSignal.any([signal, timeout]);
  try {
    // A command of a profile that hangs does not know the time limit.
    const asking = signedIn(profile, ports.account, either, (api) => api.getSim(simId));
    const answer = await untilAborted(asking, either);
    const publicKeyOf = (key: Uint8Array) => ports.crypto.publicKey(key);
    const findings = diagnoseSim(requireSim(answer, simId), arcConfig, publicKeyOf);
    return resultOf(findings, simId);
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) return { check: LATE };
    if (error instanceof MissingCredentialsError) return { check: NO_CREDENTIALS };
    if (!isForbidden(error)) throw error;
    return { check: skipped('sim', 'the credentials do not have the permission Sim:getSim') };
  }
}

const NO_CREDENTIALS = skipped('sim', 'no credentials for the SORACOM API');

const LATE = skipped('sim', `the SORACOM API did not answer within ${TIMEOUT / 1000} s`);

function resultOf(findings: ReturnType<typeof diagnoseSim>, simId: string): CheckedAccount {
  const [first] = findings.filter(({ kind }) => kind !== 'public-key');
  if (first === undefined) {
    return { check: ok('sim', `SIM ${simId} is active, with the key and session of arc.json.`) };
  }
  const { kind, problem, next } = first;
  const text = kind === 'public-key' ? problem : TEXTS[kind];
  const check = failed('sim', { kind: 'tunnel', text, cause: problem, remedy: next });
  return { check, finding: kind };
}
