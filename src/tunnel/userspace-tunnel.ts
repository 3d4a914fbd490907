/** A tunnel entirely in userspace: our WireGuard and TCP/IP on one UDP socket. */
import type { Crypto } from '../crypto/crypto.js';
import { NetstackEngine, type DeviceEvent, type Peer } from '../engine/netstack-engine.js';
import type { DatagramDialer } from '../proxy/datagram-dialer.js';
import type { ConfirmingDialer } from '../proxy/tcp-exchange.js';
import { Driver } from './driver.js';
import { EndpointSearch } from './endpoint-search.js';
import { endpointText } from './endpoint-text.js';
import { HandshakeWaits } from './handshake-waits.js';
import { InnerNetwork } from './inner-network.js';
import { MovingSocket } from './moving-socket.js';
import type { NodeNetwork } from './node-network.js';
import { NodeTunnel } from './node-tunnel.js';
import type {
  Clock,
  DatagramSockets,
  Endpoint,
  Entropy,
  Log,
  Resolver,
  TimestampRecord,
  TimestampStore,
  TunnelObserver,
  WallClock,
} from './ports.js';
import { ServerAddresses } from './server-addresses.js';
import { ServerSilence } from './server-silence.js';
import type { TunnelConfig } from './tunnel-config.js';
import { TunnelError } from './tunnel-error.js';

export type { CongestionAlgorithm } from '../engine/netstack-engine.js';

/** What the tunnel needs from outside. */
export interface TunnelPorts {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly wallClock: WallClock;
  readonly clock: Clock;
  readonly sockets: DatagramSockets;
  readonly resolver: Resolver;
  readonly log: Log;
  /** Absent: stamps are later than those of this process alone. */
  readonly timestamps?: TimestampStore;
  readonly observer?: TunnelObserver;
}

/** Whole WireGuard messages, as `wg show … transfer` counts them. */
export interface TunnelTotals {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export interface CloseOptions {
  /** Milliseconds that connections have for what was written; 5,000 by default, Infinity for no bound. */
  readonly gracePeriod?: number;
}

/** Two retransmissions of a lost segment at the first RTO of RFC 6298, and the way there and back. */
const GRACE_PERIOD = 5_000;

export class UserspaceTunnel extends NodeTunnel {
  /** TCP inside the tunnel, to addresses and to names. */
  readonly dialer: ConfirmingDialer;
  /** UDP inside the tunnel. */
  readonly datagramDialer: DatagramDialer;
  protected readonly network: NodeNetwork;
  readonly #engine: NetstackEngine;
  readonly #driver: Driver;
  readonly #inner: InnerNetwork;
  readonly #socket: MovingSocket;
  readonly #addresses: ServerAddresses;
  readonly #search: EndpointSearch;
  readonly #peer: Peer;
  readonly #silence: ServerSilence;
  readonly #ports: TunnelPorts;
  readonly #handshakeWaits: HandshakeWaits;
  /** Whether nothing has come from the server for so long that nothing is expected of it. */
  #hasGivenUp = false;
  #closed: Promise<void> | undefined;

