/**
 * The connection to the Arc server in either mode: an engine on a socket, the endpoint search, the
 * handshake, and the explanation if the server is silent.
 */
import { formatKey } from '../../lib/text/key-text.js';
import { sameBytes } from '../../lib/same-bytes.js';
import type { DeviceEvent, Engine } from '../../engine/engine.js';
import { ArcServerPeer, isSameServer, requireServer, sameAllowedIps } from './arc-server-peer.js';
import { Driver } from '../driver.js';
import { endpointText } from './endpoint-text.js';
import { HandshakeWaits } from './handshake-waits.js';
import { MovingSocket } from './moving-socket.js';
import { outstandingReplies, healthOf, peerStatuses, rivalOf, whySilent } from './link-status.js';
import type { Endpoint } from '../../ports/datagram.js';
import type { Conversation } from '../../ports/local-sockets.js';
import { ASKED_AGAIN_AFTER, type Rivals } from '../rivals/rivals.js';
import type { PeerSilence } from './route.js';
import type { SentTimestamps } from './sent-timestamps.js';
import { formatIpAddress, type IpPrefix } from '../../wire/ip-address.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { TunnelPorts } from '../tunnel-ports.js';
import { closingLink } from '../tunnel-error.js';
import type { TunnelStatus } from '../tunnel-status.js';
import type { TrafficAccount } from '../traffic/traffic-account.js';
import type { BudgetGate } from '../traffic/budget-gate.js';
import { OuterTraffic } from '../traffic/outer-traffic.js';
import { accountName, openAccount, openGate, trafficStatus } from '../traffic/traffic-status.js';
import { type UapiHost, UapiSession } from '../uapi/uapi-session.js';

/** The size in bytes of all WireGuard messages, as counted by `wg show … transfer`. */
export interface TunnelTotals {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export interface ServerLinkOptions {
  readonly config: TunnelConfig;
  readonly ports: TunnelPorts;
  /**
   * An engine without peers. The link adds the server as a peer, and closes the engine at the end.
   */
  readonly engine: Engine;
  /** The timestamps that the engine was created with. */
  readonly timestamps: SentTimestamps;
  /** Called at the end of each turn of the driver. */
  readonly onTurn?: () => void;
  /** Called after each handshake with the Arc server. */
  readonly onHandshake?: () => void;
  /** Observes the server's sessions to detect another tunnel with the same key. */
  readonly rivals?: Rivals | undefined;
}

export class ServerLink {
  readonly driver: Driver;
  /** Explains the silence of the current server. */
  readonly silence: PeerSilence;
  /** Refuses new work after the traffic budget is used up; undefined without a budget. */
  readonly budget: BudgetGate | undefined;
  readonly #engine: Engine;
  readonly #socket: MovingSocket;
  readonly #ports: TunnelPorts;
  readonly #timestamps: SentTimestamps;
  #config: TunnelConfig;
  #server: ArcServerPeer;
  /** The traffic exchanged with previous servers, in bytes. */
  #formerTotals: TunnelTotals = { sentBytes: 0, receivedBytes: 0 };
  readonly #openedUnix: number;
  readonly #traffic = new OuterTraffic();
  readonly #account: TrafficAccount | undefined;
  readonly #handshakeWaits: HandshakeWaits;
  readonly #onHandshake: (() => void) | undefined;
  readonly #rivals: Rivals | undefined;
  #hasGivenUp = false;

