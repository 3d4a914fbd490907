/**
 * What the tunnel needs from the operating system. src/system implements these; tests hand in
 * their own.
 */
import type { Datagram } from '../engine/datagram.js';
import type { IpAddress, IpPrefix } from '../wire/ip-address.js';

export type { Entropy } from '../lib/ports/entropy.js';
export type { WallClock } from '../lib/ports/clock.js';
export type { Datagram, Endpoint } from '../engine/datagram.js';

/** A bound UDP socket that takes and gives datagrams in batches. */
export interface DatagramSocket {
  readonly localAddress: string;
  readonly localPort: number;
  /** Bytes handed to `send` that the kernel has not taken yet. */
  readonly queuedBytes: number;
  /** Sends each datagram, in order. A failure is reported through `onError`, never thrown. */
  send(datagrams: readonly Datagram[]): void;
  /** Called with what arrived since the last call, never with an empty array. */
  onReceive(handler: (datagrams: readonly Datagram[]) => void): void;
  /** Called when `queuedBytes` has fallen to zero: whoever waited for room may send again. */
  onDrain(handler: () => void): void;
  /**
   * Called with an error of the socket, with the system's `code`, and the datagram that was not sent
   * for it, where it is that of one; the socket stays usable unless it says so.
   */
  onError(handler: (error: Error, unsent?: Datagram) => void): void;
  /** Resolves when nothing is open any more. */
  close(): Promise<void>;
}

/** What a datagram socket is bound to. */
export interface LocalBinding {
  /** `0.0.0.0`, `::`, `127.0.0.1` … */
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  /** The mark of what is sent, for rules of routing; 0 or absent for none. Takes CAP_NET_ADMIN. */
  readonly fwmark?: number;
}

/** Opens datagram sockets. */
export interface DatagramSockets {
  /**
   * @throws Error with the system's `code` (EADDRINUSE, EACCES …)
   */
  open(local: LocalBinding): Promise<DatagramSocket>;
}

/**
 * A network interface of the system whose IP packets come to us instead of a wire. They come and go
 * in frames: a header of src/wire/virtio-net.ts, then one packet, which may be longer than the MTU and
 * without its checksums; the header says what has to be done to it.
 */
