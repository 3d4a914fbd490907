/** The local listeners of a tunnel in userspace. */
import type { Dialer } from '../../../proxy/dialer.js';
import { type DnsListener, startDnsListener } from '../../../proxy/dns/dns-listener.js';
import type { ListenerCounters } from '../../../proxy/http/listener.js';
import { KeptConnections } from '../../../proxy/http/target/kept-connections.js';
import type { ListenAddress } from '../../../proxy/listen-address.js';
import type { PortForward } from '../../../proxy/port-forward/port-forward.js';
import type { PortForwards } from '../../../proxy/port-forward/port-forwards.js';
import type { SpoolKeeper } from '../../../proxy/spool/spool-keeper.js';
import { ConnectionList, type Opener } from '../../../proxy/status/connection-list.js';
import type { TunnelConfig } from '../../../tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../../tunnel/tunnel-ports.js';
import type { UserspaceTunnel } from '../../../tunnel/userspace-tunnel.js';
import type { UserspaceAddresses } from '../running-tunnel.js';
import { type HttpListenerOptions, HttpListeners } from './http-listeners.js';
import { LaterTunnel } from './later-tunnel.js';
import { LaterForwards } from './port-forwards.js';
import { DnsForwarder } from '../../../proxy/dns/dns-forwarder.js';
import { DnsUpstream } from '../../../proxy/dns/dns-upstream.js';

export interface ListenerOptions extends HttpListenerOptions {
  /** The port forwards to open. */
  readonly forwards?: readonly PortForward[];
  /** The address of the DNS listener; undefined if not requested. */
  readonly dnsListen?: ListenAddress | undefined;
  /** Whether to send a request again if it is certain that the target has not read it. */
  readonly resends: boolean;
  /** Keeps the requests to the forwarders that cannot be sent; undefined if they fail. */
  readonly keeper?: SpoolKeeper | undefined;
}

/** The listeners, which open before the tunnel. */
export class UserspaceListeners {
  /** The open TCP connections of all listeners. */
  readonly connections: ConnectionList;
  readonly #tunnel = new LaterTunnel();
  readonly #forwards: LaterForwards;
  readonly #http: HttpListeners;
  #dns: DnsListener | undefined;

  private constructor(options: ListenerOptions, { log, clock, sockets }: TunnelPorts) {
    const { forwards = [], resends, keeper } = options;
    this.connections = new ConnectionList(() => clock.now());
    this.#forwards = new LaterForwards(forwards, log, this.connections);
    // Each listener keeps its own connections, because the clients of different listeners may be
    // different users.
    const keeping = (opener: Opener) => ({
      dialer: this.#watching(opener),
      kept: new KeptConnections({ resends }),
    });
    const udp = { sockets, ports: this.#tunnel.datagramPorts };
    this.#http = new HttpListeners(
      {
        forwarder: () => ({ ...keeping('forwarder'), keeper }),
        proxy: () => ({ ...keeping('proxy'), udp }),
        allowedIps: () => this.#tunnel.allowedIps(),
      },
      log,
    );
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
    return {
      ...this.#http.addresses(),
      dns: this.#dns?.authority,
      ...this.#forwards.names(),
    };
  }

  counters(): Readonly<Record<string, ListenerCounters>> {
    return { ...this.#http.counters(), ...(this.#dns && { dns: this.#dns.counters }) };
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
    await Promise.all([
      this.#http.close(graceMs),
      this.forwards.close({ graceMs }),
      this.#dns?.close(),
    ]);
  }

  #watching(opener: Opener): Dialer {
    return this.connections.watching(opener, this.#tunnel.dialer);
  }

  async #open(options: ListenerOptions, config: TunnelConfig, ports: TunnelPorts): Promise<void> {
    await this.#http.open(options);
    const { dnsListen } = options;
    this.#dns = dnsListen && (await this.#openDns(dnsListen, config, ports));
    await this.#forwards.openLocal();
  }

  /** Opens the DNS listener, which uses the tunnel's name servers and fixed names. */
  async #openDns(
    listen: ListenAddress,
    { nameServers: servers, hosts, fallbackHosts }: TunnelConfig,
    { clock, entropy, log }: TunnelPorts,
  ): Promise<DnsListener> {
    const dialers = { datagrams: this.#tunnel.datagramDialer, streams: this.#watching('dns') };
    const upstream = new DnsUpstream({ servers, ...dialers, clock, entropy });
    const forwarder = new DnsForwarder({ upstream, hosts, fallbackHosts, clock, log });
    const options = { listen, flag: '--dns-listen', forwarder, clock, log };
    const listener = await startDnsListener(options);
    log.info({ address: listener.authority }, 'DNS listening');
    return listener;
  }
}
