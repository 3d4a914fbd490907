/** A tunnel entirely in userspace: WireGuard and TCP/IP on one UDP socket. */
import type { EventEmitter } from 'node:events';

import { NetstackEngine } from '../engine/netstack-engine.js';
import type { DatagramPorts, PushingDatagramDialer } from '../proxy/datagram-dialer.js';
import type { EchoDialer } from '../proxy/echo-dialer.js';
import type { ConfirmingDialer } from '../proxy/tcp-exchange.js';
import { HealthWatch } from './health-watch.js';
import { InnerNetwork } from './inner-network.js';
import type { NodeNetwork } from './node/node-network.js';
import { NodeTunnel } from './node/node-tunnel.js';
import { ping, type PingOptions, type PingReply } from './node/ping.js';
import { SerialQueue } from '../lib/serial-queue.js';
import type { Endpoint } from '../ports/datagram.js';
import type { Conversation } from '../ports/local-sockets.js';
import { Rivals, type Rival } from './rivals/rivals.js';
import type { SentTimestamps } from './server/sent-timestamps.js';
import { ServerLink, type TunnelTotals } from './server/server-link.js';
import type { TunnelPorts } from './tunnel-ports.js';
import { engineOptions, lastingSequences, openTimestamps } from './server/engine-options.js';
import type { Tunnel } from './tunnel.js';
import type { TunnelConfig } from './tunnel-config.js';
import { notReconfigured } from './tunnel-error.js';
import { outerOverhead } from './traffic/outer-traffic.js';
import type { TunnelStatus } from './tunnel-status.js';

export type { CongestionAlgorithm } from '../engine/netstack-engine.js';
export type { Rival } from './rivals/rivals.js';

export interface CloseOptions {
  /**
   * How long, in ms, connections may take to deliver written data: 5,000 by default, Infinity for
   * no limit.
   */
  readonly gracePeriod?: number;
}

export interface UserspaceOptions {
  /**
   * Whether to watch for another tunnel with the same key. onRival() reports such a tunnel. Packets
   * for unknown connections then get no RST, because an RST would end the other tunnel's
   * connection.
   */
  readonly watchForRivals?: boolean;
}

/**
 * The default grace period in milliseconds: two retransmissions of a lost segment at the first RTO
 * of RFC 6298, plus the round trip.
 */
const GRACE_PERIOD = 5_000;

