/** A tunnel that uses the kernel's own WireGuard, which arctun configures and watches. */
import { formatKey } from '../../lib/text/key-text.js';
import { sameBytes } from '../../lib/same-bytes.js';
import { SerialQueue } from '../../lib/serial-queue.js';
import type { Timer } from '../../ports/clock.js';
import type { KernelDevice, KernelInterface, KernelPeer } from '../../ports/kernel-wireguard.js';
import type { ConfiguredInterface } from '../../ports/packet-interfaces.js';
import { formatIpAddress, formatIpPrefix } from '../../wire/ip-address.js';
import { isSameServer, requireServer } from '../server/arc-server-peer.js';
import { endpointText } from '../server/endpoint-text.js';
import { HandshakeWaits } from '../server/handshake-waits.js';
import type { TunnelConfig } from '../tunnel-config.js';
import { closingLink, notReconfigured } from '../tunnel-error.js';
import type { TunnelPorts } from '../tunnel-ports.js';
import type { PeerStatus, TunnelStatus } from '../tunnel-status.js';
import type { Tunnel } from '../tunnel.js';
import { KernelServer } from './kernel-server.js';

/** The milliseconds between readings of the kernel's counters. */
const INTERVAL = 1_000;
/** The same during a handshake. */
const WAITING_INTERVAL = 100;

/** What a kernel tunnel needs; the kernel has its own clock, sockets and cryptography. */
export type KernelTunnelPorts = Pick<
  TunnelPorts,
  'crypto' | 'clock' | 'wallClock' | 'resolver' | 'log'
>;

export class KernelTunnel implements Tunnel {
  readonly #ports: KernelTunnelPorts;
  readonly #interface: KernelInterface;
  readonly #openedUnix: number;
  readonly #waits: HandshakeWaits;
  readonly #reconfigurations = new SerialQueue();
  #config: TunnelConfig;
  #server: KernelServer;
  #device: KernelDevice;
  #configured: ConfiguredInterface | undefined;
  readonly #onGone: (cause: Error) => void;
  #timer: Timer | undefined;
  #isClosed = false;

  /**
   * Configures the interface, and starts the search for the Arc server and the handshake. Routes
   * all allowed IPs into the interface.
   *
   * @param onGone called if another program removes the interface
   * @throws the errors of KernelInterface; the caller removes the interface
   */
  constructor(
    config: TunnelConfig,
    ports: KernelTunnelPorts,
    created: KernelInterface,
    onGone: (cause: Error) => void,
  ) {
    const { privateKey, mtu, addresses, allowedIps: routes, killSwitch = false } = config;
    this.#config = config;
    this.#ports = ports;
    this.#interface = created;
    this.#openedUnix = ports.wallClock.unixMilliseconds();
    this.#waits = new HandshakeWaits(ports.clock);
    this.#onGone = onGone;
    created.set({ privateKey });
    this.#server = this.#addServer(config);
    this.#configured = created.configure({ mtu, addresses, routes, killSwitch });
    try {
      const { fwmark } = this.#configured;
      if (fwmark !== 0) created.set({ fwmark });
      this.#device = this.#read();
    } catch (error) {
      this.#configured.undo();
      throw error;
    }
    this.#server.start(undefined);
    this.#arm();
  }

  /** See Tunnel.status(). */
  status(): Promise<TunnelStatus> {
    this.#observe();
    const { publicKey, listenPort, fwmark } = this.#device;
    const { mtu, addresses } = this.#config;
    const { unansweredFor } = this.#server;
    // Without its peer, which `wg` can remove, the tunnel carries nothing.
    const health = this.#peer() === undefined ? 'stale' : this.#server.health;
    const explain = () => this.#server.explain();
    return Promise.resolve({
      mode: 'kernel',
      interface: this.#interface.name,
      publicKey: formatKey(publicKey),
      listenPort,
      fwmark,
      mtu,
      addresses: addresses.map((address) => formatIpAddress(address)),
      health,
      silence: health === 'up' ? undefined : plain(explain()),
      unanswered:
        unansweredFor === undefined ? undefined : { for: unansweredFor, reason: explain().reason },
      unreturnedFor: undefined,
      openedUnix: this.#openedUnix,
      peers: this.#peerStatuses(),
      connections: undefined,
    });
  }

