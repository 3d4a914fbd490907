/**
 * The way to the Arc server, whatever the packets come from: an engine on a socket, the search for the
 * server, its handshake, and what is known of its silence.
 */
import type { DeviceEvent, Engine, EngineOptions, Peer } from '../engine/engine.js';
import type { Crypto } from '../crypto/crypto.js';
import { Driver } from './driver.js';
import { EndpointSearch } from './endpoint-search.js';
import { endpointText } from './endpoint-text.js';
import { HandshakeWaits } from './handshake-waits.js';
import { MovingSocket } from './moving-socket.js';
import { healthOf, keyText, peerStatuses, unansweredHandshake } from './link-status.js';
import type {
  Clock,
  Conversation,
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
import { formatIpAddress } from '../wire/ip-address.js';
import type { TunnelConfig } from './tunnel-config.js';
import { TunnelError } from './tunnel-error.js';
import type { TunnelStatus } from './tunnel-status.js';
import { type UapiHost, UapiSession } from './uapi-session.js';

/** What a tunnel needs from outside. */
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

export interface ServerLinkOptions {
  readonly config: TunnelConfig;
  readonly ports: TunnelPorts;
  /** Without a peer; the link adds the server, and closes the engine. */
  readonly engine: Engine;
  /** Called at the end of each turn of the driver. */
  readonly onTurn?: () => void;
}

export class ServerLink {
  readonly driver: Driver;
  readonly silence: ServerSilence;
  readonly #engine: Engine;
  readonly #socket: MovingSocket;
  readonly #addresses: ServerAddresses;
  readonly #search: EndpointSearch;
  readonly #peer: Peer;
  readonly #ports: TunnelPorts;
  readonly #config: TunnelConfig;
  readonly #openedUnix: number;
  readonly #handshakeWaits: HandshakeWaits;
  #hasGivenUp = false;

  constructor({ config, ports, engine, onTurn }: ServerLinkOptions) {
    const { clock, log, wallClock } = ports;
    this.#ports = ports;
    this.#config = config;
    this.#openedUnix = wallClock.unixMilliseconds();
    this.#engine = engine;
    this.#handshakeWaits = new HandshakeWaits(clock);
    const socket = new MovingSocket(ports.sockets, clock);
    this.#socket = socket;
    const addresses = new ServerAddresses(config.endpoint, ports);
    this.#addresses = addresses;
    const search = new EndpointSearch({ addresses, clock, log, socket });
    this.#search = search;
    const { device } = engine;
    const peer = device.addPeer(
      {
        publicKey: config.serverPublicKey,
        persistentKeepalive: config.persistentKeepalive,
        allowedIps: config.allowedIps,
        chooseEndpoint: (moment) => search.choose(moment),
      },
      clock.now(),
    );
    this.#peer = peer;
    const driver = new Driver({
      engine,
      socket,
      clock,
      onEvent: (event) => this.#handleEvent(event),
      onTurn: (moment) => {
        search.afterTurn(moment);
        onTurn?.();
      },
    });
    this.driver = driver;
    search.attach({ device, peer, schedule: () => driver.schedule() });
    socket.onError((error, unsent) => search.sendFailed(error, unsent));
    const server = config.endpoint;
    this.silence = new ServerSilence({ device, peer, server, addresses, search, clock, wallClock });
  }

  /** Where the Arc server is, as far as it is known; undefined before its name is resolved. */
  get endpoint(): Endpoint | undefined {
    return this.#peer.endpoint;
  }

  /** When the last handshake was complete, in ms since 1970; undefined before the first. */
  get lastHandshakeUnix(): number | undefined {
    return this.#peer.lastHandshakeUnix;
  }

  /** Nothing has come from the server for so long that nothing is expected of it. */
  get hasGivenUp(): boolean {
    return this.#hasGivenUp;
  }

  /** The mark of what is sent from now on, for rules of routing. To be called before start(). */
  async setMark(fwmark: number): Promise<void> {
    await this.#socket.rebind({ fwmark });
  }

  /** Begins the search for the server, and the handshake. */
  start(): void {
    this.#engine.device.initiateHandshake(this.#peer, this.#ports.clock.now());
    this.driver.schedule();
    this.#ports.log.debug({ host: this.#addresses.host }, 'handshake started');
  }

  /**
   * Resolves at once where there is a session, else at the next handshake.
   *
   * @param deadline the `now` of the clock at which the wait ends; Infinity waits for ever
   * @throws TunnelError with what is known of the reason
   */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    if (this.#peer.hasSession(this.#ports.clock.now())) return Promise.resolve();
    return this.#handshakeWaits.wait(deadline, () => this.silence.explain(), signal);
  }

  totals(): TunnelTotals {
    return { sentBytes: this.#peer.txBytes, receivedBytes: this.#peer.rxBytes };
  }

  /** What the link itself knows of the tunnel. */
  status(): Omit<TunnelStatus, 'mode' | 'interface' | 'connections'> {
    const { device } = this.#engine;
    const { mtu, addresses } = this.#config;
    const now = this.driver.now();
    const health = healthOf(device, this.#peer, { hasGivenUp: this.#hasGivenUp, now });
    return {
      publicKey: keyText(device.publicKey),
      listenPort: this.#socket.localPort,
      fwmark: this.#socket.fwmark,
      mtu,
      addresses: addresses.map((address) => formatIpAddress(address)),
      health,
      silence: health === 'up' ? undefined : this.#whySilent(),
      unanswered: unansweredHandshake(this.#peer, this.silence, now),
      openedUnix: this.#openedUnix,
      peers: peerStatuses(device, this.#peer),
    };
  }

  /** Somebody who looks at the tunnel, or changes it, by WireGuard's userspace interface. */
  converse(): Conversation {
    return new UapiSession(this.#uapiHost());
  }

  /** The tunnel ends because the server is silent. */
  giveUp(): void {
    this.#hasGivenUp = true;
  }

  /** Ends all waits; what comes to wait later fails as well. */
  endWaits(): void {
    this.#handshakeWaits.end(closing());
  }

  /** Sends what is queued, wipes the keys and closes the socket. */
  async close(): Promise<void> {
    this.driver.close();
    this.#search.close();
    const { sentBytes, receivedBytes } = this.totals();
    this.#engine.close();
    await this.#socket.close();
    this.#ports.log.info({ sentBytes, receivedBytes }, 'tunnel closed');
  }

  #whySilent(): TunnelStatus['silence'] {
    const { reason, why } = this.silence.explain();
    return { reason, why };
  }

  #uapiHost(): UapiHost {
    const [socket, search, driver] = [this.#socket, this.#search, this.driver];
    return {
      device: this.#engine.device,
      get listenPort() {
        return socket.localPort;
      },
      get fwmark() {
        return socket.fwmark;
      },
      rebind: (change) => socket.rebind(change),
      moved: (peer, endpoint) => {
        if (peer === this.#peer) search.roamed(endpoint);
      },
      changed: () => driver.schedule(),
      now: () => driver.now(),
    };
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
        const { reason, why } = this.silence.explain();
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

/** What an engine of this tunnel is made with; `timestamps` is the record of its key. */
export function engineOptions(
  config: TunnelConfig,
  { crypto, entropy, wallClock, observer }: TunnelPorts,
  timestamps: TimestampRecord | undefined,
): EngineOptions {
  return {
    privateKey: config.privateKey.expose(),
    mtu: config.mtu,
    crypto,
    entropy,
    wallClock,
    lastTimestamp: timestamps?.last,
    onTimestamp: timestamps && ((stamp) => timestamps.save(stamp)),
    onEphemeralKey: observer && ((key) => observer.ephemeralKey(key)),
    onInnerPacket: observer && ((direction, packet) => observer.innerPacket(direction, packet)),
  };
}

function closing(): TunnelError {
  return new TunnelError('closing', {
    what: 'no handshake with the Arc server',
    why: 'the tunnel is closing',
  });
}