  private constructor(
    config: TunnelConfig,
    ports: TunnelPorts,
    timestamps: TimestampRecord | undefined,
  ) {
    super();
    const { clock, log, entropy, wallClock } = ports;
    this.#ports = ports;
    this.#handshakeWaits = new HandshakeWaits(clock);
    this.#socket = new MovingSocket(ports.sockets, clock);
    this.#addresses = new ServerAddresses(config.endpoint, ports);
    const [addresses, socket] = [this.#addresses, this.#socket];
    this.#search = new EndpointSearch({ addresses, clock, log, socket });
    const now = clock.now();
    this.#engine = createEngine(config, ports, timestamps);
    this.#peer = this.#engine.device.addPeer(
      {
        publicKey: config.serverPublicKey,
        persistentKeepalive: config.persistentKeepalive,
        allowedIps: config.allowedIps,
        chooseEndpoint: (moment) => this.#search.choose(moment),
      },
      now,
    );
    const engine = this.#engine;
    const driver = new Driver({
      engine,
      socket,
      clock,
      onEvent: (event) => this.#handleEvent(event),
      onTurn: (moment) => this.#afterTurn(moment),
    });
    this.#driver = driver;
    const { device } = engine;
    this.#search.attach({ device, peer: this.#peer, schedule: () => driver.schedule() });
    socket.onError((error, unsent) => this.#search.sendFailed(error, unsent));
    const [peer, search] = [this.#peer, this.#search];
    const server = config.endpoint;
    this.#silence = new ServerSilence({
      device,
      peer,
      server,
      addresses,
      search,
      clock,
      wallClock,
    });
    this.#inner = new InnerNetwork({
      config,
      engine,
      driver,
      clock,
      entropy,
      silence: this.#silence,
      waitForHandshake: (deadline, signal) => this.waitForHandshake(deadline, signal),
    });
    this.dialer = this.#inner.dialer;
    this.datagramDialer = this.#inner.datagramDialer;
    this.network = this.#inner.node;
  }

  /**
   * Starts the search for the Arc server and the handshake; waitForHandshake() tells how that ends.
   * A name that is not found and a network that is not there yet, as at boot, are tried again for as
   * long as the tunnel is open.
   */
  static async open(config: TunnelConfig, ports: TunnelPorts): Promise<UserspaceTunnel> {
    const publicKey = ports.crypto.publicKey(config.privateKey.expose());
    const timestamps = await ports.timestamps?.open(publicKey);
    const tunnel = new UserspaceTunnel(config, ports, timestamps);
    tunnel.#start();
    return tunnel;
  }

  /** Where the Arc server is, as far as it is known; undefined before its name is resolved. */
  get endpoint(): Endpoint | undefined {
    return this.#peer.endpoint;
  }

  /** When the last handshake was complete, in ms since 1970; undefined before the first. */
  get lastHandshakeUnix(): number | undefined {
    return this.#peer.lastHandshakeUnix;
  }

  /**
   * Resolves at once where there is a session, else at the next handshake.
   *
   * @param deadline the `now` of the clock at which the wait ends; Infinity waits for ever
   * @throws TunnelError with what is known of the reason
   */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    if (this.#peer.hasSession(this.#ports.clock.now())) return Promise.resolve();
    return this.#handshakeWaits.wait(deadline, () => this.#silence.explain(), signal);
  }

  totals(): TunnelTotals {
    return { sentBytes: this.#peer.txBytes, receivedBytes: this.#peer.rxBytes };
  }

  /** To be called before close() where the tunnel ends because the server is silent: dials fail with why. */
  giveUp(): void {
    this.#hasGivenUp = true;
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
      throw new RangeError(`gracePeriod has to be 0 or more, and is ${gracePeriod}`);
    }
    if (this.#closed === undefined) this.#closed = this.#close(gracePeriod);
    else this.#inner.shortenDrain(gracePeriod);
    return this.#closed;
  }

  async #close(gracePeriod: number): Promise<void> {
    await this.#inner.drain(this.#hasGivenUp ? 0 : gracePeriod);
    this.#handshakeWaits.end(closing());
    this.#inner.close();
    this.#driver.close();
    this.#search.close();
    const { sentBytes, receivedBytes } = this.totals();
    this.#engine.close();
    await this.#socket.close();
    this.#ports.log.info({ sentBytes, receivedBytes }, 'tunnel closed');
  }

  #start(): void {
    this.#engine.device.initiateHandshake(this.#peer, this.#ports.clock.now());
    this.#driver.schedule();
    this.#ports.log.debug({ host: this.#addresses.host }, 'handshake started');
  }

  #afterTurn(now: number): void {
    this.#search.afterTurn(now);
    this.#inner.afterTurn();
  }

  #handleEvent(event: DeviceEvent): void {
    const { log } = this.#ports;
    switch (event.type) {
      case 'handshake-complete': {
        const endpoint = event.peer.endpoint && endpointText(event.peer.endpoint);
        log.info({ endpoint }, 'handshake complete');
        this.#hasGivenUp = false;
        this.#handshakeWaits.end();
        break;
      }
      case 'handshake-gave-up': {
        this.#hasGivenUp = true;
        const { reason, why } = this.#silence.explain();
        const next = 'the next packet or keepalive tries again';
        log.warn({ reason }, `no answer to the handshake in 90 s: ${why}; ${next}`);
        break;
      }
      case 'clock-jumped':
        log.info({ byMs: event.by }, 'the clock was set or the machine slept: a new handshake');
        break;
      case 'endpoint-changed':
        this.#search.roamed(event.endpoint);
        log.debug({ endpoint: event.endpoint }, 'the Arc server answers from another address');
        break;
    }
  }
}

function createEngine(
  config: TunnelConfig,
  { crypto, entropy, wallClock, clock, observer }: TunnelPorts,
  timestamps: TimestampRecord | undefined,
): NetstackEngine {
  return new NetstackEngine(
    {
      privateKey: config.privateKey.expose(),
      addresses: config.addresses,
      mtu: config.mtu,
      congestion: config.congestion,
      crypto,
      entropy,
      wallClock,
      lastTimestamp: timestamps?.last,
      onTimestamp: timestamps && ((stamp) => timestamps.save(stamp)),
      onEphemeralKey: observer && ((key) => observer.ephemeralKey(key)),
      onInnerPacket: observer && ((direction, packet) => observer.innerPacket(direction, packet)),
    },
    clock.now(),
  );
}

function closing(): TunnelError {
  return new TunnelError('closing', {
    what: 'no handshake with the Arc server',
    why: 'the tunnel is closing',
  });
}
