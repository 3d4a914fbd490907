/**
 * The plan of an hour: network conditions, traffic, and incidents at the ends. All of it is drawn
 * from the seed and the number of the hour, before the hour begins.
 */
import type { Side } from './end.js';
import { clear, type Conditions } from './network.js';
import { Random } from './random.js';
import { steady, type Pattern } from './traffic.js';

/** The actions of a plan. */
export interface Stage {
  setConditions(conditions: Conditions): void;
  setTraffic(side: Side, pattern: Pattern | undefined): void;
  /** The mobile side gets a new address or port. */
  move(): void;
  restart(side: Side, how: 'stop' | 'crash'): void;
  sleep(side: Side, duration: number): void;
  stepWallClock(side: Side, by: number): void;
}

export interface Act {
  /** ms since the hour began. */
  readonly at: number;
  readonly play: (stage: Stage) => void;
}

export type HourKind =
  'steady' | 'rough' | 'idle' | 'partitions' | 'roaming' | 'restarts' | 'clocks';

export interface Hour {
  readonly index: number;
  readonly kind: HourKind;
  /** In the order of execution. */
  readonly acts: readonly Act[];
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/**
 * Ten hours with traffic for two without, so that each seed of 24 hours has each kind. Two idle
 * hours are never adjacent and none is the first of a deck, so that at least half of the hours have
 * traffic.
 */
const DECK: readonly HourKind[] = [
  'steady',
  'steady',
  'steady',
  'rough',
  'rough',
  'partitions',
  'partitions',
  'roaming',
  'restarts',
  'clocks',
  'idle',
  'idle',
];

/** Hour number `index` of a run, independent of the length of the run. */
export function planHour(seed: number, index: number, only?: readonly HourKind[]): Hour {
  const kind =
    only === undefined
      ? dealt(seed, Math.floor(index / DECK.length))[index % DECK.length]!
      : only[index % only.length]!;
  const script = new Script(new Random(seed, 31, index));
  WRITERS[kind](script);
  return { index, kind, acts: script.acts.sort((left, right) => left.at - right.at) };
}

function dealt(seed: number, deck: number): HourKind[] {
  const random = new Random(seed, 32, deck);
  for (;;) {
    const hours = random.shuffled(DECK);
    const meets = hours.some(
      (kind, at) => kind === 'idle' && (at === 0 || hours[at - 1] === 'idle'),
    );
    if (!meets) return hours;
  }
}

/** Builds the list of acts, with draws that several kinds of hour share. */
class Script {
  readonly random: Random;
  readonly acts: Act[] = [];
  at = 0;

  constructor(random: Random) {
    this.random = random;
  }

  /** Adds an act at the current time of the script. */
  play(play: (stage: Stage) => void): void {
    this.acts.push({ at: this.at, play });
  }

  pass(duration: number): void {
    this.at += duration;
  }

  conditions(conditions: Conditions): void {
    this.play((stage) => stage.setConditions(conditions));
  }

  traffic(alice: Pattern | undefined, bob: Pattern | undefined): void {
    this.play((stage) => {
      stage.setTraffic('alice', alice);
      stage.setTraffic('bob', bob);
    });
  }

  clear(): void {
    this.conditions(clear(this.random.between(1, 150)));
  }

  rough(): void {
    const { random } = this;
    const some = (most: number): number =>
      (random.chance(0.6) ? random.below(1000) / 1000 : 0) * most;
    this.conditions({
      latency: random.between(1, 400),
      jitter: random.chance(0.7) ? random.between(1, 2_000) : 0,
      loss: some(0.3),
      duplicate: some(0.2),
      corrupt: some(0.1),
      truncate: some(0.05),
      isPartitioned: false,
    });
  }

  /** Blocks all datagrams or, sometimes, those in one direction. */
  partition(): void {
    const isOneWay = this.random.chance(0.3);
    const conditions = { ...clear(20), isPartitioned: !isOneWay };
    this.conditions(isOneWay ? { ...conditions, deafSide: this.side() } : conditions);
  }

  side(): Side {
    return this.random.chance(0.5) ? 'alice' : 'bob';
  }

  steady(): Pattern {
    return steady(this.random.pick([200, 250, 500, 1_000]));
  }

  /** Both sides send at a steady pace, so that the end of an outage is detected at once. */
  bothSteady(): void {
    this.traffic(this.steady(), this.steady());
  }

