/**
 * When the network is clear and both ends are awake, packets arrive again within 15 s plus the
 * jitter of the timers (333 ms) plus one round trip. The time counts from the first packet offered
 * then, because an end detects nothing until it sends (whitepaper 6.5: a handshake begins
 * KEEPALIVE_TIMEOUT + REKEY_TIMEOUT after the first unanswered data). From then on no packet is
 * lost.
 */
import { INITIATION } from '../../support/message-types.js';
import { otherSide, SIDES, type End, type Side } from '../end.js';
import {
  Violation,
  type Incident,
  type Invariant,
  type World,
  type Received,
  type Sent,
} from '../invariant.js';
import type { Delivery } from './delivery.js';

const RECOVERY_TIME = 15_000 + 333;

interface Waiting {
  readonly serial: number;
  readonly offeredAt: number;
}

class Direction {
  /** When the first packet was offered after the network became clear. */
  firstOfferAt: number | undefined;
  hasRecovered = false;
  readonly waiting: Waiting[] = [];

  reset(): void {
    this.firstOfferAt = undefined;
    this.hasRecovered = false;
    this.waiting.length = 0;
  }
}

export class Recovery implements Invariant {
  readonly name = 'recovery';
  readonly #world: World;
  readonly #delivery: Delivery;
  readonly #directions: Record<Side, Direction> = { alice: new Direction(), bob: new Direction() };
  readonly #initiatedAt: Record<Side, number> = { alice: -Infinity, bob: -Infinity };
  #disturbedAt = 0;
  /** Completed recoveries, and the longest of them in ms. */
  count = 0;
  longest = 0;
  /** Initiations that crossed another one in the network. */
  crossings = 0;

  constructor(world: World, delivery: Delivery) {
    this.#world = world;
    this.#delivery = delivery;
  }

  incident(_end: End, incident: Incident): void {
    if (incident !== 'asleep') this.#disturbed();
  }

  #disturbed(): void {
    this.#disturbedAt = this.#world.virtualNow;
    for (const side of SIDES) this.#directions[side].reset();
  }

  transmitted(end: End, message: Sent): void {
    if (message.type === INITIATION) this.#initiatedAt[end.side] = this.#world.virtualNow;
  }

  received(end: End, datagram: Received): void {
    if (!datagram.isAccepted || datagram.type !== INITIATION) return;
    const { latency } = this.#world.network.conditions;
    if (this.#world.virtualNow - this.#initiatedAt[end.side] <= 2 * latency) this.crossings++;
  }

  offered(end: End, serial: number): void {
    if (!this.#isClear() || !this.#canKnow(end)) return;
    const direction = this.#directions[end.side];
    const { virtualNow, mobile } = this.#world;
    // This end can only wait for the other end, which must detect the outage first.
    const mustWait = end.side !== mobile && !this.#knowsPeer(end);
    if (mustWait && this.#directions[mobile].firstOfferAt === undefined) return;
    direction.firstOfferAt ??= virtualNow;
    direction.waiting.push({ serial, offeredAt: virtualNow });
  }

  /**
   * Only an end that sends at a steady pace, at least once a second, is sure to detect an outage.
   */
  #canKnow(end: End): boolean {
    const { mobile, talkers } = this.#world;
    if (!isSteady(this.#world, end.side)) return false;
    if (end.side === mobile || isSteady(this.#world, mobile)) return true;
    // The other end has moved and is silent, so it cannot be found.
    return talkers[mobile].pattern === undefined && this.#knowsPeer(end);
  }

  #knowsPeer(end: End): boolean {
    const known = end.peer.endpoint;
    const actual = this.#world.ends[otherSide(end.side)].endpoint;
    return known?.port === actual.port && known.address === actual.address;
  }

  #isClear(): boolean {
    const { network, virtualNow, ends } = this.#world;
    if (network.isClearAt(virtualNow) && !ends.alice.isAsleep && !ends.bob.isAsleep) return true;
    if (this.#disturbedAt !== virtualNow) this.#disturbed();
    return false;
  }

  settled(): void {
    if (!this.#isClear()) return;
    for (const side of SIDES) this.#check(side, this.#directions[side]);
  }

  #check(side: Side, direction: Direction): void {
    const { virtualNow, network } = this.#world;
    const roundTrip = 2 * network.conditions.latency;
    const { waiting, firstOfferAt } = direction;
    if (firstOfferAt === undefined) return;
    const limit = firstOfferAt + RECOVERY_TIME + roundTrip;
    let first = waiting[0];
    while (first !== undefined && virtualNow > first.offeredAt + roundTrip) {
      const isDelivered = this.#delivery.isDelivered(side, first.serial);
      if (isDelivered && !direction.hasRecovered) this.#recovered(direction, first);
      if (!isDelivered && first.offeredAt > limit) {
        const after = first.offeredAt - firstOfferAt;
        const text = `packet ${first.serial} from ${side}, offered ${after} ms after the first one`;
        throw new Violation(this.#world, this.name, `${text}, did not arrive`);
      }
      waiting.shift();
      first = waiting[0];
    }
  }

  #recovered(direction: Direction, first: Waiting): void {
    direction.hasRecovered = true;
    this.count++;
    const duration = first.offeredAt - direction.firstOfferAt!;
    this.longest = Math.max(this.longest, duration);
  }
}

function isSteady(world: World, side: Side): boolean {
  const pattern = world.talkers[side].pattern;
  return pattern !== undefined && pattern.interval[1] <= 1_000 && pattern.burst[1] === 1;
}
