/** A tunnel entirely in userspace: our WireGuard and TCP/IP on one UDP socket. */
import { NetstackEngine } from '../engine/netstack-engine.js';
import type { DatagramDialer } from '../proxy/datagram-dialer.js';
import type { ConfirmingDialer } from '../proxy/tcp-exchange.js';
import { InnerNetwork } from './inner-network.js';
import type { NodeNetwork } from './node/node-network.js';
import { NodeTunnel } from './node/node-tunnel.js';
import { SerialQueue } from '../lib/serial-queue.js';
import type { Endpoint } from '../ports/datagram.js';
import type { Conversation } from '../ports/local-sockets.js';
import { Rivals, type Rival } from './rivals/rivals.js';
import type { SentTimestamps } from './server/sent-timestamps.js';
import { ServerLink, type TunnelTotals } from './server/server-link.js';
import type { TunnelPorts } from './tunnel-ports.js';
import { engineOptions, openTimestamps } from './server/engine-options.js';
import type { Tunnel } from './tunnel.js';
import type { TunnelConfig } from './tunnel-config.js';
import { notReconfigured } from './tunnel-error.js';
import type { TunnelStatus } from './tunnel-status.js';

export type { CongestionAlgorithm } from '../engine/netstack-engine.js';
export type { Rival } from './rivals/rivals.js';

export interface CloseOptions {
  /** Milliseconds that connections have for what was written; 5,000 by default, Infinity for no bound. */
  readonly gracePeriod?: number;
}

export interface UserspaceOptions {
  /**
   * Another tunnel may have our key: onRival() tells of it. Answers to connections that were never
   * ours then get no RST, which would end the other's.
   */
  readonly watchForRivals?: boolean;
}

/** Two retransmissions of a lost segment at the first RTO of RFC 6298, and the way there and back. */
const GRACE_PERIOD = 5_000;

export class UserspaceTunnel extends NodeTunnel implements Tunnel {
  /** TCP inside the tunnel, to addresses and to names. */
  readonly dialer: ConfirmingDialer;
  /** UDP inside the tunnel. */
  readonly datagramDialer: DatagramDialer;
  protected readonly network: NodeNetwork;
  readonly #inner: InnerNetwork;
  readonly #link: ServerLink;
  readonly #rivals: Rivals | undefined;
  readonly #reconfigurations = new SerialQueue();
  #closed: Promise<void> | undefined;

  private constructor(
    config: TunnelConfig,
    ports: TunnelPorts,
    timestamps: SentTimestamps,
    { watchForRivals = false }: UserspaceOptions,
  ) {
    super();
    const { clock, entropy, log } = ports;
    const timedOutAt = (): number => engine.stack.tcpTimedOutAt;
    const rivals = watchForRivals ? new Rivals(log, clock.now(), timedOutAt) : undefined;
    this.#rivals = rivals;
    const engine = new NetstackEngine(
      {
        ...engineOptions(
          config,
          ports,
          timestamps,
          rivals && ((from, now) => rivals.strangeMessage(from, this.endpoint, now)),
        ),
        addresses: config.addresses,
        congestion: config.congestion,
        unmatched: rivals,
      },
      clock.now(),
    );
    const link = new ServerLink({
      config,
      ports,
      engine,
      timestamps,
      rivals,
      onTurn: () => this.#inner.afterTurn(),
    });
    this.#link = link;
    this.#inner = new InnerNetwork({ config, engine, link, clock, entropy });
    this.dialer = this.#inner.dialer;
    this.datagramDialer = this.#inner.datagramDialer;
    this.network = this.#inner.node;
  }

  /**
   * Starts the search for the Arc server and the handshake; waitForHandshake() tells how that ends.
   * A name that is not found and a network that is not there yet, as at boot, are tried again for as
   * long as the tunnel is open.
   */
  static async open(
    config: TunnelConfig,
    ports: TunnelPorts,
    options: UserspaceOptions = {},
  ): Promise<UserspaceTunnel> {
    const timestamps = await openTimestamps(config, ports);
    const tunnel = new UserspaceTunnel(config, ports, timestamps, options);
    tunnel.#link.start();
    return tunnel;
  }

