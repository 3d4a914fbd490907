/**
 * A changed clock or a sleep is noticed at the next call, before the device acts on the call, and
 * clocks that merely drift apart do not count as a jump.
 */
import type { DeviceEvent } from '../../../src/wireguard/device.js';
import type { End, Side } from '../end.js';
import { Violation, type Incident, type Invariant, type World } from '../invariant.js';

export class ClockJumps implements Invariant {
  readonly name = 'clock-jumps';
  readonly #world: World;
  /** True if the clocks of this side have jumped and its device has not been called since. */
  readonly #parted: Record<Side, boolean> = { alice: false, bob: false };

  constructor(world: World) {
    this.#world = world;
  }

  incident(end: End, incident: Incident): void {
    // A new process starts with the current offset between its clocks.
    if (incident === 'restarted') this.#parted[end.side] = false;
    if (incident === 'awake' || incident === 'clock-stepped') this.#parted[end.side] = true;
  }

  event(end: End, event: DeviceEvent): void {
    if (event.type !== 'clock-jumped') return;
    if (!this.#parted[end.side]) {
      const text = `${end.side} took a drift of ${event.by} ms for a jump`;
      throw new Violation(this.#world, this.name, text);
    }
    this.#parted[end.side] = false;
  }

  acted(end: End): void {
    if (!this.#parted[end.side]) return;
    throw new Violation(this.#world, this.name, `${end.side} did not notice that its clock jumped`);
  }
}