  /** Any kind of traffic: from one side or both, steady, in bursts, or sparse. */
  anyTraffic(): void {
    const one = (): Pattern | undefined => {
      switch (this.random.below(5)) {
        case 0:
          return undefined;
        case 1:
          return { interval: [5 * SECOND, 40 * SECOND], burst: [1, 200] };
        case 2:
          return { interval: [10 * SECOND, 4 * MINUTE], burst: [1, 3] };
        default:
          return this.steady();
      }
    };
    this.traffic(one(), one());
  }

  /** About a minute in which the network is clear and both sides send. */
  recovery(): void {
    this.clear();
    this.bothSteady();
    this.pass(this.random.between(45 * SECOND, 2 * MINUTE));
  }
}

const WRITERS: Record<HourKind, (script: Script) => void> = {
  /** For the formula of rekeys.ts: from STEADY_FROM on one constant pattern. */
  steady(script) {
    script.clear();
    script.bothSteady();
    script.pass(STEADY_FROM);
    const pattern = script.steady();
    const other = script.steady();
    const choice = script.random.below(4);
    script.traffic(choice === 0 ? undefined : pattern, choice === 1 ? undefined : other);
  },

  rough(script) {
    while (script.at < HOUR - 15 * MINUTE) {
      script.rough();
      script.anyTraffic();
      script.pass(script.random.between(2 * MINUTE, 10 * MINUTE));
      if (script.random.chance(0.5)) script.recovery();
    }
    script.recovery();
  },

  idle(script) {
    script.traffic(undefined, undefined);
    if (script.random.chance(0.3)) script.rough();
    else script.clear();
  },

  /**
   * Short partitions, some after which handshakes were abandoned, and some after which keys are
   * wiped.
   */
  partitions(script) {
    const { random } = script;
    script.recovery();
    while (script.at < HOUR - 20 * MINUTE) {
      if (random.chance(0.5)) script.anyTraffic();
      script.partition();
      const lengths = [
        [5 * SECOND, 85 * SECOND],
        [95 * SECOND, 5 * MINUTE],
        [9 * MINUTE + SECOND, 15 * MINUTE],
      ] as const;
      script.pass(random.between(...random.pick(lengths)));
      if (random.chance(0.3)) {
        script.traffic(undefined, undefined);
        script.clear();
        script.pass(random.between(SECOND, 3 * MINUTE));
      }
      script.recovery();
    }
  },

  roaming(script) {
    const { random } = script;
    script.recovery();
    while (script.at < HOUR - 10 * MINUTE) {
      if (random.chance(0.3)) script.rough();
      if (random.chance(0.3)) script.anyTraffic();
      script.play((stage) => stage.move());
      script.pass(random.between(SECOND, 3 * MINUTE));
      script.recovery();
    }
  },

  restarts(script) {
    const { random } = script;
    script.recovery();
    while (script.at < HOUR - 10 * MINUTE) {
      if (random.chance(0.3)) script.rough();
      if (random.chance(0.2)) script.partition();
      const times = random.chance(0.3) ? 3 : 1;
      for (let time = 0; time < times; time++) {
        const side = script.side();
        const how = random.chance(0.5) ? 'stop' : 'crash';
        script.play((stage) => stage.restart(side, how));
        // Sometimes at once, within one step of the timestamps.
        script.pass(random.between(0, random.chance(0.5) ? 15 : 2 * SECOND));
      }
      script.pass(random.between(SECOND, 2 * MINUTE));
      script.recovery();
    }
  },

  clocks(script) {
    const { random } = script;
    script.recovery();
    while (script.at < HOUR - 25 * MINUTE) {
      const side = script.side();
      if (random.chance(0.5)) {
        const duration = random.between(2 * SECOND, 20 * MINUTE);
        script.play((stage) => stage.sleep(side, duration));
        script.pass(duration);
      } else {
        const size = random.pick([2 * SECOND, MINUTE, HOUR, 24 * HOUR, 365 * 24 * HOUR]);
        const by = random.between(size, 2 * size) * (random.chance(0.5) ? 1 : -1);
        script.play((stage) => stage.stepWallClock(side, by));
      }
      const how = random.chance(0.5) ? 'stop' : 'crash';
      if (random.chance(0.5)) script.play((stage) => stage.restart(side, how));
      script.recovery();
    }
  },
};

/** The time in a steady hour, in ms, after which only the one pattern is used. */
export const STEADY_FROM = 2 * MINUTE;