  constructor(options: ServerLinkOptions) {
    const { config, ports, engine, timestamps, onTurn, rivals } = options;
    const { clock, wallClock } = ports;
    this.#onHandshake = options.onHandshake;
    this.#ports = ports;
    this.#config = config;
    this.#openedUnix = wallClock.unixMilliseconds();
    this.#engine = engine;
    this.#timestamps = timestamps;
    this.#handshakeWaits = new HandshakeWaits(clock);
    this.#rivals = rivals;
    const socket = new MovingSocket(ports.sockets, clock, this.#traffic);
    this.#account = openAccount(config, ports, this.#traffic);
    this.budget = openGate(config, ports, this.#traffic, this.#account);
    this.#socket = socket;
    this.#server = this.#addServer(config, config.allowedIps);
    this.driver = new Driver({
      engine,
      socket,
      clock,
      onEvent: (event) => this.#handleEvent(event),
      onTurn: (moment) => {
        this.#server.search.afterTurn(moment);
        this.#lookForRivals(moment);
        this.budget?.afterTurn();
        onTurn?.();
      },
    });
    socket.onError = (error, unsent) => this.#server.search.sendFailed(error, unsent);
    this.silence = {
      explain: () => this.#server.silence.explain(),
      blocked: () => this.#server.silence.blocked(),
    };
  }

  /** The Arc server's endpoint; undefined before its name is resolved. */
  get endpoint(): Endpoint | undefined {
    return this.#server.peer.endpoint;
  }

  /** The time of the last handshake, in milliseconds since 1970; undefined before the first. */
  get lastHandshakeUnix(): number | undefined {
    return this.#server.peer.lastHandshakeUnix;
  }

  /** Whether the tunnel has given up because the server has been silent for too long. */
  get hasGivenUp(): boolean {
    return this.#hasGivenUp;
  }

  /**
   * Sets the mark on sent datagrams, for routing rules; 0 for no mark.
   * @throws Error with the system's `code`; the mark is then unchanged
   */
  async setMark(fwmark: number): Promise<void> {
    await this.#socket.rebind({ fwmark });
  }

  /** Resolves when the stored traffic of earlier processes is known. */
  async trafficKnown(): Promise<void> {
    await this.#account?.saved;
  }

  start(): void {
    this.#engine.device.initiateHandshake(this.#server.peer, this.#ports.clock.now());
    this.driver.schedule();
    this.#ports.log.debug({ host: this.#config.endpoint.host }, 'handshake started');
  }

  /** Starts a handshake if packets would need one; see Device.refreshSession(). */
  refreshSession(): void {
    this.#engine.device.refreshSession(this.#server.peer, this.#ports.clock.now());
    this.driver.schedule();
  }

  /**
   * Prepares another configuration.
   *
   * @returns a function that applies changes to the key, server, allowed IPs and keepalive; call it
   * immediately. The function begins a handshake if the session cannot survive the changes; pending
   * waits then wait for this handshake. Peers that UAPI clients added remain.
   * @throws RangeError for an invalid server
   */
  async prepare(config: TunnelConfig): Promise<() => void> {
    const { privateKey } = config;
    const { crypto, log } = this.#ports;
    const publicKey = crypto.publicKey(privateKey.expose());
    requireServer(config, publicKey);
    const keyChanges = await this.#prepareKey(privateKey.expose());
    return () => {
      const { device } = this.#engine;
      const isOtherKey = !sameBytes(device.publicKey, publicKey);
      if (isOtherKey) {
        keyChanges();
        device.setPrivateKey(privateKey.expose());
      }
      const isOtherServer = this.#follow(config);
      if (isOtherKey || isOtherServer) {
        this.#hasGivenUp = false;
        this.#rivals?.restart(this.driver.now());
        log.info(
          config.endpoint,
          'the key or the Arc server has changed: starting a new handshake',
        );
        this.start();
      }
      this.driver.schedule();
    };
  }

  /**
   * Resolves immediately if a session exists, otherwise at the next handshake.
   *
   * @param deadline the time on the clock at which the wait ends; Infinity waits forever
   * @throws TunnelError with the reason, if known
   */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    if (this.#server.peer.hasSession(this.#ports.clock.now())) return Promise.resolve();
    return this.#handshakeWaits.wait(deadline, () => this.silence.explain(), signal);
  }

  totals(): TunnelTotals {
    const { sentBytes, receivedBytes } = this.#formerTotals;
    const { txBytes, rxBytes } = this.#server.peer;
    return { sentBytes: sentBytes + txBytes, receivedBytes: receivedBytes + rxBytes };
  }

  /** Returns the parts of the tunnel status that the link knows. */
  status(): Omit<TunnelStatus, 'mode' | 'interface' | 'connections'> {
    const { device } = this.#engine;
    const { mtu, addresses } = this.#config;
    const now = this.driver.now();
    const { peer } = this.#server;
    const { cannotSend } = this.#server.search;
    const health = healthOf(device, peer, { hasGivenUp: this.#hasGivenUp, cannotSend, now });
    return {
      publicKey: formatKey(device.publicKey),
      listenPort: this.#socket.localPort,
      fwmark: this.#socket.fwmark,
      mtu,
      addresses: addresses.map((address) => formatIpAddress(address)),
      health,
      silence: health === 'up' ? undefined : whySilent(this.silence),
      ...outstandingReplies(this.#server.peer, this.silence, now),
      rival: rivalOf(this.#rivals, now, this.#ports.wallClock),
      openedUnix: this.#openedUnix,
      peers: peerStatuses(device, this.#server.peer),
      traffic: trafficStatus(this.#traffic, this.#account, this.budget),
    };
  }

  /** Starts a conversation with a client of WireGuard's userspace API. */
  converse(): Conversation {
    return new UapiSession(this.#uapiHost());
  }

  /** Records that the tunnel ends because the server is silent. */
  giveUp(): void {
    this.#hasGivenUp = true;
  }

  /** Ends all waits; later waits fail too. */
  endWaits(): void {
    this.#handshakeWaits.end(closingLink());
  }

  /** Sends queued datagrams, wipes the keys and closes the socket. */
  async close(): Promise<void> {
    this.driver.close();
    this.#server.search.close();
    const { sentBytes, receivedBytes } = this.totals();
    this.#engine.close();
    await this.#socket.close();
    // The socket sends nothing any more, so other tunnels may use the memory.
    this.#engine.discard();
    this.budget?.close();
    await this.#account?.close();
    this.#ports.log.info({ sentBytes, receivedBytes }, 'tunnel closed');
  }

  #lookForRivals(now: number): void {
    const { peer } = this.#server;
    if (this.#rivals?.afterTurn(peer, now) !== true) return;
    this.#engine.device.initiateHandshake(peer, now);
    this.driver.schedule();
    // Run another turn soon: WireGuard may not allow the handshake yet (whitepaper 6.1), and TCP's
    // next retry may be much later.
    this.driver.startTimer(ASKED_AGAIN_AFTER, () => this.driver.schedule());
  }

  #addServer(config: TunnelConfig, allowedIps: readonly IpPrefix[]): ArcServerPeer {
    return new ArcServerPeer({
      config,
      allowedIps,
      ports: this.#ports,
      device: this.#engine.device,
      socket: this.#socket,
      schedule: () => this.driver.schedule(),
    });
  }

  /** Applies the configuration; returns true if the server or its endpoint has changed. */
  #follow(config: TunnelConfig): boolean {
    const [before, old] = [this.#config, this.#server];
    // The interface keeps the MTU that it was opened with.
    this.#config = { ...config, mtu: before.mtu };
    this.#account?.follow(accountName(config, this.#ports));
    if (isSameServer(before, config) && !old.peer.isRemoved) {
      old.reconfigure(before, config, this.driver.now());
      return false;
    }
    const isKept = sameAllowedIps(before, config) && !old.peer.isRemoved;
    const allowedIps = isKept ? old.allowedIps : config.allowedIps;
    this.#formerTotals = this.totals();
    old.remove();
    // A UAPI client may already have added the new server as a peer.
    const same = this.#engine.device.peerOf(config.serverPublicKey);
    if (same !== undefined) this.#engine.device.removePeer(same);
    this.#server = this.#addServer(config, allowedIps);
    return true;
  }

  /** @returns a function to call when the private key changes */
  async #prepareKey(privateKey: Uint8Array): Promise<() => void> {
    const publicKey = this.#ports.crypto.publicKey(privateKey);
    const keepByKey = await this.#timestamps.prepare(publicKey);
    return () => {
      keepByKey();
      const { last } = this.#timestamps;
      if (last !== undefined) this.#engine.device.stampLaterThan(last);
    };
  }

  #uapiHost(): UapiHost {
    const [socket, driver] = [this.#socket, this.driver];
    return {
      device: this.#engine.device,
      get listenPort() {
        return socket.localPort;
      },
      get fwmark() {
        return socket.fwmark;
      },
      rebind: (change) => socket.rebind(change),
      prepareKey: (privateKey) => this.#prepareKey(privateKey),
      moved: (peer, endpoint) => {
        if (peer === this.#server.peer) this.#server.search.roamed(endpoint);
      },
      changed: () => driver.schedule(),
      now: () => driver.now(),
    };
  }

  #handleEvent(event: DeviceEvent): void {
    const { log } = this.#ports;
    // Ignore events from a former server, or from a peer that a UAPI client added.
    if ('peer' in event && event.peer !== this.#server.peer) return;
    switch (event.type) {
      case 'handshake-complete': {
        const endpoint = event.peer.endpoint && endpointText(event.peer.endpoint);
        log.info({ endpoint }, 'handshake complete');
        this.#rivals?.handshakeComplete(event.peer, event.now);
        this.#hasGivenUp = false;
        this.#handshakeWaits.end();
        this.#onHandshake?.();
        break;
      }
      case 'handshake-gave-up': {
        this.#hasGivenUp = true;
        const { reason, why } = this.silence.explain();
        const next = 'the next packet or keepalive will start another attempt';
        log.warn({ reason }, `no response to the handshake within 90 s: ${why}; ${next}`);
        break;
      }
      case 'clock-jumped':
        log.info(
          { byMs: event.by },
          'the clock was changed or the machine slept: starting a new handshake',
        );
        break;
      case 'endpoint-changed':
        this.#server.search.roamed(event.endpoint);
        log.debug({ endpoint: event.endpoint }, 'the Arc server is answering from another address');
        break;
    }
  }
}
