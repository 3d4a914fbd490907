/** Shows SORACOM's data about one virtual SIM, compared with its arc.json. */
import type { SessionEvent, SimResponse } from '../../soracom/client/responses.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';
import { diagnoseSim, type Finding } from './diagnose-sim.js';
import type { StateHome } from '../session/session-state.js';
import { signedIn, type SignInPorts } from '../credentials/signed-in.js';
import { simPublicKey, summariseSim, requireSim } from './sim-summary.js';
import { findSimTarget, type SimTarget } from './sim-target.js';
import { unlessForbidden } from './virtual-sims.js';

export type ShowApi = Pick<SoracomApi, 'auth' | 'logout' | 'getSim' | 'listSimSessionEvents'>;

export interface ShowSimOptions {
  /** The SIM ID; defaults to the SIM of arc.json. */
  readonly simId?: string | undefined;
  /** The value of `--config`; undefined to use no arc.json. */
  readonly config: string | undefined;
  /** Whether to request the session events. */
  readonly events?: boolean;
}

export interface ShowSimPorts extends SignInPorts<ShowApi>, StateHome {
  /** Computes the public key of an X25519 private key. */
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
}

/** Fields are undefined if SORACOM does not return them. Names and units match the API. */
export type SimDetails = Readonly<ReturnType<typeof detailsOf>>;

export interface SimReport {
  readonly sim: SimDetails;
  /** The session events, newest first; undefined if not requested or not permitted. */
  readonly events: readonly SessionEvent[] | undefined;
  /** The SIM's arc.json; undefined if it was not found. */
  readonly arcConfig: ArcConfigCheck | undefined;
  readonly notes: readonly string[];
}

export interface ArcConfigCheck {
  /** The file's name as messages show it. */
  readonly source: string;
  /** The problems found; empty if arc.json agrees with SORACOM. */
  readonly findings: readonly Finding[];
}

const EVENTS_SHOWN = 20;

/** @throws errors of `findSimTarget`; MissingCredentialsError, ApiError */
export async function showSim(
  options: ShowSimOptions,
  ports: ShowSimPorts,
  signal?: AbortSignal,
): Promise<SimReport> {
  const target = await findSimTarget(options.simId, options.config, ports);
  return signedIn(target.profile, ports, signal, async (api) => {
    ports.onStep?.(`Reading SIM ${target.simId}`);
    const sim = requireSim(await api.getSim(target.simId), target.simId);
    const read = () => api.listSimSessionEvents(target.simId, EVENTS_SHOWN);
    const events = options.events ? await unlessForbidden(read) : undefined;
    const note = options.events && events === undefined ? [NO_EVENTS] : [];
    return {
      sim: detailsOf(sim),
      events,
      arcConfig: checkArcConfig(sim, target, ports),
      notes: [...target.notes, ...note],
    };
  });
}

const NO_EVENTS = 'To include session events, grant Sim:listSimSessionEvents to this SAM user.';

function checkArcConfig(
  sim: SimResponse,
  { arcConfig }: SimTarget,
  ports: ShowSimPorts,
): ArcConfigCheck | undefined {
  if (arcConfig === undefined) return undefined;
  const findings = diagnoseSim(sim, arcConfig, (key) => ports.publicKeyOf(key));
  return { source: arcConfig.source, findings };
}

function detailsOf(sim: SimResponse) {
  const [profile] = Object.values(sim.profiles ?? {});
  return {
    ...summariseSim(sim),
    type: sim.type,
    speedClass: sim.speedClass,
    lastModifiedTime: sim.lastModifiedTime,
    terminationEnabled: sim.terminationEnabled,
    imsi: sim.sessionStatus?.imsi ?? profile?.primaryImsi,
    arcClientPeerPublicKey: simPublicKey(sim),
    arcSessionStatus: sim.arcSessionStatus,
    sessionStatus: sim.sessionStatus,
  };
}