  /** See Tunnel.waitForHandshake(). */
  waitForHandshake(deadline: number, signal?: AbortSignal): Promise<void> {
    if (this.#server.hasSession) return Promise.resolve();
    return this.#waits.wait(deadline, () => this.#server.explain(), signal);
  }

  /** See Tunnel.reconfigure(). Peers that `wg` added remain. */
  reconfigure(config: TunnelConfig): Promise<void> {
    return this.#reconfigurations.run(() => {
      const { crypto } = this.#ports;
      requireServer(config, crypto.publicKey(config.privateKey.expose()));
      const configured = this.#requireConfigured();
      const { addresses, allowedIps: routes } = config;
      const change = configured.plan({ addresses, routes });
      const { fwmark } = configured;
      // Set the mark before a default route leads into the tunnel; otherwise the route would apply
      // to the tunnel's own datagrams.
      if (change.fwmark !== 0) this.#setMark(fwmark, change.fwmark);
      try {
        change.apply();
      } catch (error) {
        if (change.fwmark !== 0) this.#setMark(change.fwmark, fwmark);
        throw error;
      }
      this.#follow(config);
      if (change.fwmark === 0) this.#setMark(fwmark, 0);
      return Promise.resolve();
    });
  }

  /** Removes the interface with its keys, and everything that the system would leave behind. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#server.close();
    const { sentBytes = 0, receivedBytes = 0 } = this.#peer() ?? {};
    this.#configured?.undo();
    this.#interface.remove();
    this.#waits.end(closingLink());
    this.#ports.log.info({ sentBytes, receivedBytes }, 'tunnel closed');
  }

  #addServer(config: TunnelConfig): KernelServer {
    const { serverPublicKey: publicKey, allowedIps } = config;
    this.#interface.set({ peers: [{ publicKey, allowedIps, persistentKeepalive: 0 }] });
    return new KernelServer(config, {
      ...this.#ports,
      change: (change) =>
        this.#interface.set({ peers: [{ publicKey, isOnlyUpdated: true, ...change }] }),
      onRefused: (cause) => this.#onGone(cause),
    });
  }

  /** Applies another configuration to the device. */
  #follow(config: TunnelConfig): void {
    const [before, old] = [this.#config, this.#server];
    const { crypto, log } = this.#ports;
    // The interface keeps the MTU that it was opened with.
    this.#config = { ...config, mtu: before.mtu };
    const publicKey = crypto.publicKey(config.privateKey.expose());
    const isOtherKey = !sameBytes(this.#device.publicKey, publicKey);
    this.#device = this.#read();
    // `wg` may have removed the server.
    if (!isOtherKey && isSameServer(before, config) && this.#peer() !== undefined) {
      old.reconfigure(config);
      return;
    }
    old.close();
    if (isOtherKey) this.#interface.set({ privateKey: config.privateKey });
    if (!isSameServer(before, config)) {
      this.#interface.set({ peers: [{ publicKey: before.serverPublicKey, isRemoved: true }] });
    }
    this.#server = this.#addServer(config);
    this.#device = this.#read();
    log.info(config.endpoint, 'the key or the Arc server has changed: starting a new handshake');
    this.#server.start(this.#peer());
    this.#arm();
  }

  #setMark(before: number, fwmark: number): void {
    if (fwmark !== before) this.#interface.set({ fwmark });
  }

  #arm(): void {
    this.#timer?.cancel();
    if (this.#isClosed) return;
    const delay = this.#server.isAwaited ? WAITING_INTERVAL : INTERVAL;
    this.#timer = this.#ports.clock.startTimer(delay, () => {
      this.#observe();
      this.#arm();
    });
  }

  /** Reads the counters, and reports a completed handshake or a lost interface. */
  #observe(): void {
    if (this.#isClosed) return;
    // Nothing catches the errors of a timer.
    try {
      this.#device = this.#read();
      this.#compare();
    } catch (error) {
      this.#onGone(error as Error);
    }
  }

  #compare(): void {
    const peer = this.#peer();
    if (peer === undefined || !this.#server.observe(peer)) return;
    const endpoint = peer.endpoint && endpointText(peer.endpoint);
    this.#ports.log.info({ endpoint }, 'handshake complete');
    this.#waits.end();
  }

  /** @throws Error if another program has removed the interface */
  #read(): KernelDevice {
    const device = this.#interface.read();
    if (device === undefined) throw new Error('another program has removed the interface');
    return device;
  }

  #peer(): KernelPeer | undefined {
    const { serverPublicKey } = this.#config;
    return this.#device.peers.find(({ publicKey }) => sameBytes(publicKey, serverPublicKey));
  }

  /** Returns all peers, beginning with the Arc server. */
  #peerStatuses(): PeerStatus[] {
    const server = this.#peer();
    const others = this.#device.peers.filter((peer) => peer !== server);
    return [...(server === undefined ? [] : [server]), ...others].map(statusOf);
  }

  /** @throws TunnelError `closing` */
  #requireConfigured(): ConfiguredInterface {
    if (this.#configured === undefined || this.#isClosed) throw notReconfigured();
    return this.#configured;
  }
}

function plain({ reason, why }: ReturnType<KernelServer['explain']>): TunnelStatus['silence'] {
  return { reason, why };
}

function statusOf(peer: KernelPeer): PeerStatus {
  const { publicKey, endpoint, allowedIps, ...counters } = peer;
  return {
    ...counters,
    publicKey: formatKey(publicKey),
    endpoint: endpoint && endpointText(endpoint),
    allowedIps: allowedIps.map(formatIpPrefix),
    roundTrip: undefined,
    lossIn: undefined,
  };
}
