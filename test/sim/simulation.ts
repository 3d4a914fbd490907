/**
 * Two WireGuard devices and the network between them, in virtual time: hours pass in seconds,
 * everything depends on the seed, and the invariants are checked at each step.
 */
import { createHash } from 'node:crypto';
import type { Crypto } from '../../src/crypto/crypto.js';
import type { Endpoint } from '../../src/ports/datagram.js';
import {
  createDevice,
  otherSide,
  SIDES,
  type CreateDevice,
  type End,
  type EndSink,
  type Side,
  type Trigger,
} from './end.js';
import {
  Violation,
  type Details,
  type Happening,
  type Incident,
  type Received,
  type World,
} from './invariant.js';
import { Invariants } from './invariants/invariants.js';
import { Network, type Conditions, type Flight } from './network.js';
import { HOUR, planHour, type Act, type Hour, type HourKind, type Stage } from './plan.js';
import { Random } from './random.js';
import { Tally, type SimulationReport } from './report.js';
import { createEnds, drawScenario, type Scenario } from './scenario.js';
import { PacketMaker, Talker, type Pattern } from './traffic.js';

export interface SimulationOptions {
  readonly seed: number;
  readonly hours: number;
  readonly crypto: Crypto;
  /** A faulty device, to test that the invariants detect it. */
  readonly createDevice?: CreateDevice;
  /** Only hours of these kinds, in rotation. */
  readonly kinds?: readonly HourKind[];
  /** The number of trace entries kept for a failure. */
  readonly traceLength?: number;
  /** Overrides for values drawn from the seed. */
  readonly scenario?: Partial<Scenario>;
}

const MESSAGE_NAMES = ['', 'initiations', 'responses', 'cookie-replies', 'data-messages'];

export class Simulation implements World, Stage, EndSink {
  readonly seed: number;
  virtualNow = 0;
  hour: Hour;
  hourBeganAt = 0;
  readonly ends: Readonly<Record<Side, End>>;
  readonly talkers: Readonly<Record<Side, Talker>>;
  readonly network: Network;
  readonly mobile: Side;
  readonly #options: SimulationOptions;
  readonly #scenario: Scenario;
  readonly #maker: PacketMaker;
  readonly #addresses: Random;
  readonly #invariants: Invariants;
  readonly #digest = createHash('sha256');
  readonly #figures = new Tally();
  readonly #drops = new Tally();
  readonly #events = new Tally();
  readonly #incidents = new Tally();
  #acts: Act[] = [];
  #serial = 0;

  constructor(options: SimulationOptions) {
    const { seed } = options;
    this.seed = seed;
    this.#options = options;
    this.#scenario = { ...drawScenario(seed), ...options.scenario };
    this.mobile = this.#scenario.mobile;
    this.hour = planHour(seed, 0, options.kinds);
    this.network = new Network(new Random(seed, 2));
    this.talkers = { alice: new Talker(new Random(seed, 3)), bob: new Talker(new Random(seed, 4)) };
    this.#addresses = new Random(seed, 5);
    this.#maker = new PacketMaker(seed, this.#scenario.mtu);
    const create = options.createDevice ?? createDevice;
    this.ends = createEnds(this.#scenario, options.crypto, create, this);
    this.#invariants = new Invariants(this, this.#maker, options.traceLength ?? 0);
  }

  /** The last events, oldest first. */
  get trace(): readonly string[] {
    return this.#invariants.trace.lines;
  }

  /** @throws Violation if an invariant is violated */
  run(): SimulationReport {
    for (let index = 0; index < this.#options.hours; index++) {
      this.hour = planHour(this.seed, index, this.#options.kinds);
      this.hourBeganAt = index * HOUR;
      this.#acts = [...this.hour.acts];
      this.tell('hourBegan');
      this.#advance(this.hourBeganAt + HOUR);
      this.tell('hourEnded');
    }
    return this.#report();
  }

  #advance(until: number): void {
    for (;;) {
      const next = this.#nextEvent();
      if (next >= until) break;
      this.#setTime(Math.max(this.virtualNow, next));
      this.#step();
    }
    this.#setTime(until);
  }

  #nextEvent(): number {
    const { ends, talkers, network } = this;
    const act = this.#acts[0];
    return Math.min(
      act === undefined ? Infinity : this.hourBeganAt + act.at,
      network.nextArrival(),
      talkers.alice.next,
      talkers.bob.next,
      ends.alice.asleepUntil ?? ends.alice.nextTimeout(),
      ends.bob.asleepUntil ?? ends.bob.nextTimeout(),
    );
  }

