/** The last events before a violation. */
import type { DeviceEvent } from '../../src/wireguard/device.js';
import { readUint32 } from '../../src/wireguard/messages.js';
import type { End } from './end.js';
import {
  clockText,
  type Incident,
  type Invariant,
  type World,
  type Received,
  type Sent,
} from './invariant.js';

interface Entry {
  readonly at: number;
  readonly end: End;
  readonly what: string;
  readonly message?: Uint8Array;
}

export class Trace implements Invariant {
  readonly name = 'trace';
  readonly #world: World;
  readonly #length: number;
  #entries: Entry[] = [];

  /** @param length the number of entries kept; 0 for none */
  constructor(world: World, length: number) {
    this.#world = world;
    this.#length = length;
  }

  get lines(): string[] {
    return this.#entries
      .slice(-this.#length)
      .map(
        ({ at, end, what, message }) => `${clockText(at)} ${end.side} ${what}${indices(message)}`,
      );
  }

  transmitted(end: End, message: Sent): void {
    if (this.#length === 0) return;
    const what = `sends type ${message.type}, ${message.bytes.length} bytes, on ${end.trigger}`;
    this.#add(end, what, message.bytes.slice(0, 12));
  }

  received(end: End, datagram: Received): void {
    if (this.#length === 0) return;
    const verdict = datagram.isAccepted ? 'takes' : 'refuses';
    this.#add(end, `${verdict} type ${datagram.type}, ${datagram.length} bytes`, datagram.header);
  }

  event(end: End, event: DeviceEvent): void {
    this.#add(end, event.type);
  }

  incident(end: End, incident: Incident): void {
    this.#add(end, `*** ${incident}`);
  }

  #add(end: End, what: string, message?: Uint8Array): void {
    if (this.#length === 0) return;
    const at = this.#world.virtualNow;
    this.#entries.push(message === undefined ? { at, end, what } : { at, end, what, message });
    if (this.#entries.length > 2 * this.#length) this.#entries = this.#entries.slice(-this.#length);
  }
}

/** The indices in a message: the sender's, the receiver's, or both. */
function indices(message: Uint8Array | undefined): string {
  if (message === undefined || message.length < 12) return '';
  const first = readUint32(message, 4).toString(16);
  return message[0] === 2 ? ` ${first} for ${readUint32(message, 8).toString(16)}` : ` ${first}`;
}
