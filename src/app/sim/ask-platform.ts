/** Asks SORACOM why a SIM's tunnel is not working, and which session the tunnel should use. */
import type { ArcSession } from '../../arc-config/arc-config.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import { readSession, readSessionOrNone } from '../session/arc-session.js';
import { type DiagnosedConfig, diagnoseSim, type Finding } from './diagnose-sim.js';
import type { Suspicion } from '../session/renewal-moments.js';
import { requireSim } from './sim-summary.js';
import { isForbidden } from './virtual-sims.js';

export type Verdict =
  /** Only the user can fix the problem. */
  | { readonly kind: 'needs-user'; readonly finding: Finding }
  /** The session that must replace the current one; `why` lists the differences between the two. */
  | { readonly kind: 'session'; readonly session: ArcSession; readonly why: readonly string[] }
  /** SORACOM has the same session as arc.json. */
  | { readonly kind: 'agrees' }
  /** The SIM's data cannot be read, and the server responds, so no new session was created. */
  | { readonly kind: 'unknown' };

/** Problems that a new session cannot fix. */
const NEEDS_USER = new Set<Finding['kind']>(['terminated', 'no-private-key', 'other-key']);

/**
 * Returns SORACOM's current session if one exists, and otherwise creates one. Replacing an existing
 * session would disconnect its other users. If the SIM's data cannot be read and the server is
 * silent, a new session is created, because no working session can be lost.
 *
 * @throws ApiError; UserError of kind `api` if a response is unusable
 */
export async function askPlatform(
  arcConfig: DiagnosedConfig,
  suspicion: Suspicion,
  api: Pick<SoracomApi, 'getSim' | 'createArcSession'>,
  publicKeyOf: (privateKey: Uint8Array) => Uint8Array,
): Promise<Verdict> {
  const { simId } = arcConfig.config;
  const create = async (why: readonly string[]): Promise<Verdict> => ({
    kind: 'session',
    session: readSession(await api.createArcSession(simId), simId),
    why,
  });
  let sim;
  try {
    sim = requireSim(await api.getSim(simId), simId);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    if (suspicion !== 'silent') return { kind: 'unknown' };
    return create([
      'Without the permission Sim:getSim, arctun cannot read the session from SORACOM.',
    ]);
  }
  const findings = diagnoseSim(sim, arcConfig, publicKeyOf);
  const finding = findings.find(({ kind }) => NEEDS_USER.has(kind));
  if (finding !== undefined) return { kind: 'needs-user', finding };
  const about = findings.filter(({ kind }) => kind === 'no-session' || kind === 'other-session');
  if (about.length === 0) return { kind: 'agrees' };
  const why = about.map(({ problem }) => problem);
  const told = about.some(({ kind }) => kind === 'no-session') ? undefined : sim.arcSessionStatus;
  const session = told && readSessionOrNone(told);
  return session === undefined ? create(why) : { kind: 'session', session, why };
}