  /** Where the Arc server is, as far as it is known; undefined before its name is resolved. */
  get endpoint(): Endpoint | undefined {
    return this.#link.endpoint;
  }

  /** When the last handshake was complete, in ms since 1970; undefined before the first. */
  get lastHandshakeUnix(): number | undefined {
    return this.#link.lastHandshakeUnix;
  }

  /**
   * Resolves at once where there is a session, else at the next handshake.
   *
   * @param deadline the `now` of the clock at which the wait ends; Infinity waits for ever
   * @throws TunnelError with what is known of the reason
   */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    return this.#link.waitForHandshake(deadline, signal);
  }

  /** Begins a handshake, unless one was begun less than 5 s ago: the session may have been lost. */
  beginHandshake(): void {
    this.#link.start();
  }

  /**
   * Tells of another tunnel that uses our key, which it takes `watchForRivals` to see. One that is certain
   * is in the log as well.
   *
   * @param listener called at each sign of one, and every 30 s at most for one that is certain, for as long
   *   as there are signs of it; there is one listener
   */
  onRival(listener: (rival: Rival) => void): void {
    this.#rivals?.onRival(listener);
  }

  totals(): TunnelTotals {
    return this.#link.totals();
  }

  /** As Tunnel.status(). */
  status(): Promise<TunnelStatus> {
    return Promise.resolve({
      ...this.#link.status(),
      mode: 'userspace',
      interface: '',
      connections: this.#inner.connections,
    });
  }

  /**
   * As Tunnel.reconfigure(): what was opened inside from an address that is gone ends at once
   * (ECONNABORTED), but for what listens there. How TCP shares the path stays as it is, too.
   *
   * @throws RangeError for addresses that cannot be, or the server's key as our own; nothing has
   *   changed then
   * @throws TunnelError `closing`
   */
  reconfigure(config: TunnelConfig): Promise<void> {
    return this.#reconfigurations.run(async () => {
      const linkChanges = await this.#link.prepare(config);
      if (this.#closed !== undefined) throw notReconfigured();
      this.#inner.reconfigure(config);
      linkChanges();
    });
  }

  /** Packets are about to come, behind a sleep maybe: begins a handshake where they would need one. */
  refreshSession(): void {
    this.#link.refreshSession();
  }

  /** As Tunnel.converse(). */
  converse(): Conversation {
    return this.#link.converse();
  }

  /** To be called before close() where the tunnel ends because the server is silent: dials fail with why. */
  giveUp(): void {
    this.#link.giveUp();
    this.#inner.giveUp();
  }

  /**
   * Closes in order. From now on nothing is opened inside of the tunnel, listeners and UDP sockets are
   * closed, and connections that the program has not ended, and whose every byte has arrived, are
   * reset. The others have the grace period for what was written to be acknowledged, and their end;
   * what is left then is reset. A tunnel that has given its server up does not wait.
   *
   * A later call gets the same promise, and may shorten the time.
   *
   * @throws RangeError for a grace period that is none
   */
  close({ gracePeriod = GRACE_PERIOD }: CloseOptions = {}): Promise<void> {
    // Programs in JavaScript give what they like.
    if (typeof gracePeriod !== 'number' || !(gracePeriod >= 0)) {
      throw new RangeError(`gracePeriod must be 0 or more, not ${gracePeriod}`);
    }
    if (this.#closed === undefined) this.#closed = this.#close(gracePeriod);
    else this.#inner.shortenDrain(gracePeriod);
    return this.#closed;
  }

  async #close(gracePeriod: number): Promise<void> {
    await this.#inner.drain(this.#link.hasGivenUp ? 0 : gracePeriod);
    this.#link.endWaits();
    this.#inner.close();
    await this.#link.close();
  }
}
