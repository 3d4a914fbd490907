import type { IpAddress, IpPrefix } from '../wire/ip-address.js';

/**
 * A network interface of the system whose IP packets come to us instead of a wire. They come and go
 * in frames: a header of src/wire/virtio-net.ts, then one packet, which may be longer than the MTU and
 * without its checksums; the header says what has to be done to it.
 */
export interface PacketInterface {
  readonly name: string;
  /** Whether a frame may be a run of UDP datagrams (VIRTIO_NET_GSO_UDP_L4), both ways. */
  readonly hasUdpSegmentation: boolean;
  /**
   * Whether frames are read. At first they are not; while they are not, the system keeps some hundreds
   * and drops the rest.
   */
  setReading(isReading: boolean): void;
  /**
   * Called with what one turn of the event loop reads, in order, never with an empty array. The frames
   * are the callee's, to keep and to write over. A frame's packet has PACKET_HEADROOM free bytes in
   * front of it, with the header, and PACKET_TAILROOM behind it: it stands in a packet slot already.
   */
  onFrames(handler: (frames: readonly Uint8Array[]) => void): void;
  /** Called when somebody has removed the interface; the device is closed then. */
  onGone(handler: (error: Error) => void): void;
  /**
   * Hands one frame to the system, which is done with the bytes when it returns.
   *
   * @param parts of the frame, in order, at most 1,024
   * @returns why it was not taken, with the system's `code` (EIO while the interface is down, EINVAL for
   *   a frame that it does not understand); undefined where it was
   */
  write(parts: readonly Uint8Array[]): Error | undefined;
  /** Removes the interface. Nothing is called any more. */
  close(): void;
}

/** What an interface is to have. */
export interface InterfaceSettings extends InterfaceRouting {
  readonly mtu: number;
  /**
   * Whether a default route is guarded, too, and the guards stay at the end, until removeLeftovers().
   * A guard refuses what was meant for the interface when that is gone.
   */
  readonly killSwitch: boolean;
}

export interface InterfaceRouting {
  readonly addresses: readonly IpAddress[];
  /** What is routed into it; of length 0 for all that has no better route. */
  readonly routes: readonly IpPrefix[];
}

export interface ConfiguredInterface {
  /** The mark that the tunnel's own datagrams need, so that they do not go into it; 0 for none. */
  readonly fwmark: number;
  /**
   * Makes ready for other addresses and routes; nothing has changed yet.
   *
   * @throws Error with the system's `code`, and what it was about as its message
   */
  plan(settings: InterfaceRouting): InterfaceChange;
  /** Takes away what would not go with the interface. A second time does nothing. */
  undo(): void;
}

export interface InterfaceChange {
  /**
   * The mark that datagrams need from then on, 0 for none: to be set before apply() where there is one,
   * and taken away behind it.
   */
  readonly fwmark: number;
  /**
   * Adds what is new, then takes away what is not wanted any more. What others have made stays, and so
   * does what is wanted as before.
   *
   * @throws Error with the system's `code`, and what it was about as its message; what was added is
   *   taken away again then
   */
  apply(): void;
}

/** Makes packet devices and configures them. Absent where the system has none that we know. */
export interface PacketInterfaces {
  /**
   * Makes an interface, which is down and has no address.
   *
   * @param name as the system takes it; empty where it is to choose
   * @throws PacketInterfaceError
   */
  open(name: string): PacketInterface;
  /**
   * Brings it up. A route to the same destination that is there already is not touched.
   *
   * @throws Error with the system's `code`, and what it was about as its message
   */
  configure(device: PacketInterface, settings: InterfaceSettings): ConfiguredInterface;
}

/** What processes that were killed have left of their interfaces: guards, and rules of a default route. */
export interface InterfaceLeftovers {
  /** Whether there is an interface of this name: a tunnel may run there. */
  isInUse(name: string): boolean;
  /**
   * @returns how many routes and rules were removed
   * @throws Error with the system's `code`
   */
  remove(name: string): number;
}

/** Why there is no packet device. */
export type PacketInterfaceRefusal =
  /** The system has no /dev/net/tun, or none behind it. */
  | 'no-driver'
  /** /dev/net/tun may not be opened. */
  | 'no-access'
  /** It may be, and no interface made: that takes CAP_NET_ADMIN. */
  | 'not-permitted'
  /** Another interface has the name. */
  | 'name-taken'
  /** No interface can have the name. */
  | 'bad-name'
  | 'failed';

/** The cause has the system's `code` and `syscall`. */
export interface PacketInterfaceError extends Error {
  readonly refusal: PacketInterfaceRefusal;
}
