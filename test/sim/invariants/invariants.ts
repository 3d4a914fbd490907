import type { Details, Happening, Invariant, World } from '../invariant.js';
import { Trace } from '../trace.js';
import type { PacketMaker } from '../traffic.js';
import { ClockJumps } from './clock-jumps.js';
import { Delivery } from './delivery.js';
import { KeyAges } from './key-ages.js';
import { Nonces } from './nonces.js';
import { Recovery } from './recovery.js';
import { Rekeys } from './rekeys.js';
import { Silence } from './silence.js';
import { Stamps } from './stamps.js';
import { TimerRules } from './timer-rules.js';

/** All invariants of a run. */
export class Invariants {
  readonly delivery: Delivery;
  readonly recovery: Recovery;
  readonly rekeys: Rekeys;
  readonly silence: Silence;
  readonly keyAges: KeyAges;
  readonly trace: Trace;
  readonly #all: readonly Invariant[];

  constructor(world: World, maker: PacketMaker, traceLength: number) {
    this.trace = new Trace(world, traceLength);
    this.delivery = new Delivery(world, maker);
    this.recovery = new Recovery(world, this.delivery);
    this.rekeys = new Rekeys(world);
    this.silence = new Silence(world);
    this.keyAges = new KeyAges(world);
    this.#all = [
      this.trace,
      this.delivery,
      new Nonces(world),
      new Stamps(world),
      new ClockJumps(world),
      this.keyAges,
      new TimerRules(world),
      this.recovery,
      this.silence,
      this.rekeys,
    ];
  }

  /**
   * Reports an event to each invariant.
   * @throws Violation if an invariant is violated
   */
  tell<Name extends Happening>(name: Name, ...details: Details<Name>): void {
    for (const invariant of this.#all) {
      const method = invariant[name] as ((...details: Details<Name>) => void) | undefined;
      method?.apply(invariant, details);
    }
  }
}
