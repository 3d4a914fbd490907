/**
 * In an hour without traffic no message is sent after the last exchange is over, unless a
 * persistent keepalive is set. The longest last exchange: the last packets wait for a handshake
 * that is retried for 20 × 5.333 s; the packets are answered by two keepalives 10 s apart; the
 * second one may find the key old and begin a handshake that is lost and retried for as long; and
 * so may the 15.333 s timer of the last data.
 */
import { DATA } from '../../support/message-types.js';
import type { End, Side } from '../end.js';
import { Violation, type Invariant, type Received, type Sent, type World } from '../invariant.js';

const ATTEMPTS = 20 * 5_333;
export const LAST_WORDS = ATTEMPTS + 2 * 10_000 + 15_333 + ATTEMPTS + 5_000;
const KEEPALIVE_LENGTH = 32;

export class Silence implements Invariant {
  readonly name = 'silence';
  readonly #world: World;
  readonly #lastTraversal: Record<Side, number> = { alice: 0, bob: 0 };
  silentHours = 0;
  keepalivesOnTime = 0;

  constructor(world: World) {
    this.#world = world;
  }

  #isIdle(): boolean {
    const { hour, hourBeganAt, virtualNow } = this.#world;
    return hour.kind === 'idle' && virtualNow >= hourBeganAt + LAST_WORDS;
  }

  transmitted(end: End, message: Sent): void {
    const { virtualNow } = this.#world;
    const last = this.#lastTraversal[end.side];
    this.#lastTraversal[end.side] = virtualNow;
    if (!this.#isIdle()) return;
    const { alice, bob } = this.#world.ends;
    const interval = end.options.persistentKeepalive;
    if (alice.options.persistentKeepalive === 0 && bob.options.persistentKeepalive === 0) {
      throw this.#violation(`${end.side} sent a message of type ${message.type} in idle time`);
    }
    if (message.type !== DATA) return;
    if (message.bytes.length !== KEEPALIVE_LENGTH) {
      throw this.#violation(`${end.side} sent data in idle time`);
    }
    // A keepalive sent on a response confirms the keys (5.4.5).
    if (end.trigger === 'datagram') return;
    if (virtualNow - last !== interval) {
      throw this.#violation(`${end.side} sent a keepalive after ${virtualNow - last} ms`);
    }
    this.keepalivesOnTime++;
  }

  received(end: End, datagram: Received): void {
    if (datagram.isAccepted) this.#lastTraversal[end.side] = this.#world.virtualNow;
  }

  hourEnded(): void {
    const { alice, bob } = this.#world.ends;
    const hasKeepalive = alice.options.persistentKeepalive + bob.options.persistentKeepalive > 0;
    if (this.#isIdle() && !hasKeepalive) this.silentHours++;
  }

  #violation(what: string): Violation {
    return new Violation(this.#world, this.name, what);
  }
}
