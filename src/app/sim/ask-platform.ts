/** Asks the platform what keeps the tunnel of a SIM from working, and for the session that it should have. */
import type { ArcSession } from '../../arc-config/arc-config.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import { readSession, readSessionOrNone } from '../session/arc-session.js';
import { type DiagnosedConfig, diagnoseSim, type Finding } from './diagnose-sim.js';
import type { Suspicion } from '../session/renewal-moments.js';
import { requireSim } from './sim-summary.js';
import { isForbidden } from './virtual-sims.js';

export type Verdict =
  /** Only a person can do something about it. */
  | { readonly kind: 'needs-user'; readonly finding: Finding }
  /** To be taken in the place of ours; `why` is what differs. */
  | { readonly kind: 'session'; readonly session: ArcSession; readonly why: readonly string[] }
  /** The platform has what arc.json has. */
  | { readonly kind: 'agrees' }
  /** We may not ask, and had no reason to make a session unseen. */
  | { readonly kind: 'unknown' };

/** What no other session mends. */
const NEEDS_USER = new Set<Finding['kind']>(['terminated', 'no-private-key', 'other-key']);

/**
 * The platform's own session is taken where it has one; another is made only where it has none, for that
 * ends what others do with it. Where we may not see, one is made if the server is silent: then there is
 * nothing to be ended.
 *
 * @throws ApiError; UserError of kind `api` when an answer is of no use
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
    return create(['What the platform has may not be seen without Sim:getSim.']);
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
