/** The services of an open tunnel: status, configuration updates and metrics. */
import type { LocalListeners } from '../../ports/local-sockets.js';
import {
  type ConfigUpdateOptions,
  startConfigUpdates,
  withFinding,
} from '../session/config-updates.js';
import type { RenewalEnvironment } from '../session/session-renewal.js';
import { startMetricLines } from '../status/metric-lines.js';
import { offerStatus, type OfferStatusOptions } from '../status/offer-status.js';
import type { RunningTunnel } from './running-tunnel.js';
import type { ServiceStates } from './service-states.js';
import { openUapiSocket } from './uapi-socket.js';

export interface TunnelServiceOptions {
  /** Where to serve the status, and which browser requests may read it. */
  readonly offer: Pick<
    OfferStatusOptions,
    'version' | 'pid' | 'folders' | 'statusListen' | 'browsers'
  >;
  readonly updates: Pick<ConfigUpdateOptions, 'reread' | 'reloads' | 'renewal'>;
}

export interface TunnelServicePorts extends RenewalEnvironment {
  readonly listeners: LocalListeners;
}

export interface ServedTunnel extends Pick<
  ConfigUpdateOptions,
  'arcConfig' | 'tunnelConfig' | 'plan' | 'onApplied'
> {
  readonly running: RunningTunnel;
  readonly states: ServiceStates;
  /** Aborted when the tunnel is about to close. */
  readonly signal: AbortSignal;
}

export interface TunnelServices {
  /** The control socket for `status` and `health`; undefined if no folder was usable. */
  readonly socket: string | undefined;
  /** The URL of the status pages; undefined if disabled. */
  readonly statusUrl: string | undefined;
  /** Adds SORACOM's finding about the SIM to the error of a failed handshake. */
  explain(error: unknown): unknown;
  /** See ConfigUpdates. */
  readonly isTerminated: boolean;
  close(): Promise<void>;
}

/**
 * Starts all services. The first handshake may still be pending.
 *
 * @throws UserError if a required socket or port is unavailable
 */
export async function openTunnelServices(
  options: TunnelServiceOptions,
  served: ServedTunnel,
  ports: TunnelServicePorts,
): Promise<TunnelServices> {
  const { running, states, arcConfig } = served;
  const { config, source } = arcConfig;
  const { tunnel, up } = running;
  const name = up.mode === 'userspace' ? config.interface : up.interface;
  const uapi = await openUapiSocket(running, name, source, ports);
  const offer = statusOffer(options, served, name, uapi && name);
  const status = await offerStatus(offer, ports).catch(async (error: unknown) => {
    await uapi?.close();
    throw error;
  });
  const stopMetrics = config.enableMetrics
    ? startMetricLines(tunnel, { simId: config.simId, interface: name }, ports)
    : undefined;
  states.watch(tunnel);
  const aroundReload = (work: () => Promise<void>) => states.reload(work);
  const updates = startConfigUpdates(
    { ...options.updates, ...served, tunnel, aroundReload },
    ports,
  );
  return {
    socket: status.socket,
    statusUrl: status.url,
    explain: (error) => withFinding(error, updates.finding),
    get isTerminated() {
      return updates.isTerminated;
    },
    close: async () => {
      await updates.close();
      stopMetrics?.();
      await Promise.all([uapi?.close(), status.close()]);
    },
  };
}

function statusOffer(
  { offer }: TunnelServiceOptions,
  { running, arcConfig, tunnelConfig, signal }: ServedTunnel,
  interfaceName: string,
  uapiName: string | undefined,
): OfferStatusOptions {
  const { tunnel, up, counters, forwards, spool, connections, shared, proxyHasPassword } = running;
  const listeners =
    up.mode === 'userspace'
      ? {
          forward: up.forward,
          furtherForwarders: up.furtherForwarders,
          proxy: up.proxy,
          proxyHasPassword,
          dns: up.dns,
        }
      : {};
  return {
    ...offer,
    signal,
    tunnel: () => tunnel,
    interfaceName,
    simId: arcConfig.config.simId,
    uapiName,
    nameServers: tunnelConfig.nameServers,
    listeners: () => ({ ...listeners, ...(forwards && { forwards: forwards.list() }) }),
    streams: shared?.requests,
    counters,
    forwards,
    spool,
    connections,
  };
}
