/** The local listeners of a tunnel in userspace. */
import { UserError } from '../../../lib/errors/user-error.js';
import { formatAuthority } from '../../../lib/text/http-syntax.js';
import type { Log } from '../../../ports/log.js';
import { ConnectionList, type Opener } from '../../../proxy/status/connection-list.js';
import type { Dialer } from '../../../proxy/dialer.js';
import type { DnsListener } from '../../../proxy/dns/dns-listener.js';
import { type ForwarderOptions, startForwarder } from '../../../proxy/forward/forwarder.js';
import { KeptConnections } from '../../../proxy/http/target/kept-connections.js';
import type { HttpListener, ListenerCounters } from '../../../proxy/http/listener.js';
import type { ListenAddress } from '../../../proxy/listen-address.js';
import { type MixedPortOptions, startMixedPort } from '../../../proxy/mixed/mixed-port.js';
import type { PortForward } from '../../../proxy/port-forward/port-forward.js';
import type { PortForwards } from '../../../proxy/port-forward/port-forwards.js';
import type { SpoolKeeper } from '../../../proxy/spool/spool-keeper.js';
import type { TunnelConfig } from '../../../tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../../tunnel/tunnel-ports.js';
import type { UserspaceTunnel } from '../../../tunnel/userspace-tunnel.js';
import { openDnsListener } from '../../names/open-dns-listener.js';
import type { UserspaceAddresses } from '../running-tunnel.js';
import { LaterTunnel } from './later-tunnel.js';
import { LaterForwards } from './port-forwards.js';
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

export interface ListenerOptions {
  readonly forward: ForwardSettings;
  /** More forwarders, each with its own port and target. */
  readonly furtherForwards?: readonly ForwardSettings[];
  /** The SOCKS5 and HTTP proxy; undefined if disabled. */
  readonly proxy?: ProxySettings | undefined;
  /** The port forwards to open. */
  readonly forwards?: readonly PortForward[];
  /** The address of the DNS listener; undefined if not requested. */
  readonly dnsListen?: ListenAddress | undefined;
  /** Whether to send a request again if it is certain that the target has not read it. */
  readonly resends: boolean;
  /** Keeps the requests to the forwarders that cannot be sent; undefined if they fail. */
  readonly keeper?: SpoolKeeper | undefined;
}

/** The tunnel, as the proxy uses it. */
interface ProxyUpstream extends Pick<MixedPortOptions, 'dialer' | 'kept' | 'choice' | 'udp'> {
  /** See PacSource. */
  readonly allowedIps?: () => Promise<readonly string[]>;
}

/** The listeners, which open before the tunnel. */
export class UserspaceListeners {
  /** The open TCP connections of all listeners. */
  readonly connections: ConnectionList;
  readonly #tunnel = new LaterTunnel();
  readonly #forwards: LaterForwards;
  #forwarder: HttpListener | undefined;
  /** The further forwarders with their targets. */
  readonly #further: { readonly listener: HttpListener; readonly target: string }[] = [];
  #proxy: HttpListener | undefined;
  #dns: DnsListener | undefined;

  private constructor({ forwards = [] }: ListenerOptions, { log, clock }: TunnelPorts) {
    this.connections = new ConnectionList(() => clock.now());
    this.#forwards = new LaterForwards(forwards, log, this.connections);
  }

  /** @throws UserError if a port is unavailable; nothing is open then */
  static async open(
    options: ListenerOptions,
    config: TunnelConfig,
    ports: TunnelPorts,
  ): Promise<UserspaceListeners> {
    const listeners = new UserspaceListeners(options, ports);
    try {
      await listeners.#open(options, config, ports);
      return listeners;
    } catch (error) {
      await listeners.close(0);
      throw error;
    }
  }

  get forwards(): PortForwards {
    return this.#forwards.forwards;
  }

  /** Returns where the listeners are. */
  addresses(): UserspaceAddresses {
    const further = this.#further.map(({ listener: { url }, target }) => ({ url, target }));
    return {
      forward: this.#forwarder?.url ?? '',
      ...(further.length > 0 && { furtherForwarders: further }),
      proxy: this.#proxy?.authority,
      dns: this.#dns?.authority,
      ...this.#forwards.names(),
    };
  }

  counters(): Readonly<Record<string, ListenerCounters>> {
    return {
      ...(this.#forwarder && { forward: this.#forwarder.counters }),
      ...Object.fromEntries(
        this.#further.map(({ listener }) => [`forward ${listener.authority}`, listener.counters]),
      ),
      ...(this.#proxy && { proxy: this.#proxy.counters }),
      ...(this.#dns && { dns: this.#dns.counters }),
    };
  }

  /** @param opening the tunnel to use; if the promise rejects, every connection fails */
  connect(opening: Promise<UserspaceTunnel>): void {
    this.#tunnel.open(opening);
  }

  /**
   * Opens the remote forwards inside the tunnel.
   *
   * @throws UserError if a port inside the tunnel is unavailable
   */
  async openRemoteForwards(tunnel: UserspaceTunnel): Promise<void> {
    await this.#forwards.openRemote(tunnel);
  }

  /** @param graceMs how long running exchanges may take to finish */
  async close(graceMs: number): Promise<void> {
    const grace = { graceMs };
    await Promise.all([
      this.#forwarder?.close(grace),
      ...this.#further.map(({ listener }) => listener.close(grace)),
      this.#proxy?.close(grace),
      this.forwards.close(grace),
      this.#dns?.close(),
    ]);
  }

  async #open(
    { forward, furtherForwards = [], proxy, dnsListen, resends, keeper }: ListenerOptions,
    config: TunnelConfig,
    ports: TunnelPorts,
  ): Promise<void> {
    const { dialer, datagramDialer: datagrams, datagramPorts } = this.#tunnel;
    const { log, sockets } = ports;
    const watching = (opener: Opener) => this.connections.watching(opener, dialer);
    const forwarding = keeping(watching('forwarder'), resends);
    this.#forwarder = await startForwarder({ ...forward, ...forwarding, keeper, log });
    log.info({ url: this.#forwarder.url }, 'forwarder listening');
    for (const further of furtherForwards) {
      const listener = await startForwarder({
        ...{ ...further, ...keeping(dialer, resends) },
        ...{ keeper, log },
      });
      this.#further.push({ listener, target: formatAuthority(further.target) });
      log.info({ url: listener.url }, 'forwarder listening');
    }
    const upstream = {
      ...keeping(watching('proxy'), resends),
      udp: { sockets, ports: datagramPorts },
      allowedIps: () => this.#tunnel.allowedIps(),
    };
    this.#proxy = proxy && (await openProxy(proxy, upstream, log));
    this.#dns =
      dnsListen &&
      (await openDnsListener(dnsListen, config, { dialer: watching('dns'), datagrams }, ports));
    await this.#forwards.openLocal();
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
