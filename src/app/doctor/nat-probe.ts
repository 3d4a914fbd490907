/** Makes the check of the NAT with a tunnel and with SORACOM's API. */
import type { ArcProfile } from '../../arc-config/arc-config.js';
import { ApiError } from '../../soracom/api-error.js';
import type { UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import { signedIn } from '../credentials/signed-in.js';
import { isForbidden } from '../sim/virtual-sims.js';
import { type Check, LABELS, skipped, skippedFor } from './check.js';
import type { AccountApi, DoctorPorts } from './doctor-ports.js';
import { checkNameServers } from './inside-checks.js';
import { checkNat, type NatOptions, type NatProbe } from './nat-check.js';
import { isRival } from './rival-check.js';

export interface NatRequest {
  readonly simId: string;
  readonly profile: ArcProfile | undefined;
  readonly onStep: (step: string) => void;
  /** The result if SORACOM cannot be asked; undefined if it can. */
  readonly obstacle: Check | undefined;
}

export interface NatPlace {
  /** A tunnel that does not send keepalives. */
  readonly tunnel: Pick<UserspaceTunnel, 'datagramDialer' | 'onRival' | 'status'>;
  /** A name server that answers. */
  readonly server: string;
}

/**
 * SORACOM pings only a SIM that it knows, and so the check of the SIM must have succeeded.
 *
 * @param sim the check of the SIM
 * @returns the result if SORACOM cannot be asked
 */
export function natObstacle(sim: Check): Check | undefined {
  if (sim.outcome !== 'failed') {
    return sim.outcome === 'ok' ? undefined : { ...sim, name: 'nat' };
  }
  if (sim.kind === 'tunnel') return skippedFor('nat', 'sim');
  // The SIM may have no problem: SORACOM did not report it.
  return skipped('nat', `SORACOM did not report this SIM, for the reason under "${LABELS.sim}"`);
}

/** @throws the abort reason of `options.signal` */
export async function examineNat(
  { simId, profile, obstacle }: NatRequest,
  place: NatPlace,
  options: NatOptions,
  ports: Pick<DoctorPorts, 'account' | 'clock' | 'entropy'>,
): Promise<Check> {
  if (obstacle !== undefined) return obstacle;
  const { signal } = options;
  try {
    return await signedIn(profile, ports.account, signal, (api) =>
      checkNat(options, createProbe(api, simId, place, options, ports), ports.clock),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (isForbidden(error)) {
      return skipped('nat', 'the credentials do not have the permission Sim:sendDownlinkPing');
    }
    if (!(error instanceof ApiError)) throw error;
    return skipped('nat', `SORACOM did not ping this SIM: ${error.why.replace(/\.$/, '')}`);
  }
}

function createProbe(
  api: AccountApi,
  simId: string,
  { tunnel, server }: NatPlace,
  { signal, onRival }: NatOptions,
  { entropy }: Pick<DoctorPorts, 'entropy'>,
): NatProbe {
  let hasRival = false;
  tunnel.onRival((seen) => {
    if (!isRival(seen)) return;
    hasRival = true;
    onRival(seen.why);
  });
  return {
    pingFromSoracom: async () => (await api.sendDownlinkPing(simId)).success,
    openMapping: async () => {
      const { answering } = await checkNameServers([server], tunnel, entropy, signal);
      return answering.length > 0;
    },
    traffic: async () => {
      const { peers } = await tunnel.status();
      return {
        sent: peers.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
        received: peers.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0),
      };
    },
    hasRival: () => hasRival,
  };
}
