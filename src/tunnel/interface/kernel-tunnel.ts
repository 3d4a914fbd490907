/** A tunnel that uses the kernel's own WireGuard, which arctun configures and watches. */
import { formatKey } from '../../lib/text/key-text.js';
import { sameBytes } from '../../lib/same-bytes.js';
import { SerialQueue } from '../../lib/serial-queue.js';
import type { Timer } from '../../ports/clock.js';
import type {
  KernelDevice,
  KernelInterface,
  KernelPeer,
  KernelPeerChange,
  KernelWireGuard,
} from '../../ports/kernel-wireguard.js';
import type { ConfiguredInterface, InterfaceRouting } from '../../ports/packet-interfaces.js';
import { formatIpAddress, formatIpPrefix } from '../../wire/ip-address.js';
import { isSameServer, requireServer } from '../server/arc-server-peer.js';
import { endpointText } from '../server/endpoint-text.js';
import { HandshakeWaits } from '../server/handshake-waits.js';
import type { TunnelConfig } from '../tunnel-config.js';
import { closingLink, notReconfigured } from '../tunnel-error.js';
import type { TunnelPorts } from '../tunnel-ports.js';
import type { PeerStatus, TunnelStatus } from '../tunnel-status.js';
import type { Tunnel } from '../tunnel.js';
import type { InterfaceTunnel, InterfaceTunnels } from './interface-tunnel.js';
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

/** @param publicKey marks the interface as this tunnel's */
export function kernelTunnels(
  kernel: KernelWireGuard,
  ports: KernelTunnelPorts,
  publicKey: Uint8Array,
): InterfaceTunnels {
  // Inside a promise, a synchronous error becomes a rejection.
  return {
    open: (name) => Promise.resolve().then(() => openKernel(kernel.create(name, publicKey), ports)),
  };
}

function openKernel(created: KernelInterface, ports: KernelTunnelPorts): InterfaceTunnel {
  let tunnel: KernelTunnel | undefined;
  let onGone: (cause: Error) => void = () => undefined;
  const gone = new Promise<Error>((resolve) => (onGone = resolve));
  const start = (config: TunnelConfig): KernelTunnel => {
    try {
      return (tunnel = new KernelTunnel(config, ports, created, onGone));
    } catch (error) {
      created.remove();
      throw error;
    }
  };
  return {
    mode: 'kernel',
    interfaceName: created.name,
    gone,
    start: (config) => Promise.resolve(config).then(start),
    close: () => {
      tunnel?.close();
      created.remove();
      return Promise.resolve();
    },
  };
}

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
    this.#setPeer(config);
    this.#server = this.#openServer(config, undefined);
    this.#configured = created.configure({ mtu, addresses, routes, killSwitch });
    try {
      const { fwmark } = this.#configured;
      if (fwmark !== 0) created.set({ fwmark });
      this.#device = this.#read();
    } catch (error) {
      this.#configured.undo();
      throw error;
    }
    this.#server.start();
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
      const change = configured.plan(routingOf(config));
      const { fwmark } = configured;
      // Set the mark before a default route leads into the tunnel; otherwise the route would apply
      // to the tunnel's own datagrams.
      if (change.fwmark !== 0) this.#setMark(fwmark, change.fwmark);
      try {
        change.apply();
        this.#follow(config);
      } catch (error) {
        ignoringErrors(() => configured.plan(routingOf(this.#config)).apply());
        if (change.fwmark !== 0) this.#setMark(change.fwmark, fwmark);
        throw error;
      }
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

  /** Adds the Arc server, or replaces its allowed IPs. */
  #setPeer({ serverPublicKey: publicKey, allowedIps }: TunnelConfig): void {
    this.#interface.set({ peers: [{ publicKey, allowedIps, persistentKeepalive: 0 }] });
  }

  #openServer(config: TunnelConfig, peer: KernelPeer | undefined): KernelServer {
    const { serverPublicKey: publicKey } = config;
    const ports = {
      ...this.#ports,
      change: (change: Omit<KernelPeerChange, 'publicKey'>) =>
        this.#interface.set({ peers: [{ publicKey, isOnlyUpdated: true, ...change }] }),
      routeError: (address: string) => this.#interface.routeError(address, this.#device.fwmark),
      onRefused: (cause: Error) => this.#onGone(cause),
    };
    return new KernelServer(config, ports, peer);
  }

  /** Applies another configuration to the device. Restores the old one if the kernel refuses. */
  #follow(config: TunnelConfig): void {
    const before = this.#config;
    this.#device = this.#read();
    const peer = this.#peer();
    const publicKey = this.#ports.crypto.publicKey(config.privateKey.expose());
    const isOtherKey = !sameBytes(this.#device.publicKey, publicKey);
    // `wg` may have removed the server.
    const isNewServer = peer === undefined || !isSameServer(before, config);
    try {
      if (isOtherKey || isNewServer) this.#replaceServer(config, isOtherKey, isNewServer);
      else this.#server.reconfigure(config);
    } catch (error) {
      const { serverPublicKey } = config;
      const removed = isNewServer ? [{ publicKey: serverPublicKey, isRemoved: true }] : [];
      const peers = [...removed, ...(peer === undefined ? [] : [peer])];
      const key = isOtherKey ? { privateKey: before.privateKey } : {};
      ignoringErrors(() => this.#interface.set({ ...key, peers }));
      throw error;
    }
    // The interface keeps the MTU that it was opened with.
    this.#config = { ...config, mtu: before.mtu };
  }

  #replaceServer(config: TunnelConfig, isOtherKey: boolean, isNewServer: boolean): void {
    const { privateKey, serverPublicKey } = config;
    const old = this.#server;
    if (isOtherKey) this.#interface.set({ privateKey });
    if (isNewServer) {
      const removed = { publicKey: this.#config.serverPublicKey, isRemoved: true };
      this.#interface.set({ peers: [removed] });
    }
    this.#setPeer(config);
    this.#device = this.#read();
    this.#server = this.#openServer(config, peerOf(this.#device, serverPublicKey));
    old.close();
    const why = 'the key or the Arc server has changed: starting a new handshake';
    this.#ports.log.info(config.endpoint, why);
    this.#server.start();
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
    return peerOf(this.#device, this.#config.serverPublicKey);
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

function routingOf({ addresses, allowedIps: routes }: TunnelConfig): InterfaceRouting {
  return { addresses, routes };
}

function peerOf({ peers }: KernelDevice, serverPublicKey: Uint8Array): KernelPeer | undefined {
  return peers.find(({ publicKey }) => sameBytes(publicKey, serverPublicKey));
}

/** Restores what it can after a failure. Ignores errors, so that the first one is reported. */
function ignoringErrors(restore: () => void): void {
  try {
    restore();
  } catch {
    // The interface may no longer exist; the next reading then reports this.
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
