/**
 * WireGuard under whatever carries packets to it, as one pure machine: datagrams in, datagrams out,
 * one deadline.
 *
 * The caller mutates it (handleDatagrams, handleTimeout, a call on what is above) and then calls
 * drain() until it says that nothing is left; only then is nextTimeout() of any meaning.
 */
import type { Datagram } from '../ports/datagram.js';
import type { Device, DeviceEvent, DeviceOptions } from '../wireguard/device.js';
import type { DeviceObserver } from '../wireguard/context.js';

export interface Engine {
  readonly device: Device;

  /** Takes what arrived. The bytes become the engine's: they are decrypted in place. */
  handleDatagrams(datagrams: readonly Datagram[], now: number): void;

  /** Does what is due at `now`; harmless when nothing is. */
  handleTimeout(now: number): void;

  /**
   * One batch of datagrams to send.
   *
   * @returns `more`: the budget ended before the work did, so call again
   */
  drain(now: number): { datagrams: readonly Datagram[]; more: boolean };

  /** When handleTimeout() is due next, in the milliseconds of `now`; Infinity when never. */
  nextTimeout(): number;

  /**
   * What happened to the tunnel since the last call, oldest first; undefined when nothing. A handshake
   * that is complete makes more of it due: nextTimeout() is to be asked afterwards.
   */
  pollEvent(): DeviceEvent | undefined;

  /** Ends all without a word and wipes all keys. */
  close(): void;
}

/** What every engine is made with: what its WireGuard needs, which it gives a sink itself. */
export interface EngineOptions extends Omit<DeviceOptions, 'sink'> {
  readonly observer?: EngineObserver | undefined;
}

export interface EngineObserver extends DeviceObserver {
  /** An IP packet inside the tunnel; the bytes must be copied. */
  readonly innerPacket?: ((direction: 'in' | 'out', packet: Uint8Array) => void) | undefined;
}

export type { Device, DeviceEvent, SilenceReason } from '../wireguard/device.js';
export type { Peer } from '../wireguard/peer.js';
export { applySetRequest } from '../wireguard/uapi/apply.js';
export { type DeviceResponse, readGetResponse } from '../wireguard/uapi/read-get-response.js';
export { getResponse } from '../wireguard/uapi/get-response.js';
export { RequestReader } from '../wireguard/uapi/request-reader.js';
export type { SetRequest } from '../wireguard/uapi/set-request.js';
