/** A tunnel entirely in userspace: our WireGuard and TCP/IP on one UDP socket. */
import type { Crypto } from '../crypto/crypto.js';
import { NetstackEngine, type DeviceEvent, type Peer } from '../engine/netstack-engine.js';
import { abortReason } from '../lib/error-message.js';
import type { DatagramDialer } from '../proxy/datagram-dialer.js';
import type { ConfirmingDialer } from '../proxy/tcp-exchange.js';
import { TunnelDatagramDialer } from './datagram-dialer.js';
import { Driver } from './driver.js';
import { EndpointSearch } from './endpoint-search.js';
import { endpointText } from './endpoint-text.js';
import { MovingSocket } from './moving-socket.js';
import { NameDialer } from './name-dialer.js';
import { NameResolver } from './name-resolver.js';
import { NodeNetwork } from './node-network.js';
import { NodeTunnel } from './node-tunnel.js';
import type {
  Clock,
  DatagramSockets,
  Endpoint,
  Entropy,
  Log,
  Resolver,
  Timer,
  TimestampRecord,
  TimestampStore,
  TunnelObserver,
  WallClock,
} from './ports.js';
import type { PeerSilence } from './route.js';
import { ServerAddresses } from './server-addresses.js';
import type { TunnelConfig } from './tunnel-config.js';
import { TunnelDialer } from './tunnel-dialer.js';
import { type SilenceError, TunnelError, type TunnelSilence } from './tunnel-error.js';
import { silenceError } from './why-silent.js';

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

export class UserspaceTunnel extends NodeTunnel {
  /** TCP inside the tunnel, to addresses and to names. */
  readonly dialer: ConfirmingDialer;
  /** UDP inside the tunnel. */
  readonly datagramDialer: DatagramDialer;
  protected readonly network: NodeNetwork;
  readonly #engine: NetstackEngine;
  readonly #driver: Driver;
  readonly #dialer: TunnelDialer;
  readonly #datagramDialer: TunnelDatagramDialer;
  readonly #names: NameResolver;
  readonly #socket: MovingSocket;
  readonly #addresses: ServerAddresses;
  readonly #search: EndpointSearch;
  readonly #peer: Peer;
  readonly #config: TunnelConfig;
  readonly #ports: TunnelPorts;
  /** Each is called at the next handshake, or with why there will be none. */
  readonly #handshakeWaits = new Set<(failure?: TunnelError) => void>();

