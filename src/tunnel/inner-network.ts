/** What is inside of the tunnel: TCP, UDP and names, over an engine and its driver. */
import type { NetstackEngine } from '../engine/netstack-engine.js';
import type { DatagramDialer } from '../proxy/datagram-dialer.js';
import type { ConfirmingDialer } from '../proxy/tcp-exchange.js';
import { TunnelDatagramDialer } from './node/datagram-dialer.js';
import { NameDialer } from './names/name-dialer.js';
import { NameResolver, type NameServers } from './names/name-resolver.js';
import { NodeNetwork } from './node/node-network.js';
import { OpenSockets } from './node/open-sockets.js';
import type { Clock } from '../ports/clock.js';
import type { Entropy } from '../ports/entropy.js';
import type { ServerLink } from './server/server-link.js';
import type { TunnelConfig } from './tunnel-config.js';
import { TunnelDialer } from './tunnel-dialer.js';

export interface InnerNetworkOptions {
  readonly config: TunnelConfig;
  readonly engine: NetstackEngine;
  readonly link: ServerLink;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export class InnerNetwork {
  /** TCP, to addresses and to names. */
  readonly dialer: ConfirmingDialer;
  /** What a Node program opens. */
  readonly node: NodeNetwork;
  readonly #engine: NetstackEngine;
  readonly #clock: Clock;
  /** For those who dial by the tunnel's dialer. */
  readonly #dialer: TunnelDialer;
  /** For sockets and names: it goes on while connections drain. */
  readonly #ownDialer: TunnelDialer;
  readonly #sockets: OpenSockets;
  readonly #datagramDialer: TunnelDatagramDialer;
  readonly #names: NameResolver;

  constructor({ config, engine, link, clock, entropy }: InnerNetworkOptions) {
    const { driver, silence } = link;
    const host = { engine, driver, silence, clock, entropy, mtu: config.mtu };
    this.#engine = engine;
    this.#clock = clock;
    const sockets = new OpenSockets(clock);
    this.#sockets = sockets;
    this.#dialer = new TunnelDialer({ ...host, onDialled: (socket) => sockets.add(socket) });
    const dialer = new TunnelDialer(host);
    this.#ownDialer = dialer;
    this.#datagramDialer = new TunnelDatagramDialer({
      ...host,
      waitForHandshake: (deadline, signal) => link.waitForHandshake(deadline, signal),
    });
    const names = new NameResolver({
      ...namesOf(config),
      datagrams: this.#datagramDialer,
      streams: dialer,
      clock,
      entropy,
    });
    this.#names = names;
    this.dialer = new NameDialer(names, this.#dialer, clock);
    this.node = new NodeNetwork({ ...host, names, dialer, sockets });
  }

  /** Open TCP connections. */
  get connections(): number {
    return this.#engine.stack.usage.connections;
  }

  /** UDP. */
  get datagramDialer(): DatagramDialer {
    return this.#datagramDialer;
  }

  /**
   * Takes over addresses and name servers; what is bound to an address that is gone ends.
   *
   * @throws RangeError for addresses that cannot be; nothing has changed then
   */
  reconfigure(config: TunnelConfig): void {
    this.#engine.stack.setAddresses(config.addresses);
    this.#names.reconfigure(namesOf(config));
  }

  /** There are no more dials, for the server is silent: those under way are told why. */
  giveUp(): void {
    this.#dialer.giveUp();
    this.#ownDialer.giveUp();
    this.#sockets.shorten(0);
  }

  /**
   * Opens nothing more, and resolves when what was written has arrived, as OpenSockets.drain() says.
   *
   * @param gracePeriod ms
   */
  drain(gracePeriod: number): Promise<void> {
    this.#dialer.close();
    this.node.close();
    return this.#sockets.drain(gracePeriod);
  }

  /** Ends a drain in `gracePeriod` ms, where it would not end before. */
  shortenDrain(gracePeriod: number): void {
    this.#sockets.shorten(gracePeriod);
  }

  /** To be called at the end of each turn of the driver. */
  afterTurn(): void {
    this.#sockets.check();
  }

  /** Resets what is open. */
  close(): void {
    this.#ownDialer.close();
    this.#names.close();
    this.#datagramDialer.close();
    this.#engine.stack.close(this.#clock.now());
  }
}

/** A family in which we have no address cannot be dialled. */
function namesOf({ addresses, nameServers }: TunnelConfig): NameServers {
  const has = (length: number): boolean => addresses.some((address) => address.length === length);
  const types = [...(has(4) ? (['A'] as const) : []), ...(has(16) ? (['AAAA'] as const) : [])];
  return { servers: nameServers, types };
}
