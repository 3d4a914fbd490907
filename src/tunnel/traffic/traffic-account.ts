/** The traffic of one SIM today and this month, of all processes that use its tunnel. */
import { messageOf } from '../../lib/errors/error-message.js';
import {
  addDays,
  totalOf,
  type TrafficBytes,
  type TrafficDays,
  type TrafficPeriod,
} from '../../lib/traffic-days.js';
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Clock, Timer, WallClock } from '../../ports/clock.js';
import type { Entropy } from '../../ports/entropy.js';
import type { Log } from '../../ports/log.js';
import type { TrafficStore } from '../../ports/stores/traffic-store.js';
import {
  type BudgetUse,
  countedDay,
  dayOf,
  MONTH_LENGTH,
  type TrafficBudget,
  usesOf,
} from './traffic-budget.js';

/**
 * The intervals in milliseconds at which traffic is stored, because flash memory wears out. They are
 * random, so that SIMs whose tunnels were opened together do not write at the same time.
 */
const INTERVAL = { shortest: 45_000, longest: 60_000 };

/** For this many milliseconds after the start, the machine's clock may not be set yet. */
const CLOCK_DOUBT = 900_000;

export interface TrafficAccountOptions {
  /** Identifies the SIM; see TrafficStore. */
  readonly name: string;
  readonly store: TrafficStore;
  /** Returns the traffic of this tunnel since it was opened. */
  readonly total: () => TrafficBytes;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** The budget of the SIM; undefined if it has none. */
  readonly budget?: TrafficBudget | undefined;
}

/** The traffic of all processes, in UTC. */
export interface StoredTraffic {
  readonly today: TrafficPeriod;
  readonly month: TrafficPeriod;
}

export class TrafficAccount {
  readonly #options: TrafficAccountOptions;
  #name: string;
  /** The traffic in the file at the last access. */
  #stored: TrafficDays = {};
  /** This tunnel's traffic that is not in the file yet. */
  #unsaved: TrafficDays = {};
  /** The part of this tunnel's traffic that is being stored. */
  #saving: TrafficDays = {};
  /** The part of total() that has been assigned to a day. */
  #assigned: TrafficBytes = { sentBytes: 0, receivedBytes: 0 };
  #turn: Promise<void>;
  #timer: Timer | undefined;
  #hasFailed = false;
  #isClosed = false;
  readonly #openedAt: number;
  #onUpdate: () => void = () => undefined;

  constructor(options: TrafficAccountOptions) {
    this.#options = options;
    this.#name = options.name;
    this.#openedAt = options.clock.now();
    this.#turn = this.#read();
    this.#arm();
  }

  /** Resolves when the stored traffic has been read, and what was to be stored is stored. */
  get saved(): Promise<void> {
    return this.#turn;
  }

  /**
   * @param handler called after stored traffic was read, and about once a minute; replaces the
   * previous handler
   */
  onUpdate(handler: () => void): void {
    this.#onUpdate = handler;
  }

  status(): StoredTraffic {
    this.#assign();
    const today = this.#today();
    const days = this.#days();
    return { today: totalOf(days, today), month: totalOf(days, today.slice(0, MONTH_LENGTH)) };
  }

  /** Returns the use of the budget; empty without one. */
  uses(): readonly BudgetUse[] {
    const { budget = {}, wallClock } = this.#options;
    this.#assign();
    const day = this.#today();
    const unix = wallClock.unixMilliseconds();
    const uses = usesOf(budget, this.#days(), day);
    if (day === dayOf(unix)) return uses;
    // The clock's own day counts as soon as the doubt ends.
    const endsUnix = unix + this.#openedAt + CLOCK_DOUBT - this.#options.clock.now();
    return uses.map((use) => ({ ...use, endsUnix }));
  }

  /** Stores the traffic now, so that a killed process does not lose it. */
  store(): void {
    void this.#save();
  }

  /** Assigns further traffic to another SIM. */
  follow(name: string): void {
    if (name === this.#name) return;
    void this.#save();
    this.#turn = this.#turn.then(() => {
      this.#name = name;
      this.#stored = {};
      // The rest could not be stored, and is not the other SIM's.
      this.#unsaved = {};
      return this.#read();
    });
    void this.#turn.then(() => this.#onUpdate());
  }

  /** Stores the rest. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    return this.#save();
  }

  #arm(): void {
    const { clock, entropy } = this.#options;
    this.#timer = clock.startTimer(randomInterval(entropy), () => {
      void this.#save().then(() => {
        if (this.#isClosed) return;
        this.#onUpdate();
        this.#arm();
      });
    });
  }

  /** Assigns the traffic since the last call to today. */
  #assign(): void {
    const { total } = this.#options;
    const { sentBytes, receivedBytes } = total();
    const added = {
      sentBytes: sentBytes - this.#assigned.sentBytes,
      receivedBytes: receivedBytes - this.#assigned.receivedBytes,
    };
    this.#assigned = { sentBytes, receivedBytes };
    if (added.sentBytes === 0 && added.receivedBytes === 0) return;
    this.#unsaved = addDays(this.#unsaved, { [this.#today()]: added });
  }

  #days(): TrafficDays {
    return addDays(addDays(this.#stored, this.#saving), this.#unsaved);
  }

  #today(): string {
    const { budget, clock, wallClock } = this.#options;
    const isDoubtful = budget !== undefined && clock.now() - this.#openedAt < CLOCK_DOUBT;
    return countedDay(this.#stored, wallClock.unixMilliseconds(), isDoubtful);
  }

  #read(): Promise<void> {
    return this.#options.store.read(this.#name).then(
      (days) => {
        this.#stored = days;
      },
      (error: unknown) => this.#logFailure(error),
    );
  }

  #save(): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      this.#assign();
      if (Object.keys(this.#unsaved).length === 0) return;
      this.#saving = this.#unsaved;
      this.#unsaved = {};
      try {
        this.#stored = await this.#options.store.add(this.#name, this.#saving);
      } catch (error) {
        this.#unsaved = addDays(this.#saving, this.#unsaved);
        this.#logFailure(error);
      }
      this.#saving = {};
    });
    return this.#turn;
  }

  /** Logs the first failure only, because a read-only state folder fails every minute. */
  #logFailure(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const { log, budget } = this.#options;
    const reason = messageOf(error);
    const failure = 'cannot store traffic';
    if (budget !== undefined) {
      log.warn({ reason }, `${failure}: the budget counts only the traffic of this process`);
      return;
    }
    const consequence = 'the traffic of today and this month is that of this process only';
    log.info({ reason }, `${failure}: ${consequence}`);
  }
}

function randomInterval(entropy: Entropy): number {
  const { shortest, longest } = INTERVAL;
  return shortest + ((longest - shortest) * randomUint32(entropy)) / 2 ** 32;
}