  private constructor(
    config: TunnelConfig,
    ports: TunnelPorts,
    timestamps: TimestampRecord | undefined,
  ) {
    super();
    const { clock, log, entropy } = ports;
    this.#config = config;
    this.#ports = ports;
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
      onTurn: (moment) => this.#search.afterTurn(moment),
    });
    this.#driver = driver;
    const { device } = engine;
    this.#search.attach({ device, peer: this.#peer, schedule: () => driver.schedule() });
    socket.onError((error, unsent) => this.#search.sendFailed(error, unsent));
    const silence: PeerSilence = {
      explain: () => this.#explainSilence(),
      blocked: () => (this.#isLost() ? this.#explainSilence() : undefined),
    };
    const { addresses: ownAddresses, mtu } = config;
    const host = { engine, driver, clock, silence, mtu, addresses: ownAddresses };
    this.#dialer = new TunnelDialer(host);
    this.#datagramDialer = new TunnelDatagramDialer({
      ...host,
      waitForHandshake: (deadline, signal) => this.waitForHandshake(deadline, signal),
    });
    this.datagramDialer = this.#datagramDialer;
    this.#names = new NameResolver({
      servers: config.nameServers,
      types: addressTypes(config),
      datagrams: this.#datagramDialer,
      streams: this.#dialer,
      clock,
      entropy,
    });
    this.dialer = new NameDialer(this.#names, this.#dialer, clock);
    const [names, dialer] = [this.#names, this.#dialer];
    this.network = new NodeNetwork({ ...host, entropy, names, dialer });
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

  /**
   * Resolves at once where there is a session, else at the next handshake.
   *
   * @param deadline the `now` of the clock at which the wait ends; Infinity waits for ever
   * @throws TunnelError with what is known of the reason
   */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    if (this.#peer.hasSession(this.#ports.clock.now())) return Promise.resolve();
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const settle = (outcome: () => void) => {
        timer?.cancel();
        this.#handshakeWaits.delete(onHandshake);
        signal?.removeEventListener('abort', onAbort);
        outcome();
      };
      const onHandshake = (failure?: TunnelError) =>
        settle(failure === undefined ? resolve : () => reject(failure));
      const onAbort = () => settle(() => reject(abortReason(signal)));
      if (signal?.aborted === true) {
        reject(abortReason(signal));
        return;
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#handshakeWaits.add(onHandshake);
      if (deadline !== Infinity) {
        const delay = Math.max(0, deadline - this.#ports.clock.now());
        timer = this.#ports.clock.startTimer(delay, () =>
          settle(() => reject(this.#explainSilence())),
        );
      }
    });
  }

  totals(): TunnelTotals {
    return { sentBytes: this.#peer.txBytes, receivedBytes: this.#peer.rxBytes };
  }

  /** To be called before close() where the tunnel ends because the server is silent: dials fail with why. */
  giveUp(): void {
    this.#dialer.giveUp();
  }

  /** Resets what is open, sends that, wipes the keys and closes the socket. */
  async close(): Promise<void> {
    this.#dialer.close();
    this.#names.close();
    this.#datagramDialer.close();
    this.network.close();
    for (const endWait of [...this.#handshakeWaits]) endWait(closing());
    this.#engine.stack.close(this.#ports.clock.now());
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

  #handleEvent(event: DeviceEvent): void {
    const { log } = this.#ports;
    switch (event.type) {
      case 'handshake-complete': {
        const endpoint = event.peer.endpoint && endpointText(event.peer.endpoint);
        log.info({ endpoint }, 'handshake complete');
        for (const onHandshake of [...this.#handshakeWaits]) onHandshake();
        break;
      }
      case 'handshake-gave-up': {
        const { reason, why } = this.#explainSilence();
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

  /** Whether there is no address to send to, and the resolver has none. */
  #isLost(): boolean {
    return this.#peer.endpoint === undefined && this.#addresses.failure !== undefined;
  }

  /** Why nothing comes from the server, for whoever has waited for it in vain. */
  #explainSilence(): SilenceError {
    const { initiations, triedEndpoints, sendError } = this.#search;
    const { endpoint } = this.#peer;
    const current = endpoint === undefined ? [] : [endpointText(endpoint)];
    const reason = this.#silence();
    return silenceError(reason, {
      ...this.#config.endpoint,
      triedEndpoints: triedEndpoints.length > 0 ? triedEndpoints : current,
      initiations,
      error: reason === 'cannot-send' ? sendError : this.#addresses.failure,
      unixMilliseconds: this.#ports.wallClock.unixMilliseconds(),
    });
  }

  #silence(): TunnelSilence {
    if (this.#addresses.count === 0) return 'name-not-found';
    if (this.#search.sendError !== undefined) return 'cannot-send';
    const now = this.#ports.clock.now();
    const known = this.#engine.device.silenceOf(this.#peer, now);
    if (known === 'no-answer' && this.#addresses.failure !== undefined) return 'name-not-found';
    if (known !== undefined) return known;
    const isRenewed = this.#peer.hasSession(now) && this.#peer.handshakeBeganAt === undefined;
    return isRenewed ? 'no-data-back' : 'no-answer';
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

/** A family in which we have no address cannot be dialled. */
function addressTypes({ addresses }: TunnelConfig): readonly ('A' | 'AAAA')[] {
  const has = (length: number): boolean => addresses.some((address) => address.length === length);
  return [...(has(4) ? (['A'] as const) : []), ...(has(16) ? (['AAAA'] as const) : [])];
}
