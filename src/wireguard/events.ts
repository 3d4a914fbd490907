import { MAX_EVENTS } from './constants.js';
import type { Endpoint } from '../ports/datagram.js';
import type { Peer } from './peer.js';

/** An event that the device reports to the layers above it. */
export type DeviceEvent =
  /** A session was established and confirmed at `now`, in either role. */
  | { readonly type: 'handshake-complete'; readonly peer: Peer; readonly now: number }
  /**
   * The handshake gave up after 90 s. Staged packets were dropped, and the next packet starts a new
   * handshake.
   */
  | { readonly type: 'handshake-gave-up'; readonly peer: Peer }
  /** The peer sent an authenticated message from a different address or port. */
  | { readonly type: 'endpoint-changed'; readonly peer: Peer; readonly endpoint: Endpoint }
  /** The wall clock moved by `by` ms against the monotonic clock, and sessions were dropped. */
  | { readonly type: 'clock-jumped'; readonly by: number };

/**
 * Events that wait for poll(). A full queue drops its oldest event. The queue is limited because
 * peers can cause events.
 */
export class EventQueue {
  #events: DeviceEvent[] = [];

  push(event: DeviceEvent): void {
    if (this.#events.length >= MAX_EVENTS) this.#events.shift();
    this.#events.push(event);
  }

  poll(): DeviceEvent | undefined {
    return this.#events.shift();
  }
}
