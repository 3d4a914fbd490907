/** Opens a tunnel in userspace with its listeners. */
import { UserError } from '../../lib/errors/user-error.js';
import { LaterDatagramDialer, LaterDatagramPorts } from '../../proxy/datagram-dialer.js';
import { type Dialer, LaterDialer } from '../../proxy/dialer.js';
import type { DnsListener } from '../../proxy/dns/dns-listener.js';
import { type ForwarderOptions, startForwarder } from '../../proxy/forward/forwarder.js';
import type { HttpListener } from '../../proxy/http/listener.js';
import { KeptConnections } from '../../proxy/http/kept-connections.js';
import { type MixedPortOptions, startMixedPort } from '../../proxy/mixed/mixed-port.js';
import type { ListenAddress } from '../../proxy/listen-address.js';
import type { PortForward } from '../../proxy/port-forward/port-forward.js';
import { Capture, type CaptureOptions } from '../../tunnel/capture/capture.js';
import type { Log } from '../../ports/log.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import { openDnsListener } from '../names/open-dns-listener.js';
import { LaterForwards } from './port-forwards.js';
import type { RunningTunnel } from './running-tunnel.js';
import { TUNNEL_NAMES } from './tunnel-names.js';

export type ForwardSettings = Pick<
  ForwarderOptions,
  'listen' | 'flag' | 'hostFlag' | 'target' | 'headers' | 'browsers'
>;

export interface ProxySettings extends Pick<MixedPortOptions, 'listen' | 'password'> {
  /** Whether the user specified the port. */
  readonly isAskedFor: boolean;
  /** The host names that requests for /proxy.pac may contain. */
  readonly hosts?: readonly string[];
}

export interface UserspaceOptions {
  readonly forward: ForwardSettings;
  /** The SOCKS5 and HTTP proxy; undefined if disabled. */
  readonly proxy?: ProxySettings | undefined;
  /** The port forwards to open. */
  readonly forwards?: readonly PortForward[];
  /** The address of the DNS listener; undefined if not requested. */
  readonly dnsListen?: ListenAddress | undefined;
  /** Whether to send a request again if it is certain that the target has not read it. */
  readonly resends: boolean;
  /** Where to capture all packets outside and inside the tunnel; undefined if not requested. */
  readonly capture?: CaptureOptions | undefined;
}

/** The tunnel, as the proxy uses it. */
interface ProxyUpstream extends Pick<MixedPortOptions, 'dialer' | 'kept' | 'udp'> {
  /** See PacSource. */
  readonly allowedIps?: () => Promise<readonly string[]>;
}

/** Never settles, because no external event ends a userspace tunnel. */
const NEVER = new Promise<never>(() => undefined);

/**
 * Opens the listeners, then the tunnel, and starts its handshake.
 *
 * @throws UserError if a port is unavailable or the capture file cannot be created
 */
