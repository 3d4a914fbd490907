import type { Secret } from '../lib/secrets/secret.js';
import type { IpPrefix } from '../wire/ip-address.js';
import type { Endpoint } from './datagram.js';
import type { ConfiguredInterface, InterfaceSettings } from './packet-interfaces.js';

/** The kernel's own WireGuard (Linux 5.6, or its module). */
export interface KernelWireGuard {
  /**
   * Creates an interface that is down and has no key, address or peer, and marks it with the public
   * key of the tunnel.
   *
   * @param name the interface name; empty to choose a free one
   * @throws PacketInterfaceError
   */
  create(name: string, publicKey: Uint8Array): KernelInterface;
}

/** A WireGuard interface, until remove(). If this process is killed, the interface remains. */
export interface KernelInterface {
  readonly name: string;
  /**
   * Changes the device. Properties and peers that are absent remain unchanged. If the private
   * key changes, the interface is marked with the new public key.
   *
   * @throws Error with the system's `code`
   */
  set(change: KernelDeviceChange): void;
  /** Returns the state of the device; undefined if another program has removed the interface. */
  read(): KernelDevice | undefined;
  /**
   * Returns why datagrams with this mark cannot reach an IP address, with the system's `code`;
   * undefined if a route leads to it. A route into this interface is an error.
   */
  routeError(address: string, fwmark: number): Error | undefined;
  /** See PacketInterfaces.configure(). */
  configure(settings: InterfaceSettings): ConfiguredInterface;
  /** Removes the interface; succeeds if it no longer exists. */
  remove(): void;
}

export interface KernelDeviceChange {
  readonly privateKey?: Secret<Uint8Array>;
  /** The mark on sent datagrams; 0 for no mark. */
  readonly fwmark?: number;
  readonly peers?: readonly KernelPeerChange[];
}

export interface KernelPeerChange {
  readonly publicKey: Uint8Array;
  readonly isRemoved?: boolean;
  /** Whether to change nothing if the device does not have this peer. */
  readonly isOnlyUpdated?: boolean;
  readonly endpoint?: Endpoint | undefined;
  /** Seconds; 0 disables keepalives. A change from 0 to another value sends one immediately. */
  readonly persistentKeepalive?: number;
  /** Replaces the allowed IPs of the peer. */
  readonly allowedIps?: readonly IpPrefix[];
}

export interface KernelDevice {
  readonly publicKey: Uint8Array;
  readonly listenPort: number;
  readonly fwmark: number;
  readonly peers: readonly KernelPeer[];
}

export interface KernelPeer {
  readonly publicKey: Uint8Array;
  readonly endpoint: Endpoint | undefined;
  /** Seconds; 0 means disabled. */
  readonly persistentKeepalive: number;
  /** The time of the last handshake, in milliseconds since 1970; undefined before the first. */
  readonly latestHandshakeUnix: number | undefined;
  /** The size in bytes of all WireGuard messages, as counted by `wg show … transfer`. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly allowedIps: readonly IpPrefix[];
}
