/**
 * TAI64N timestamps increase by at least their rounding step, even over restarts and clocks that
 * step back. Otherwise a peer treats the initiation as a replay (whitepaper 5.1).
 */
import type { End, Side } from '../end.js';
import { Violation, type Invariant, type World } from '../invariant.js';

/** Nanoseconds. */
const STEP = 2n ** 24n;
const SECOND = 1_000_000_000n;

export class Stamps implements Invariant {
  readonly name = 'stamps';
  readonly #world: World;
  readonly #last: Partial<Record<Side, bigint>> = {};

  constructor(world: World) {
    this.#world = world;
  }

  stamped(end: End, timestamp: Uint8Array): void {
    const view = new DataView(timestamp.buffer, timestamp.byteOffset, timestamp.length);
    const stamp = view.getBigUint64(0) * SECOND + BigInt(view.getUint32(8));
    const last = this.#last[end.side];
    // Rounding restarts with each second, so that its first step may be shorter.
    const isNewSecond = last !== undefined && stamp / SECOND > last / SECOND;
    if (last !== undefined && stamp < last + (isNewSecond ? 1n : STEP)) {
      const what = `${end.side} stamped ${stamp} ns after ${last} ns`;
      throw new Violation(this.#world, this.name, what);
    }
    this.#last[end.side] = stamp;
  }
}
