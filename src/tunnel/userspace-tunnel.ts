/** A tunnel entirely in userspace: our WireGuard and TCP/IP on one UDP socket. */
import type { Crypto } from '../crypto/crypto.js';
import { NetstackEngine, type DeviceEvent, type Peer } from '../engine/netstack-engine.js';
import { abortReason, messageOf } from '../lib/error-message.js';
import type { DatagramDialer } from '../proxy/datagram-dialer.js';
import type { ConfirmingDialer } from '../proxy/tcp-exchange.js';
import { TunnelDatagramDialer } from './datagram-dialer.js';
import { Driver } from './driver.js';
import { locateEndpoint } from './endpoint.js';
import type {
  Clock,
  DatagramSocket,
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
import type { TunnelConfig } from './tunnel-config.js';
import { TunnelDialer } from './tunnel-dialer.js';
import { TunnelError } from './tunnel-error.js';

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

export class UserspaceTunnel {
  /** TCP inside the tunnel. */
  readonly dialer: ConfirmingDialer;
  /** UDP inside the tunnel. */
  readonly datagramDialer: DatagramDialer;
  readonly endpoint: Endpoint;
  readonly #engine: NetstackEngine;
  readonly #driver: Driver;
  readonly #dialer: TunnelDialer;
  readonly #datagramDialer: TunnelDatagramDialer;
  readonly #socket: DatagramSocket;
  readonly #peer: Peer;
  readonly #ports: TunnelPorts;
  #lastSocketError: Error | undefined;
  /** Each is called at the next handshake, or with why there will be none. */
  readonly #handshakeWaits = new Set<(failure?: TunnelError) => void>();

  private constructor(
    config: TunnelConfig,
    ports: TunnelPorts,
    endpoint: Endpoint,
    socket: DatagramSocket,
    timestamps: TimestampRecord | undefined,
  ) {
    const { crypto, entropy, wallClock, clock, observer } = ports;
    const now = clock.now();
    this.endpoint = endpoint;
    this.#ports = ports;
    this.#socket = socket;
    this.#engine = new NetstackEngine(
      {
        privateKey: config.privateKey.expose(),
        addresses: [config.address],
        mtu: config.mtu,
        crypto,
        entropy,
        wallClock,
        lastTimestamp: timestamps?.last,
        onTimestamp: timestamps && ((stamp) => timestamps.save(stamp)),
        onEphemeralKey: observer && ((key) => observer.ephemeralKey(key)),
        onInnerPacket: observer && ((direction, packet) => observer.innerPacket(direction, packet)),
      },
      now,
    );
    this.#peer = this.#engine.device.addPeer(
      {
        publicKey: config.serverPublicKey,
        endpoint,
        persistentKeepalive: config.persistentKeepalive,
        allowedIps: config.allowedIps,
      },
      now,
    );
    this.#driver = new Driver({
      engine: this.#engine,
      socket,
      clock,
      onEvent: (event) => this.#handleEvent(event),
    });
    socket.onError((error) => this.#handleSocketError(error));
    this.#dialer = new TunnelDialer(this.#engine, this.#driver, clock);
    this.dialer = this.#dialer;
    this.#datagramDialer = new TunnelDatagramDialer({
      engine: this.#engine,
      driver: this.#driver,
      mtu: config.mtu,
      waitForHandshake: (deadline, signal) => this.waitForHandshake(deadline, signal),
    });
    this.datagramDialer = this.#datagramDialer;
  }

  /**
   * Finds the Arc server, opens the socket and starts the handshake at once.
   *
   * @param deadline the `now` of the clock at which the search for the server's address ends
   * @throws TunnelError when the server has no address or no socket can be had
   */
  static async open(
    config: TunnelConfig,
    ports: TunnelPorts,
    deadline: number,
    signal?: AbortSignal,
  ): Promise<UserspaceTunnel> {
    const endpoint = await locateEndpoint(config.endpoint, ports, deadline, signal);
    const local = endpoint.address.includes(':') ? '::' : '0.0.0.0';
    const socket = await ports.sockets.open({ address: local, port: 0 }).catch((error: unknown) => {
      throw new TunnelError(
        { what: 'cannot open a UDP socket', why: messageOf(error) },
        { cause: error },
      );
    });
    const publicKey = ports.crypto.publicKey(config.privateKey.expose());
    const timestamps = await ports.timestamps?.open(publicKey);
    const tunnel = new UserspaceTunnel(config, ports, endpoint, socket, timestamps);
    tunnel.#start();
    return tunnel;
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
          settle(() => reject(this.#noHandshake())),
        );
      }
    });
  }

  totals(): TunnelTotals {
    return { sentBytes: this.#peer.txBytes, receivedBytes: this.#peer.rxBytes };
  }

  /** Resets what is open, sends that, wipes the keys and closes the socket. */
  async close(): Promise<void> {
    this.#dialer.close();
    this.#datagramDialer.close();
    for (const endWait of [...this.#handshakeWaits]) endWait(closing());
    this.#engine.stack.close(this.#ports.clock.now());
    this.#driver.close();
    const { sentBytes, receivedBytes } = this.totals();
    this.#engine.close();
    await this.#socket.close();
    this.#ports.log.info({ sentBytes, receivedBytes }, 'tunnel closed');
  }

  #start(): void {
    const now = this.#ports.clock.now();
    this.#engine.device.initiateHandshake(this.#peer, now);
    this.#driver.schedule();
    this.#ports.log.debug(
      { endpoint: this.endpoint, localPort: this.#socket.localPort },
      'handshake started',
    );
  }

  #handleEvent(event: DeviceEvent): void {
    const { log } = this.#ports;
    switch (event.type) {
      case 'handshake-complete':
        log.info(
          { endpoint: `${this.endpoint.address}:${this.endpoint.port}` },
          'handshake complete',
        );
        for (const onHandshake of [...this.#handshakeWaits]) onHandshake();
        break;
      case 'handshake-gave-up':
        log.warn(
          {},
          'no answer to the handshake in 90 s; the next packet or keepalive tries again',
        );
        break;
      case 'clock-jumped':
        log.info({ byMs: event.by }, 'the clock was set or the machine slept: a new handshake');
        break;
      case 'endpoint-changed':
        log.debug({ endpoint: event.endpoint }, 'the Arc server answers from another address');
        break;
    }
  }

  #handleSocketError(error: Error): void {
    const first = this.#lastSocketError?.message !== error.message;
    this.#lastSocketError = error;
    if (first) this.#ports.log.warn({ reason: error.message }, 'cannot send to the Arc server');
  }

  #noHandshake(): TunnelError {
    const { address, port } = this.endpoint;
    const why = this.#lastSocketError
      ? `datagrams to ${address}:${port} cannot be sent: ${this.#lastSocketError.message}`
      : `${address}:${port} has not answered ${this.#peer.handshakeAttempts + 1} handshake initiation(s)`;
    return new TunnelError({
      what: 'no handshake with the Arc server',
      why,
      next: [
        'A WireGuard server is silent towards a key that it does not know: compare privateKey and arcServerPeerPublicKey with the platform by "arctun sim show", or make a new session with "arctun bootstrap authkey".',
        `Check that UDP to port ${port} may leave this network.`,
      ],
    });
  }
}

function closing(): TunnelError {
  return new TunnelError({
    what: 'no handshake with the Arc server',
    why: 'the tunnel is closing',
  });
}
