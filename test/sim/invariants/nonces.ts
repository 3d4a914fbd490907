/**
 * No nonce is used twice under a key. This is observed at the cipher, for all copies of the key,
 * and on the wire, by receiver index and counter of each process.
 */
import { DATA as DATA_LAYOUT, readCounter, readUint32 } from '../../../src/wireguard/messages.js';
import type { End } from '../end.js';
import { Violation, type Invariant, type Sent, type World } from '../invariant.js';
import type { KeyRecord } from '../recording-crypto.js';
import { DATA } from '../../support/message-types.js';

export class Nonces implements Invariant {
  readonly name = 'nonces';
  readonly #world: World;
  /** The last counter under each key. Counters increase, so that the last one is enough. */
  readonly #lastSealed = new Map<string, number>();
  readonly #lastSent = new Map<string, number>();
  readonly #handshakes = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  sealed(key: KeyRecord, counter: number): void {
    const last = this.#lastSealed.get(key.fingerprint) ?? -1;
    if (counter <= last) {
      throw this.#violation(`${key.end.side} sealed under counter ${counter} after ${last}`);
    }
    this.#lastSealed.set(key.fingerprint, counter);
  }

  handshakeSealed(key: string, nonce: string): void {
    const pair = `${nonce}|${key}`;
    if (this.#handshakes.has(pair)) throw this.#violation('a handshake key was used twice');
    this.#handshakes.add(pair);
  }

  transmitted(end: End, message: Sent): void {
    if (message.type !== DATA) return;
    const index = readUint32(message.bytes, DATA_LAYOUT.receiverIndex);
    const counter = readCounter(message.bytes);
    const session = `${end.side} ${end.incarnation} ${index}`;
    const last = this.#lastSent.get(session) ?? -1;
    if (counter <= last) {
      throw this.#violation(`${end.side} sent counter ${counter} after ${last} to ${index}`);
    }
    this.#lastSent.set(session, counter);
  }

  #violation(what: string): Violation {
    return new Violation(this.#world, this.name, what);
  }
}
