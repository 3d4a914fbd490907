/**
 * Compares steady hours with a formula. The initiator rekeys at the first message that it sends 120
 * s (REKEY_AFTER_TIME) or more after its session began (whitepaper 6.2). The new session begins one
 * round trip later, and the roles stay the same. If the initiator has packets to send, they are its
 * messages. If it only receives, its messages are keepalives: one 10 s after the first packet that
 * follows its last message, and so on every 10 s; the message before the first of them confirms the
 * new keys. Let
 *
 *     d    ms between two packets of the initiator, or of the responder if the initiator sends none;
 *          120 000 is a multiple of it
 *     RTT  the round trip
 *     P    120 000 + d × ⌈RTT / d⌉, from one rekey to the next, in both cases
 *     s    the first message of the initiator at which the current session is 120 s old
 *
 * Then a window that ends before e contains ⌊(e - 1 - s) / P⌋ + 1 initiations, or none if s ≥ e.
 * The count must be equal, and the responder must send none.
 */
import { DATA, INITIATION } from '../../support/message-types.js';
import { otherSide, type End, type Side } from '../end.js';
import { Violation, type Invariant, type Sent, type World } from '../invariant.js';
import { HOUR, STEADY_FROM } from '../plan.js';

const REKEY_AFTER_TIME = 120_000;
const KEEPALIVE_TIMEOUT = 10_000;
const KEEPALIVE_LENGTH = 32;
/** By then, all effects of the hour before are over. */
const COUNT_FROM = STEADY_FROM + 30_000;

interface Window {
  readonly initiator: Side;
  /** s and P of the formula. */
  readonly first: number;
  readonly period: number;
}

export class Rekeys implements Invariant {
  readonly name = 'rekeys';
  readonly #world: World;
  #window: Window | undefined;
  readonly #initiations: Record<Side, number> = { alice: 0, bob: 0 };
  /** The sum over all steady hours. */
  expected = 0;
  counted = 0;
  hours = 0;

  constructor(world: World) {
    this.#world = world;
  }

  hourBegan(): void {
    this.#window = undefined;
    this.#initiations.alice = this.#initiations.bob = 0;
  }

  transmitted(end: End, message: Sent): void {
    const { hour, hourBeganAt, virtualNow } = this.#world;
    if (hour.kind !== 'steady' || virtualNow < hourBeganAt + COUNT_FROM) return;
    if (this.#window === undefined && message.type === DATA) {
      this.#window = this.#open(end, message.bytes.length > KEEPALIVE_LENGTH);
    }
    if (this.#window !== undefined && message.type === INITIATION) this.#initiations[end.side]++;
  }

  /** The window opens with a message of the initiator, of the kind that rekeys in this hour. */
  #open(end: End, isPacket: boolean): Window | undefined {
    const { talkers, network, virtualNow } = this.#world;
    const session = end.peer.keypairs.current;
    if (!session?.isInitiator || end.peer.handshake.awaitsResponse) return undefined;
    const own = talkers[end.side].pattern?.interval[0];
    const age = end.now - session.createdAt;
    if (isPacket !== (own !== undefined) || age === 0) return undefined;
    const untilOld = Math.max(0, REKEY_AFTER_TIME - age);
    const step = own ?? KEEPALIVE_TIMEOUT;
    const interval = own ?? talkers[otherSide(end.side)].pattern!.interval[0];
    const roundTrip = 2 * network.conditions.latency;
    return {
      initiator: end.side,
      first: virtualNow + step * Math.ceil(untilOld / step),
      period: REKEY_AFTER_TIME + interval * Math.ceil(roundTrip / interval),
    };
  }

  hourEnded(): void {
    const { hour, hourBeganAt } = this.#world;
    if (hour.kind !== 'steady') return;
    if (this.#window === undefined) throw this.#violation('there is no session to rekey');
    const { initiator, first, period } = this.#window;
    const end = hourBeganAt + HOUR;
    const expected = first >= end ? 0 : Math.floor((end - 1 - first) / period) + 1;
    const counted = this.#initiations[initiator];
    const others = this.#initiations[otherSide(initiator)];
    if (counted !== expected || others !== 0) {
      throw this.#violation(
        `${counted} rekeys by the initiator and ${others} by the responder, ` +
          `${expected} and 0 expected`,
      );
    }
    this.expected += expected;
    this.counted += counted;
    this.hours++;
  }

  #violation(what: string): Violation {
    return new Violation(this.#world, this.name, what);
  }
}