export interface PacketDevice {
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
export interface PacketDevices {
  /**
   * Makes an interface, which is down and has no address.
   *
   * @param name as the system takes it; empty where it is to choose
   * @throws PacketDeviceError
   */
  open(name: string): PacketDevice;
  /**
   * Brings it up. A route to the same destination that is there already is not touched.
   *
   * @throws Error with the system's `code`, and what it was about as its message
   */
  configure(device: PacketDevice, settings: InterfaceSettings): ConfiguredInterface;
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
export type PacketDeviceRefusal =
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
export interface PacketDeviceError extends Error {
  readonly refusal: PacketDeviceRefusal;
}

/** Monotonic time and the one timer that a driver needs. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start. */
  now(): number;
  /** Calls `handler` once, `delay` ms from now or a little later. */
  startTimer(delay: number, handler: () => void): Timer;
  /** Calls `handler` once, as soon as the current input has been handled. */
  defer(handler: () => void): void;
}

export interface Timer {
  cancel(): void;
}

/** Resolves host names outside of the tunnel. */
export interface Resolver {
  /**
   * All addresses of a name, IPv4 and IPv6; an IP literal is its own address. Settles in bounded time.
   * @param signal ends the wait, with its reason
   * @throws Error with the system's `code` (ENOTFOUND, EAI_AGAIN …)
   */
  resolve(host: string, signal?: AbortSignal): Promise<Resolution>;
}

export interface Resolution {
  /** IP texts in the system's order. */
  readonly addresses: readonly string[];
  /** Milliseconds for which they hold; Infinity for an IP literal. */
  readonly ttl: number;
}

/** Keeps the last TAI64N stamp sent with a key from one process to the next (whitepaper 5.1). */
export interface TimestampStore {
  /**
   * @param publicKey ours, 32 bytes
   * @returns what an earlier process kept; a record that cannot be read or written is a warning in
   *   the log, once, and never an error
   */
  open(publicKey: Uint8Array): Promise<TimestampRecord>;
}

export interface TimestampRecord {
  /** 12 bytes, or undefined where nothing was kept. */
  readonly last: Uint8Array | undefined;
  /** Kept when it returns: a stamp is sent right behind it. Never throws. */
  save(timestamp: Uint8Array): void;
}

/** Sees what a tunnel does, for a capture. Called at once; what it is given must be copied. */
export interface TunnelObserver {
  /** An IP packet inside the tunnel. */
  innerPacket(direction: 'in' | 'out', packet: Uint8Array): void;
  /** A private key of a handshake, 32 bytes: with it and the static one all can be decrypted. */
  ephemeralKey(privateKey: Uint8Array): void;
}

/** Structured log lines. Secrets never go in; addresses are debug, packets trace. */
export interface Log {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
  trace(fields: object, message: string): void;
}

/** Somebody at the other end of a local socket: text comes, text goes back. */
export interface Conversation {
  /** Nothing more is wanted of the other end. */
  readonly isOver: boolean;
  /** Answers what came; called again when it has settled. Never rejects. */
  handle(text: string): Promise<string>;
  /** The other end is gone: nothing is called any more. */
  close(): void;
}

/** A socket at a path of the file system. */
export interface LocalListener {
  /** Ends all conversations and removes the path. */
  close(): Promise<void>;
}

export interface LocalListeners {
  /**
   * Listens at an absolute path, for the process's own user alone. What a dead process has left there is
   * replaced, and the folder is made where it is missing.
   *
   * @throws Error with the system's `code`: EADDRINUSE where somebody listens there, with `owner` if that
   *   is another user's and may be a dead process's; EACCES …
   */
  listen(path: string, converse: () => Conversation): Promise<LocalListener>;
}

/** Asks who listens at a path of the file system. */
export interface LocalConnections {
  /** The paths in a folder that end in `.sock`, in order; none where the folder cannot be read. */
  list(folder: string): Promise<readonly string[]>;
  /**
   * Sends a request, and resolves with what comes up to `end`, which marks the end of an answer.
   * Settles within 3 s.
   *
   * @throws Error with the system's `code`: ECONNREFUSED and ENOENT where nobody listens, EACCES with the
   *   `owner` (`root`), ETIMEDOUT where no answer is there in time, ECONNRESET where it breaks off, EMSGSIZE where it is
   *   longer than 16 MiB
   */
  ask(path: string, request: string, end: string): Promise<string>;
}

/** A key that this process uses, until close() or the process's end. */
export interface KeyClaim {
  close(): Promise<void>;
}

/** Which process of this machine uses a WireGuard key. */
export interface KeyClaims {
  /**
   * Takes a key for this process: of several that try at the same moment, one gets it.
   *
   * @param describe makes the line, without its end, that others read of the holder
   * @returns undefined if another process holds it
   * @throws Error with the system's `code` if this machine cannot keep claims
   */
  take(publicKey: Uint8Array, describe: () => string): Promise<KeyClaim | undefined>;
  /**
   * The line of the process that holds a key; undefined if none does.
   *
   * @throws Error with the system's `code`: EACCES if its user hides it, ETIMEDOUT if it does not answer
   */
  holder(publicKey: Uint8Array): Promise<string | undefined>;
}

/** A file that takes the blocks of a capture as fast as the disk does, and no faster. */
export interface CaptureFile {
  /**
   * Takes a block over.
   *
   * @param onLost called, until close() has resolved, where the block was taken and the file does not
   *   have it after all: the disk has failed, or closing took too long to know
   * @returns false where it is left out, because the disk is behind or has failed
   */
  write(block: Uint8Array, onLost?: () => void): boolean;
  /**
   * Resolves when all that was taken is written, then `trailer`, and the file closed; never rejects.
   *
   * @returns false where the disk has failed or took too long, so that the file ends before that
   */
  close(trailer: readonly Uint8Array[]): Promise<boolean>;
}

/** A way to another thread of this process, for values that can be copied. */
export interface MessageChannel {
  /** Copies the value over. After the end of the other thread, nowhere. */
  post(message: unknown): void;
  /** Called with each value that comes, in order. */
  onMessage(handler: (message: unknown) => void): void;
  /** Called once, when the other thread has ended, with what it failed of. */
  onEnd(handler: (error: Error) => void): void;
  /** Ends the other thread. */
  close(): Promise<void>;
}
