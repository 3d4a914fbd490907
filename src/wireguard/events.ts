import { MAX_EVENTS } from './constants.js';
import type { Endpoint } from '../ports/datagram.js';
import type { Peer } from './peer.js';

/** What the layers above may want to react to. */
export type DeviceEvent =
  /** A session is there and confirmed, in either role. `now` is when. */
  | { readonly type: 'handshake-complete'; readonly peer: Peer; readonly now: number }
  /** No answer for 90 s: what waited was dropped, and nothing is tried until the next packet. */
  | { readonly type: 'handshake-gave-up'; readonly peer: Peer }
  /** The peer was heard from another address or port than before. */
  | { readonly type: 'endpoint-changed'; readonly peer: Peer; readonly endpoint: Endpoint }
  /** Wall clock and monotonic clock have parted by `by` ms: all sessions were dropped. */
  | { readonly type: 'clock-jumped'; readonly by: number };

/** Events that wait to be polled. Where it is full the oldest goes: a peer can provoke events. */
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