  #setTime(virtualNow: number): void {
    this.virtualNow = virtualNow;
    for (const side of SIDES) {
      const end = this.ends[side];
      if (end.isAsleep && end.asleepUntil! > virtualNow) continue;
      end.at(virtualNow);
    }
  }

  #step(): void {
    for (const side of SIDES) this.#wake(this.ends[side]);
    while (this.#acts.length > 0 && this.hourBeganAt + this.#acts[0]!.at <= this.virtualNow) {
      this.#acts.shift()!.play(this);
    }
    let flight = this.network.arrival(this.virtualNow);
    while (flight !== undefined) {
      this.#arrive(flight);
      flight = this.network.arrival(this.virtualNow);
    }
    for (const side of SIDES) this.#speak(side);
    for (const side of SIDES) this.#expire(this.ends[side]);
    this.tell('settled');
  }

  #wake(end: End): void {
    if (end.asleepUntil === undefined || end.asleepUntil > this.virtualNow) return;
    end.wake();
    this.#incident(end, 'awake');
  }

  #arrive(flight: Flight): void {
    const end = this.ends[flight.to];
    const { address, port } = flight.destination;
    if (end.isAsleep || address !== end.endpoint.address || port !== end.endpoint.port) {
      this.network.counts.misdirected++;
      return;
    }
    this.network.counts.arrived++;
    const { bytes } = flight;
    const header = bytes.slice(0, 16);
    const before = authenticated(end);
    this.#act(end, 'datagram', () => {
      end.device.handleDatagrams([{ bytes, endpoint: flight.source }], end.now);
      // Overwrite the bytes, because a real socket reuses its memory.
      bytes.fill(0xee);
      const received: Received = {
        type: header[0] ?? 0,
        length: bytes.length,
        header,
        isDamaged: flight.isDamaged,
        isAccepted: authenticated(end) > before,
      };
      this.tell('received', end, received);
    });
  }

  #speak(side: Side): void {
    const talker = this.talkers[side];
    if (talker.next > this.virtualNow) return;
    const count = talker.turn(this.virtualNow);
    const end = this.ends[side];
    if (end.isAsleep) return;
    const slots: Uint8Array[] = [];
    for (let index = 0; index < count; index++) {
      const serial = this.#serial++;
      slots.push(this.#maker.slot(side, serial));
      this.tell('offered', end, serial);
    }
    this.#act(end, 'offer', () => end.device.sendPackets(slots, end.now));
  }

  #expire(end: End): void {
    if (end.nextTimeout() > this.virtualNow) return;
    this.#act(end, 'timeout', () => end.device.handleTimeout(end.now));
  }

  /** Calls the device, and notifies the invariants before and after. */
  #act(end: End, trigger: Trigger, call: () => void): void {
    end.trigger = trigger;
    this.tell('acting', end, trigger);
    call();
    for (let event = end.device.pollEvent(); event; event = end.device.pollEvent()) {
      this.#events.add(event.type);
      this.tell('event', end, event);
    }
    this.tell('acted', end, trigger);
  }

  #incident(end: End, incident: Incident): void {
    this.#incidents.add(incident);
    this.network.disturb(this.virtualNow);
    this.tell('incident', end, incident);
  }

  #countDrops(end: End): void {
    for (const [reason, amount] of end.device.drops) this.#drops.add(reason, amount);
  }

  #report(): SimulationReport {
    const { delivery, recovery, rekeys, silence, keyAges } = this.#invariants;
    const { hours } = this.#options;
    if (delivery.hoursWithTraffic * 2 < hours) {
      const text = `packets arrived in ${delivery.hoursWithTraffic} of ${hours} hours only`;
      throw new Violation(this, 'traffic', text);
    }
    for (const side of SIDES) this.#countDrops(this.ends[side]);
    return {
      scenario: this.#scenario,
      hours,
      hoursWithTraffic: delivery.hoursWithTraffic,
      digest: this.#digest.digest('hex'),
      figures: {
        'packets-offered': this.#serial,
        'packets-delivered': delivery.deliveredCount,
        ...this.#figures.counts,
        recoveries: recovery.count,
        'longest-recovery-ms': recovery.longest,
        'crossed-initiations': recovery.crossings,
        'steady-hours': rekeys.hours,
        rekeys: rekeys.counted,
        'rekeys-by-formula': rekeys.expected,
        'silent-hours': silence.silentHours,
        'keepalives-on-time': silence.keepalivesOnTime,
        'keys-zeroed': keyAges.zeroed,
      },
      network: { ...this.network.counts },
      drops: this.#drops.counts,
      events: this.#events.counts,
      incidents: this.#incidents.counts,
    };
  }

  // Implementation of Stage.

  setConditions(conditions: Conditions): void {
    if (conditions.isPartitioned) this.#incidents.add('partitioned');
    if (conditions.deafSide !== undefined) this.#incidents.add('partitioned-one-way');
    this.network.setConditions(conditions, this.virtualNow);
  }

  setTraffic(side: Side, pattern: Pattern | undefined): void {
    this.talkers[side].speak(pattern, this.virtualNow);
  }

  move(): void {
    const end = this.ends[this.mobile];
    const network = this.#addresses.between(1, 254);
    const port = this.#addresses.between(1_024, 65_535);
    const address = this.#addresses.chance(0.5) ? end.endpoint.address : `203.0.113.${network}`;
    end.endpoint = { address, port };
    this.#incident(end, 'moved');
  }

  restart(side: Side, how: 'stop' | 'crash'): void {
    const end = this.ends[side];
    if (end.isAsleep) return;
    this.#countDrops(end);
    end.restart(how);
    this.#incident(end, 'restarted');
  }

  sleep(side: Side, duration: number): void {
    const end = this.ends[side];
    if (end.isAsleep) return;
    end.sleep(this.virtualNow + duration);
    this.#incident(end, 'asleep');
  }

  stepWallClock(side: Side, by: number): void {
    this.ends[side].stepWallClock(by);
    this.#incident(this.ends[side], 'clock-stepped');
  }

  // Implementation of EndSink.

  transmitted(end: End, bytes: Uint8Array, destination: Endpoint): void {
    this.#digest.update(bytes);
    const type = bytes[0]!;
    this.#figures.add(MESSAGE_NAMES[type] ?? 'others');
    this.tell('transmitted', end, { bytes, type });
    const source = end.endpoint;
    this.network.send({ to: otherSide(end.side), bytes, source, destination }, this.virtualNow);
  }

  tell<Name extends Happening>(name: Name, ...details: Details<Name>): void {
    this.#invariants.tell(name, ...details);
  }
}

/** A counter that increases with each authentic message, whether or not its packet is accepted. */
function authenticated({ device, peer }: End): number {
  const { drops } = device;
  return peer.rxBytes + drops.of('malformed-packet') + drops.of('wrong-source');
}
