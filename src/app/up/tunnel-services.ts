/** What there is beside an open tunnel: who asks for it, changes it, counts it. */
import type { ReloadRequests } from '../../ports/reload-requests.js';
import type { Clock } from '../../ports/clock.js';
import type { Entropy } from '../../ports/entropy.js';
import type { LocalListeners } from '../../ports/local-sockets.js';
import type { Log } from '../../ports/log.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import { TunnelError } from '../../tunnel/tunnel-error.js';
import { startConfigUpdates } from '../session/config-updates.js';
import type { Finding } from '../sim/diagnose-sim.js';
import type { RunningTunnel } from './running-tunnel.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { startMetricLines } from '../status/metric-lines.js';
import { offerStatus, type OfferStatusOptions, type StatusOffer } from '../status/offer-status.js';
import type { ServiceStates } from './service-states.js';
import type { RenewalPorts } from '../session/session-renewal.js';
import { openUapiSocket } from './uapi-socket.js';

export interface TunnelServiceOptions {
  readonly arcConfig: LoadedArcConfig;
  /** Fires when the tunnel is about to close. */
  readonly signal: AbortSignal;
  /** Who asks how the tunnel does, and where. */
  readonly offer: Pick<
    OfferStatusOptions,
    'version' | 'pid' | 'folders' | 'statusListen' | 'browsers'
  >;
  /** Reads the configuration anew; undefined where it can be read only once. */
  readonly reread?: (() => Promise<LoadedArcConfig>) | undefined;
  /** Who asks for that; undefined where nobody can. */
  readonly reloads?: ReloadRequests | undefined;
  /** How SORACOM is asked for another session; undefined where it is not to be. */
  readonly renewal?: RenewalPorts | undefined;
}

export interface TunnelServicePorts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly listeners: LocalListeners;
}

/** What the services are about. */
export interface ServedTunnel {
  readonly kept: RunningTunnel;
  readonly states: ServiceStates;
  /** What another arc.json makes of the tunnel. @throws UserError */
  readonly plan: (arcConfig: LoadedArcConfig) => TunnelConfig;
  /** Called after the tunnel has taken over another configuration. */
  readonly onApplied: (tunnelConfig: TunnelConfig) => Promise<void>;
}

export interface TunnelServices {
  /** The path at which `status` and `health` ask; undefined if no folder took a socket. */
  readonly socket: string | undefined;
  /** The error of a handshake that never came, with what SORACOM says of the SIM. */
  explain(error: unknown): unknown;
  close(): Promise<void>;
}

/**
 * Begins all of them. The first handshake may still be awaited.
 *
 * @throws UserError where a socket or port that is needed cannot be had
 */
export async function openTunnelServices(
  options: TunnelServiceOptions,
  { kept, states, plan, onApplied }: ServedTunnel,
  ports: TunnelServicePorts,
): Promise<TunnelServices> {
  const { arcConfig, reread, reloads, renewal } = options;
  const { config } = arcConfig;
  const { tunnel, up } = kept;
  const name = up.mode === 'tun' ? up.interface : config.interface;
  const uapi = await openUapiSocket(kept, name, ports);
  const status = await openStatus(options, kept, uapi && name, ports).catch(
    async (error: unknown) => {
      await uapi?.close();
      throw error;
    },
  );
  const stopMetrics = config.enableMetrics
    ? startMetricLines(tunnel, { simId: config.simId, interface: name }, ports)
    : undefined;
  states.watch(tunnel);
  const aroundReload = (work: () => Promise<void>) => states.reload(work);
  const updates = startConfigUpdates(
    { tunnel, arcConfig, plan, onApplied, reread, reloads, renewal, aroundReload },
    ports,
  );
  return {
    socket: status.socket,
    explain: (error) => withFinding(error, updates.finding),
    close: async () => {
      await updates.close();
      stopMetrics?.();
      await Promise.all([uapi?.close(), status.close()]);
    },
  };
}

/** The error of a tunnel with what SORACOM has found wrong in place of what is only likely. */
export function withFinding(error: unknown, finding: Finding | undefined): unknown {
  if (!(error instanceof TunnelError) || finding === undefined) return error;
  const why = finding.problem.replace(/^The /, 'the ').replace(/\.$/, '');
  return new TunnelError(
    error.reason,
    { what: error.what, why, next: [finding.next] },
    { cause: error },
  );
}

function openStatus(
  { arcConfig: { config }, offer, signal }: TunnelServiceOptions,
  { tunnel, up, counters }: RunningTunnel,
  uapiName: string | undefined,
  ports: TunnelServicePorts,
): Promise<StatusOffer> {
  const isTun = up.mode === 'tun';
  return offerStatus(
    {
      ...offer,
      signal,
      tunnel: () => tunnel,
      interfaceName: isTun ? up.interface : config.interface,
      simId: config.simId,
      uapiName,
      listeners: () => (isTun ? {} : { forward: up.forward, proxy: up.proxy }),
      counters,
    },
    ports,
  );
}