export class UserspaceTunnel extends NodeTunnel implements Tunnel {
  readonly dialer: ConfirmingDialer;
  readonly datagramDialer: PushingDatagramDialer;
  readonly datagramPorts: DatagramPorts;
  readonly echoDialer: EchoDialer;
  protected readonly network: NodeNetwork;
  readonly #inner: InnerNetwork;
  readonly #link: ServerLink;
  readonly #rivals: Rivals | undefined;
  readonly #reconfigurations = new SerialQueue();
  readonly #watch: HealthWatch;
  #closed: Promise<void> | undefined;
  #beforeClose: () => Promise<void> = () => Promise.resolve();

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
        sequences: lastingSequences(config, ports),
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
      // Emit the event later, because a listener may throw or call the tunnel.
      onHandshake: () => clock.defer(() => this.emit('handshake')),
    });
    this.#link = link;
    this.#watch = new HealthWatch(
      clock,
      () => link.status(),
      ({ health, silence }) => {
        if (health === 'up') this.emit('up');
        else if (health === 'stale' && silence !== undefined) this.emit('stale', silence);
      },
    );
    (this as EventEmitter).on('newListener', (name: string) => {
      const isOpen = this.#closed === undefined;
      if (isOpen && (name === 'up' || name === 'stale')) this.#watch.start();
    });
    this.#inner = new InnerNetwork({ config, engine, link, clock, entropy, log });
    this.dialer = this.#inner.dialer;
    this.datagramDialer = this.#inner.datagramDialer;
    this.datagramPorts = this.#inner.datagramPorts;
    this.echoDialer = this.#inner.echoDialer;
    this.network = this.#inner.node;
  }

  /**
   * Starts the search for the Arc server and the handshake; waitForHandshake() reports the result.
   * While the tunnel is open, it retries if the name is not found or the network is not up yet, as
   * at boot.
   */
  static async open(
    config: TunnelConfig,
    ports: TunnelPorts,
    options: UserspaceOptions = {},
  ): Promise<UserspaceTunnel> {
    const timestamps = await openTimestamps(config, ports);
    const tunnel = new UserspaceTunnel(config, ports, timestamps, options);
    // Otherwise, the first connections would be allowed although the budget is used up.
    if (config.budget !== undefined) await tunnel.#link.trafficKnown();
    tunnel.#link.start();
    return tunnel;
  }

  /** The Arc server's endpoint; undefined before its name is resolved. */
  get endpoint(): Endpoint | undefined {
    return this.#link.endpoint;
  }

  /** The time of the last handshake, in milliseconds since 1970; undefined before the first. */
  get lastHandshakeUnix(): number | undefined {
    return this.#link.lastHandshakeUnix;
  }

  /**
   * Resolves immediately if a session exists, otherwise at the next handshake.
   *
   * @param deadline the time on the clock at which the wait ends; Infinity waits forever
   * @throws TunnelError with the reason, if known
   */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    return this.#link.waitForHandshake(deadline, signal);
  }

  /** Starts a handshake because the session may be lost, unless one started within the last 5 s. */
  beginHandshake(): void {
    this.#link.start();
  }

  /**
   * Reports another tunnel that is using this tunnel's key; requires `watchForRivals`. A confirmed
   * rival is also logged.
   *
   * @param listener called at each sign of a rival, but at most every 30 s if the rival is
   * confirmed; replaces the previous listener
   */
  onRival(listener: (rival: Rival) => void): void {
    this.#rivals?.onRival(listener);
  }

  /**
   * Pings a host inside the tunnel, and resolves with the first reply.
   *
   * @param host an IP address, or a name to resolve inside the tunnel
   * @throws DialError `timeout` if no reply arrives, `unreachable` after an ICMP error, or the reason
   * why nothing could be sent
   * @throws RangeError for an option that is out of range, or a size that does not fit into a packet
   */
  ping(host: string, options?: PingOptions): Promise<PingReply> {
    return ping(this.echoDialer, host, options);
  }

  totals(): TunnelTotals {
    return this.#link.totals();
  }

  /** See Tunnel.status(). */
  status(): Promise<TunnelStatus> {
    const { traffic, ...link } = this.#link.status();
    const family = this.endpoint?.address.includes(':') === true ? 6 : 4;
    const retransmittedBytes = this.#inner.retransmittedBytes(outerOverhead(family));
    return Promise.resolve({
      ...link,
      traffic: traffic && { ...traffic, retransmittedBytes },
      mode: 'userspace',
      interface: '',
      connections: this.#inner.connections,
    });
  }

  /**
   * See Tunnel.reconfigure(). Sockets inside the tunnel that use a removed address end immediately
   * (ECONNABORTED), except listeners. TCP's congestion control does not change.
   *
   * @throws RangeError for invalid addresses, or a server key that equals the tunnel's own key;
   * nothing was changed
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

  /**
   * Starts a handshake if the next packet would need one. Call this before sending, for example
   * after a sleep.
   */
  refreshSession(): void {
    this.#link.refreshSession();
  }

  /** See Tunnel.converse(). */
  converse(): Conversation {
    return this.#link.converse();
  }

  /** Makes dials fail with the reason for the silence; call before close(). */
  giveUp(): void {
    this.#link.giveUp();
    this.#inner.giveUp();
  }

  /**
   * Sets what must end before the tunnel's socket closes, such as the renewal of its session.
   * @param handler called once by close(); must not reject; replaces the previous handler
   */
  beforeClose(handler: () => Promise<void>): void {
    this.#beforeClose = handler;
  }

  /**
   * Closes the tunnel. Nothing more can be opened inside the tunnel; listeners and UDP sockets
   * close. Connections that the program has not ended are reset if all their data has arrived. All
   * other connections are reset if their data and FIN are not acknowledged within the grace period.
   * A tunnel that has given up on its server does not wait.
   *
   * A later call returns the same promise, and may shorten the grace period.
   *
   * @throws RangeError for an invalid grace period
   */
  close({ gracePeriod = GRACE_PERIOD }: CloseOptions = {}): Promise<void> {
    // JavaScript callers may pass any value.
    if (typeof gracePeriod !== 'number' || !(gracePeriod >= 0)) {
      throw new RangeError(`gracePeriod must be 0 or more, not ${gracePeriod}`);
    }
    if (this.#closed === undefined) this.#closed = this.#close(gracePeriod);
    else this.#inner.shortenDrain(gracePeriod);
    return this.#closed;
  }

  /** Closes the tunnel at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(gracePeriod: number): Promise<void> {
    this.#watch.stop();
    const ended = this.#beforeClose();
    // Begin to drain before anything else is awaited, because another close() may shorten the drain.
    await this.#inner.drain(this.#link.hasGivenUp ? 0 : gracePeriod);
    await this.endFetches();
    await ended;
    this.#link.endWaits();
    this.#inner.close();
    await this.#link.close();
  }
}
