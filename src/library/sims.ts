/** The SIM functions of the library, with the use cases of the `sim` commands. */
import { listSims as list } from '../app/sim/list-sims.js';
import { renewKeyOfSim } from '../app/sim/renew-key-of-sim.js';
import { showSim, type SimDetails } from '../app/sim/show-sim.js';
import { findArcConfig, requireSimId } from '../app/sim/sim-target.js';
import { terminateSim as terminate } from '../app/sim/terminate-sim.js';
import { signedIn } from '../app/credentials/signed-in.js';
import { readSession } from '../app/session/arc-session.js';
import { sessionText } from '../app/session/session-state.js';
import { UserError } from '../lib/errors/user-error.js';
import type { ArcSessionStatus } from './arc-json.js';
import { checkOptions } from './check-options.js';
import { namingOptions } from './option-names.js';
import type {
  ListedVirtualSims,
  ListSimsOptions,
  RenewedSimKey,
  RenewKeyOptions,
  TerminatedVirtualSim,
  VirtualSimDetails,
} from './sim-types.js';
import type { SoracomCallOptions } from './soracom-options.js';
import { keyClaims, soracomPorts } from './soracom-ports.js';

/** See listSims() in index.ts. */
export function listSims(options: ListSimsOptions): Promise<ListedVirtualSims> {
  return namingOptions(async () => {
    checkOptions('listSims()', 'list', options);
    const { config, since, all = false, signal } = options;
    const from = since && { unixTime: since.getTime() };
    return list({ config, all, since: from }, soracomPorts(options, {}, signal), signal);
  });
}

/** See getSim() in index.ts. */
export function getSim(simId: string, options: SoracomCallOptions): Promise<VirtualSimDetails> {
  return namingOptions(async () => {
    checkCall('getSim()', simId, options);
    const { config, signal } = options;
    const { sim } = await showSim({ simId, config }, soracomPorts(options, {}, signal), signal);
    return detailsOf(sim);
  });
}

/** Leaves out `sessionStatus`, whose members are in the other fields. */
function detailsOf({ sessionStatus, ...details }: SimDetails): VirtualSimDetails {
  return { ...details, online: sessionStatus?.online };
}

/** See createArcSession() in index.ts. */
export function createArcSession(
  simId: string,
  options: SoracomCallOptions,
): Promise<ArcSessionStatus> {
  return namingOptions(async () => {
    checkCall('createArcSession()', simId, options);
    const { config, signal } = options;
    const ports = soracomPorts(options, {}, signal);
    const { profile } = await findArcConfig(config, ports);
    return signedIn(profile, ports, signal, async (api) =>
      sessionText(readSession(await api.createArcSession(simId), simId)),
    );
  });
}

/** See terminateSim() in index.ts. */
export function terminateSim(
  simId: string,
  options: SoracomCallOptions,
): Promise<TerminatedVirtualSim> {
  return namingOptions(async () => {
    checkCall('terminateSim()', simId, options);
    const { config, signal } = options;
    const ports = { ...soracomPorts(options, {}, signal), claims: keyClaims() };
    return terminate({ simId, config, yes: true }, ports, signal);
  });
}

/** See renewKey() in index.ts. */
export function renewKey(options: RenewKeyOptions): Promise<RenewedSimKey> {
  return namingOptions(async () => {
    checkOptions('renewKey()', 'renewKey', options);
    const { path, simId, force = false, signal } = options;
    const ports = { ...soracomPorts(options, {}, signal), claims: keyClaims() };
    const { platform } = process;
    return renewKeyOfSim({ path, simId, yes: force, platform }, ports, signal);
  }, 'path');
}

/** Without a SIM ID, the use cases would choose the SIM of arc.json. */
function checkCall(name: string, simId: unknown, options: SoracomCallOptions): void {
  checkOptions(name, 'call', options);
  if (typeof simId === 'string') {
    requireSimId(simId);
    return;
  }
  throw new UserError('usage', {
    what: `cannot use the parameters of ${name}`,
    why: 'the SIM ID must be a string',
    next: ['Pass the ID of the SIM first, and then the options.'],
  });
}
