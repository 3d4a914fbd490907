import type { IpAddress, IpPrefix } from '../wire/ip-address.js';

/**
 * A system network interface whose IP packets this process sends and receives. A frame is a header
 * (src/wire/virtio-net.ts) and one packet. The packet may be longer than the MTU and lack
 * checksums; the header says what remains to be done.
 */
export interface PacketInterface {
  readonly name: string;
  /** Whether a frame may hold several UDP datagrams (VIRTIO_NET_GSO_UDP_L4), in both directions. */
  readonly hasUdpSegmentation: boolean;
  /**
   * Starts or stops reading frames. Reading is initially stopped. While it is stopped, the system
   * queues a few hundred frames and drops the rest.
   */
  setReading(isReading: boolean): void;
  /**
   * Called with the frames read in one turn of the event loop, in order; the array is never empty.
   * The callee owns the frames and may overwrite them. Each frame's packet is already in a packet
   * slot: PACKET_HEADROOM bytes before it, including the header, and PACKET_TAILROOM bytes after
   * it.
   */
  onFrames: (frames: readonly Uint8Array[]) => void;
  /** Called after another program has removed the interface. The device is closed by then. */
  onGone: (error: Error) => void;
  /**
   * Writes one frame to the system. The caller may reuse the bytes after this returns.
   *
   * @param parts the frame in up to 1,024 parts, in order
   * @returns the error if the frame was refused, with the system's `code` (EIO if the interface is
   * down, EINVAL if the frame is invalid); otherwise undefined
   */
  write(parts: readonly Uint8Array[]): Error | undefined;
  /** Removes the interface. No handler is called afterwards. */
  close(): void;
}

/** The configuration of an interface. */
export interface InterfaceSettings extends InterfaceRouting {
  readonly mtu: number;
  /**
   * If true, a default route gets guards too, and all guards remain after the interface is removed,
   * until InterfaceLeftovers.remove(). A guard rejects packets meant for the interface after the
   * interface is gone.
   */
  readonly killSwitch: boolean;
}

export interface InterfaceRouting {
  readonly addresses: readonly IpAddress[];
  /** The prefixes routed into the interface. Length 0 means the default route. */
  readonly routes: readonly IpPrefix[];
}

export interface ConfiguredInterface {
  /**
   * The mark of the tunnel's own datagrams, which keeps them out of the interface; 0 if no mark is
   * needed.
   */
  readonly fwmark: number;
  /**
   * Prepares a change of addresses and routes, but changes nothing yet.
   *
   * @throws Error with the system's `code`; the message names the failed step
   */
  plan(settings: InterfaceRouting): InterfaceChange;
  /**
   * Removes everything that the system does not remove along with the interface. A second call does
   * nothing.
   */
  undo(): void;
}

export interface InterfaceChange {
  /**
   * The mark that datagrams need after the change, or 0 for none. A new mark must be set before
   * apply(); an old mark must be removed after it.
   */
  readonly fwmark: number;
  /**
   * Adds new addresses and routes, then removes obsolete ones. Addresses and routes that are
   * unchanged or belong to other programs stay.
   *
   * @throws Error with the system's `code`; the message names the failed step. The additions are
   * then rolled back.
   */
  apply(): void;
}

/** Creates and configures packet devices. Absent on systems without a supported packet device. */
export interface PacketInterfaces {
  /**
   * Creates an interface, which is down and has no addresses.
   *
   * @param name the interface name, or empty to let the system choose
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

/** Guards and default-route rules that killed processes left on the system. */
export interface InterfaceLeftovers {
  /** Whether an interface with this name exists, in which case a tunnel may be running. */
  isInUse(name: string): boolean;
  /**
   * @returns the number of routes and rules that were removed
   * @throws Error with the system's `code`
   */
  remove(name: string): number;
}

/** Why a packet device is unavailable. */
export type PacketInterfaceRefusal =
  /** /dev/net/tun does not exist, or has no driver. */
  | 'no-driver'
  /** /dev/net/tun cannot be opened for lack of permission. */
  | 'no-access'
  /** /dev/net/tun can be opened, but creating an interface requires CAP_NET_ADMIN. */
  | 'not-permitted'
  /** Another interface has this name. */
  | 'name-taken'
  /** The name is not valid for an interface. */
  | 'bad-name'
  | 'failed';

/** An error whose cause has the system's `code` and `syscall`. */
export interface PacketInterfaceError extends Error {
  readonly refusal: PacketInterfaceRefusal;
}
