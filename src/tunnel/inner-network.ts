/** The network inside the tunnel: TCP, UDP and name resolution over an engine and its driver. */
import type { NetstackEngine } from '../engine/netstack-engine.js';
import { merged } from '../lib/merged.js';
import type { PushingDatagramDialer } from '../proxy/datagram-dialer.js';
import type { ConfirmingDialer } from '../proxy/tcp-exchange.js';
import { TunnelDatagramDialer } from './node/datagram-dialer.js';
import { TunnelDatagramPorts } from './node/datagram-ports.js';
import { TunnelEchoDialer } from './node/echo-dialer.js';
import { NameDialer } from './names/name-dialer.js';
import { NameResolver, type NameServers } from './names/name-resolver.js';
import { cutError } from './node/node-errors.js';
import { NodeNetwork } from './node/node-network.js';
import { OpenSockets } from './node/open-sockets.js';
import type { TcpSocket } from './node/tcp-socket.js';
import type { Clock } from '../ports/clock.js';
import type { ServerLink } from './server/server-link.js';
import type { TunnelConfig } from './tunnel-config.js';
import { TunnelDialer } from './tunnel-dialer.js';
import type { TunnelPorts } from './tunnel-ports.js';

/**
 * The maximum number of UDP channels of external callers, such as the associations of port forwards:
 * half of the dynamic ports (RFC 6335 6).
 */
const MAX_CHANNELS = 8_192;

export interface InnerNetworkOptions extends Pick<TunnelPorts, 'clock' | 'entropy' | 'log'> {
  readonly config: TunnelConfig;
  readonly engine: NetstackEngine;
  readonly link: ServerLink;
}

export class InnerNetwork {
  /** Opens TCP connections to addresses and names. */
  readonly dialer: ConfirmingDialer;
  /** Opens UDP channels to addresses and names. */
  readonly datagramDialer: PushingDatagramDialer;
  readonly datagramPorts: TunnelDatagramPorts;
  readonly echoDialer: TunnelEchoDialer;
  readonly node: NodeNetwork;
  readonly #engine: NetstackEngine;
  readonly #clock: Clock;
  /** Used by external callers; closed when a drain begins. */
  readonly #dialer: TunnelDialer;
  /** Used by Node.js sockets and name lookups; stays open while connections drain. */
  readonly #ownDialer: TunnelDialer;
  readonly #sockets: OpenSockets;
  /** Used by external callers. */
  readonly #datagrams: TunnelDatagramDialer;
  /** Used by name lookups, which must work even if the external callers have no channels left. */
  readonly #ownDatagrams: TunnelDatagramDialer;
  readonly #names: NameResolver;

  constructor({ config, engine, link, clock, entropy, log }: InnerNetworkOptions) {
    const { driver, silence, budget } = link;
    const host = { engine, driver, silence, budget, clock, entropy, mtu: config.mtu };
    this.#engine = engine;
    this.#clock = clock;
    const sockets = new OpenSockets(clock);
    this.#sockets = sockets;
    budget?.onCut(() => sockets.cut(cutError));
    this.#dialer = new TunnelDialer(
      merged(host, { onDialled: (socket: TcpSocket) => sockets.add(socket) }),
    );
    const dialer = new TunnelDialer(host);
    this.#ownDialer = dialer;
    const sessionHost = merged(host, {
      waitForHandshake: (deadline: number, signal?: AbortSignal) =>
        link.waitForHandshake(deadline, signal),
    });
    this.#ownDatagrams = new TunnelDatagramDialer(sessionHost);
    const datagrams = new TunnelDatagramDialer(merged(sessionHost, { maxChannels: MAX_CHANNELS }));
    this.#datagrams = datagrams;
    const names = new NameResolver(
      merged(namesOf(config), {
        hosts: config.hosts,
        fallbackHosts: config.fallbackHosts,
        datagrams: this.#ownDatagrams,
        streams: dialer,
        clock,
        entropy,
        log,
      }),
    );
    this.#names = names;
    this.datagramPorts = new TunnelDatagramPorts(merged(host, { names }));
    this.dialer = new NameDialer(names, this.#dialer, clock);
    const opener = new NameDialer(
      names,
      { dial: (target, signal) => datagrams.open(target, signal) },
      clock,
    );
    this.datagramDialer = { open: (target, signal) => opener.dial(target, signal) };
    this.echoDialer = new TunnelEchoDialer(merged(sessionHost, { names }));
    this.node = new NodeNetwork(merged(host, { names, dialer, sockets }));
  }

  get connections(): number {
    return this.#engine.stack.usage.connections;
  }

  /**
   * Returns the bytes of the packets that TCP has sent again.
   *
   * @param overhead the bytes to add to each packet
   */
  retransmittedBytes(overhead: number): number {
    const { packets, bytes } = this.#engine.stack.tcpRetransmitted;
    return bytes + packets * overhead;
  }

  /**
   * Applies new addresses and name servers. Closes sockets that are bound to a removed address.
   *
   * @throws RangeError for invalid addresses; nothing was changed
   */
  reconfigure(config: TunnelConfig): void {
    this.#engine.stack.setAddresses(config.addresses);
    this.#names.reconfigure(namesOf(config));
  }

  /** Ends all dialing because the server is silent; dials in progress fail with the reason. */
  giveUp(): void {
    this.#dialer.giveUp();
    this.#ownDialer.giveUp();
    this.#sockets.shorten(0);
  }

  /**
   * Stops opening connections. Resolves when all written data has arrived; see OpenSockets.drain().
   *
   * @param gracePeriod milliseconds
   */
  drain(gracePeriod: number): Promise<void> {
    this.#dialer.close();
    this.datagramPorts.close();
    this.node.close();
    return this.#sockets.drain(gracePeriod);
  }

  /** Makes a drain in progress end within `gracePeriod` milliseconds. */
  shortenDrain(gracePeriod: number): void {
    this.#sockets.shorten(gracePeriod);
  }

  /** Checks whether the drain is complete. Call this at the end of each turn of the driver. */
  afterTurn(): void {
    this.#sockets.check();
  }

  close(): void {
    this.#ownDialer.close();
    this.#names.close();
    this.#datagrams.close();
    this.#ownDatagrams.close();
    this.echoDialer.close();
    this.#engine.stack.close(this.#clock.now());
  }
}

/** Limits lookups to the address families in which the tunnel has an address. */
function namesOf({ addresses, nameServers }: TunnelConfig): NameServers {
  const has = (length: number): boolean => addresses.some((address) => address.length === length);
  const types = [...(has(4) ? (['A'] as const) : []), ...(has(16) ? (['AAAA'] as const) : [])];
  return { servers: nameServers, types };
}