export async function openUserspace(
  options: UserspaceOptions,
  config: TunnelConfig,
  ports: TunnelPorts,
): Promise<RunningTunnel> {
  // Open the ports first, because a tunnel that is opened and given up again could disconnect
  // another tunnel.
  const later = new LaterDialer();
  const datagrams = new LaterDatagramDialer();
  const laterPorts = new LaterDatagramPorts();
  let tunnel: UserspaceTunnel | undefined;
  const udp = { sockets: ports.sockets, ports: laterPorts };
  const upstream = { dialer: later, udp, allowedIps: () => allowedIpsOf(tunnel) };
  const { forwarder, proxy } = await openListeners(options, upstream, ports.log);
  const laterForwards = new LaterForwards(options.forwards ?? [], ports.log);
  const { forwards } = laterForwards;
  let dns: DnsListener | undefined;
  const closeListeners = async (graceMs: number) => {
    const grace = { graceMs };
    await Promise.all([
      forwarder.close(grace),
      proxy?.close(grace),
      forwards.close(grace),
      dns?.close(),
    ]);
  };
  let capture: Capture | undefined;
  try {
    await laterForwards.openLocal();
    const { dnsListen } = options;
    dns =
      dnsListen && (await openDnsListener(dnsListen, config, { dialer: later, datagrams }, ports));
    capture = options.capture && (await Capture.open(options.capture, ports, config));
    const opening = UserspaceTunnel.open(config, capture?.ports ?? ports, {
      watchForRivals: true,
    });
    later.open(opening.then(({ dialer }) => dialer));
    datagrams.set(opening.then(({ datagramDialer }) => datagramDialer));
    laterPorts.open(opening.then(({ datagramPorts }) => datagramPorts));
    const opened = await opening;
    tunnel = opened;
    await laterForwards.openRemote(opened).catch(async (error: unknown) => {
      await opened.close({ gracePeriod: 0 });
      throw error;
    });
    return {
      tunnel: opened,
      failed: NEVER,
      up: {
        mode: 'userspace',
        forward: forwarder.url,
        proxy: proxy?.authority,
        dns: dns?.authority,
        ...laterForwards.names(),
      },
      forwards,
      counters: () => ({
        forward: forwarder.counters,
        ...(proxy && { proxy: proxy.counters }),
      }),
      giveUp: () => opened.giveUp(),
      close: async (graceMs) => {
        const deadline = ports.clock.now() + graceMs;
        await closeListeners(graceMs);
        // Allow time for data that clients sent before closing and that is still in flight.
        await opened.close({ gracePeriod: Math.max(0, deadline - ports.clock.now()) });
        await capture?.close();
      },
    };
  } catch (error) {
    await closeListeners(0);
    await capture?.close();
    throw error;
  }
}

/** Returns the current allowed IPs, which a reload may change; none before the tunnel is open. */
async function allowedIpsOf(tunnel: UserspaceTunnel | undefined): Promise<readonly string[]> {
  const status = await tunnel?.status();
  return status?.peers.flatMap(({ allowedIps }) => allowedIps) ?? [];
}

async function openListeners(
  { forward, proxy, resends }: UserspaceOptions,
  { dialer, ...upstream }: ProxyUpstream,
  log: Log,
): Promise<{ forwarder: HttpListener; proxy: HttpListener | undefined }> {
  const forwarder = await startForwarder({ ...forward, ...keeping(dialer, resends), log });
  log.info({ url: forwarder.url }, 'forwarder listening');
  try {
    const own = { ...upstream, ...keeping(dialer, resends) };
    return { forwarder, proxy: proxy && (await openProxy(proxy, own, log)) };
  } catch (error) {
    await forwarder.close({ graceMs: 0 });
    throw error;
  }
}

/**
 * Each listener keeps its own connections, because the clients of different listeners may be
 * different users.
 */
function keeping(dialer: Dialer, resends: boolean): { dialer: Dialer; kept: KeptConnections } {
  return { dialer, kept: new KeptConnections({ resends }) };
}

/**
 * Opens the proxy. The default port is often in use (`ssh -D 1080`, a second tunnel), so a failure
 * is an error only if the user chose the port.
 *
 * @returns undefined if the default port is unavailable, which is logged as a warning
 * @throws UserError if the chosen port is unavailable
 */
export async function openProxy(
  { isAskedFor, hosts = [], ...settings }: ProxySettings,
  { allowedIps, ...upstream }: ProxyUpstream,
  log: Log,
): Promise<HttpListener | undefined> {
  try {
    const pac = allowedIps && { names: TUNNEL_NAMES, allowedIps, hosts };
    const proxy = await startMixedPort({ ...settings, ...upstream, pac, log });
    log.info({ address: proxy.authority }, 'proxy listening');
    return proxy;
  } catch (error) {
    if (isAskedFor || !(error instanceof UserError)) throw error;
    const next =
      'continuing without a proxy; to change this, set --proxy-listen to another port or to off';
    log.warn({ reason: error.why }, `${error.what}: ${next}`);
    return undefined;
  }
}
