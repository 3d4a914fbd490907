/**
 * No packet is delivered twice, altered, to the wrong side, or without being sent; and no datagram
 * damaged in transit is accepted as authentic.
 */
import { equalBytes } from '../bytes.js';
import { otherSide, type End, type Side } from '../end.js';
import { Violation, type Invariant, type Received, type World } from '../invariant.js';
import { HOUR } from '../plan.js';
import { serialOf, type PacketMaker } from '../traffic.js';
import { DATA } from '../../support/message-types.js';

export class Delivery implements Invariant {
  readonly name = 'delivery';
  readonly #world: World;
  readonly #maker: PacketMaker;
  /** By sending side and serial number: 1 offered, 2 delivered. */
  readonly #states: Record<Side, Map<number, 1 | 2>> = { alice: new Map(), bob: new Map() };
  readonly #hours: Record<Side, Set<number>> = { alice: new Set(), bob: new Set() };
  deliveredCount = 0;

  constructor(world: World, maker: PacketMaker) {
    this.#world = world;
    this.#maker = maker;
  }

  offered(end: End, serial: number): void {
    this.#states[end.side].set(serial, 1);
  }

  delivered(end: End, packet: Uint8Array): void {
    const from = otherSide(end.side);
    const serial = serialOf(packet, from);
    if (serial === undefined) {
      const isOwn = serialOf(packet, end.side) !== undefined;
      throw this.#violation(
        isOwn
          ? `${end.side} was given a packet of its own`
          : `${end.side} was given a packet that was altered or not sent (${packet.length} bytes)`,
      );
    }
    const state = this.#states[from].get(serial);
    if (state === undefined) {
      throw this.#violation(`${end.side} was given packet ${serial}, which was not sent`);
    }
    if (state === 2) throw this.#violation(`${end.side} was given packet ${serial} twice`);
    if (!equalBytes(packet, this.#maker.packet(from, serial))) {
      throw this.#violation(`${end.side} was given packet ${serial} with other bytes`);
    }
    this.#states[from].set(serial, 2);
    this.deliveredCount++;
    this.#hours[from].add(Math.floor(this.#world.virtualNow / HOUR));
  }

  received(end: End, datagram: Received): void {
    if (datagram.type === DATA && datagram.isDamaged && datagram.isAccepted) {
      throw this.#violation(`${end.side} took a damaged message for authentic`);
    }
  }

  isDelivered(from: Side, serial: number): boolean {
    return this.#states[from].get(serial) === 2;
  }

  /** Hours in which packets were delivered to either side. */
  get hoursWithTraffic(): number {
    return new Set([...this.#hours.alice, ...this.#hours.bob]).size;
  }

  #violation(what: string): Violation {
    return new Violation(this.#world, this.name, what);
  }
}
