import type { IpAddress, IpPrefix } from '../wire/ip-address.js';

/**
 * A system network interface whose IP packets this process sends and receives. A frame consists of
 * a header (src/wire/virtio-net.ts) and one packet. The packet may be longer than the MTU and have
 * no checksums; the header describes the remaining work.
 */
export interface PacketInterface {
  readonly name: string;
  /**
   * Starts or stops reading frames. Reading is initially stopped. While reading is stopped, the
   * system queues a few hundred frames and drops the others.
   */
  setReading(isReading: boolean): void;
  /**
   * Called with the frames read in one turn of the event loop, in order; the array is never empty.
   * The handler may overwrite the frames' bytes, which are valid only until it returns.
   */
  onFrames: (frames: readonly Uint8Array[]) => void;
  /** Called after another program has removed the interface and the device has been closed. */
  onGone: (error: Error) => void;
  /**
   * Writes one frame to the system. The caller may reuse the bytes after this method returns.
   *
   * @param parts the frame in up to 1,024 parts, in order
   * @returns the error if the frame was refused, with the system's `code` (EIO if the interface is
   * down, EINVAL if the frame is invalid); otherwise undefined
   */
  write(parts: readonly Uint8Array[]): Error | undefined;
  /** Removes the interface. No handler is called afterwards. */
  close(): void;
}

export interface InterfaceSettings extends InterfaceRouting {
  readonly mtu: number;
  /**
   * Whether to guard a default route as well, and to keep all guards until
   * InterfaceLeftovers.remove(). A guard rejects packets that were meant for a removed interface.
   */
  readonly killSwitch: boolean;
}

export interface InterfaceRouting {
  readonly addresses: readonly IpAddress[];
  /** The prefixes to route into the interface; length 0 means the default route. */
  readonly routes: readonly IpPrefix[];
}

export interface ConfiguredInterface {
  /** The mark that keeps the tunnel's own datagrams out of the interface; 0 for no mark. */
  readonly fwmark: number;
  /**
   * Prepares a change of addresses and routes, without changing anything yet.
   *
   * @throws Error with the system's `code`; the message names the failed step
   */
  plan(settings: InterfaceRouting): InterfaceChange;
  /**
   * Removes what the system does not remove together with the interface. A second call does
   * nothing.
   */
  undo(): void;
}

export interface InterfaceChange {
  /**
   * The mark that datagrams need after the change; 0 for no mark. A new mark must be set before
   * apply(); an old mark must be removed after apply().
   */
  readonly fwmark: number;
  /**
   * Adds new addresses and routes, then removes obsolete ones. Addresses and routes that are
   * unchanged or belong to other programs remain.
   *
   * @throws Error with the system's `code`; the message names the failed step, and the additions
   * are rolled back
   */
  apply(): void;
}

/** Creates and configures packet devices. Absent on systems without a supported packet device. */
export interface PacketInterfaces {
  /**
   * Creates an interface that is down and has no addresses.
   *
   * @param name the interface name; empty to let the system choose
   * @throws PacketInterfaceError
   */
  open(name: string): PacketInterface;
  /**
   * Brings the interface up. An existing route to the same destination is left unchanged.
   *
   * @throws Error with the system's `code`; the message names the failed step
   */
  configure(device: PacketInterface, settings: InterfaceSettings): ConfiguredInterface;
}

/** Guards, default-route rules and WireGuard interfaces that killed processes have left behind. */
export interface InterfaceLeftovers {
  /** Whether an interface with this name exists. If so, a tunnel may be running. */
  isInUse(name: string): boolean;
  /** Returns the number of guards of an interface. @throws Error with the system's `code` */
  count(name: string): number;
  /**
   * @returns the number of removed routes and rules
   * @throws Error with the system's `code`
   */
  remove(name: string): number;
  /**
   * Returns the name of the kernel's WireGuard interface that arctun created for this key; undefined
   * if none exists.
   */
  kernelInterface(publicKey: Uint8Array): string | undefined;
  /** @throws Error with the system's `code` */
  removeInterface(name: string): void;
}

/** Why a packet device is unavailable. */
export type PacketInterfaceRefusal =
  /** The kernel does not support WireGuard. */
  | 'no-wireguard'
  /** /dev/net/tun does not exist, or has no driver. */
  | 'no-driver'
  /** This user lacks the permission to open /dev/net/tun. */
  | 'no-access'
  /** /dev/net/tun can be opened, but creating an interface requires CAP_NET_ADMIN. */
  | 'not-permitted'
  | 'name-taken'
  | 'bad-name'
  | 'failed';

/** An error whose cause has the system's `code` and `syscall`. */
export interface PacketInterfaceError extends Error {
  readonly refusal: PacketInterfaceRefusal;
}
