/**
 * WireGuard below a source of IP packets: a state machine without I/O. The engine receives
 * datagrams, returns datagrams to send, and has one deadline.
 *
 * The caller changes the state (handleDatagrams, handleTimeout, a call to the layer above) and then
 * calls drain() until `more` is false. Before that, nextTimeout() does not include the packets that
 * can be sent now.
 */
import type { Datagram } from '../ports/datagram.js';
import type { Device, DeviceEvent, DeviceOptions } from '../wireguard/device.js';
import type { DeviceObserver } from '../wireguard/context.js';

export interface Engine {
  readonly device: Device;

  /** Processes received datagrams. Decrypts their bytes in place, and does not keep them. */
  handleDatagrams(datagrams: readonly Datagram[], now: number): void;

  /** Runs the timers that are due at `now`, if any. */
  handleTimeout(now: number): void;

  /** Returns one batch to send. The object is valid until the next call. */
  drain(now: number): Readonly<Batch>;

  /**
   * Allows the memory of sent packets, and the objects of their datagrams, to be used again. Call
   * this only if all datagrams that drain() has returned were sent, and nothing refers to them any
   * more.
   */
  recycle(): void;

  /**
   * Releases the memory of all packets, also of those that wait. Call this after close(), when no
   * socket refers to a datagram of this engine any more.
   */
  discard(): void;

  /** Returns when handleTimeout() is due next, in monotonic ms; Infinity if never. */
  nextTimeout(): number;

  /**
   * Returns the oldest event since the last call, or undefined. A completed handshake schedules
   * more work, so call nextTimeout() again afterwards.
   */
  pollEvent(): DeviceEvent | undefined;

  /** Closes the engine without sending anything, and wipes all keys. */
  close(): void;
}

/** The result of drain(). An engine uses one object for all its results. */
export interface Batch {
  /**
   * The datagrams to send. They are valid until recycle(), and the array until recycle() or the next
   * drain().
   */
  datagrams: readonly Datagram[];
  /** Whether drain() must be called again. */
  more: boolean;
}

/** The options of every engine: the options of its WireGuard device, except the sink. */
export interface EngineOptions extends Omit<DeviceOptions, 'sink'> {
  readonly observer?: EngineObserver | undefined;
}

export interface EngineObserver extends DeviceObserver {
  /** Receives each IP packet inside the tunnel. The callback must copy the bytes to keep them. */
  readonly innerPacket?: ((direction: 'in' | 'out', packet: Uint8Array) => void) | undefined;
}

export type { Device, DeviceEvent, SilenceReason } from '../wireguard/device.js';
export type { Peer } from '../wireguard/peer.js';
export { applySetRequest } from '../wireguard/uapi/apply.js';
export { type DeviceResponse, readGetResponse } from '../wireguard/uapi/read-get-response.js';
export { getResponse } from '../wireguard/uapi/get-response.js';
export { RequestReader } from '../wireguard/uapi/request-reader.js';
export type { SetRequest } from '../wireguard/uapi/set-request.js';
