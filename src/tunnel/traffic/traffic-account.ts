/** The traffic of one SIM today and this month, of all processes that use its tunnel. */
import { messageOf } from '../../lib/errors/error-message.js';
import {
  addDays,
  totalOf,
  type TrafficBytes,
  type TrafficDays,
  type TrafficPeriod,
} from '../../lib/traffic-days.js';
import type { Clock, Timer, WallClock } from '../../ports/clock.js';
import type { Log } from '../../ports/log.js';
import type { TrafficStore } from '../../ports/stores/traffic-store.js';

/** The interval in milliseconds at which traffic is stored, because flash memory wears out. */
const INTERVAL = 60_000;

/** The length of `2026-11` in `2026-11-29`. */
const MONTH_LENGTH = 7;

export interface TrafficAccountOptions {
  /** Identifies the SIM; see TrafficStore. */
  readonly name: string;
  readonly store: TrafficStore;
  /** Returns the traffic of this tunnel since it was opened. */
  readonly total: () => TrafficBytes;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log: Log;
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
  #settled: TrafficBytes = { sentBytes: 0, receivedBytes: 0 };
  #turn: Promise<void>;
  #timer: Timer | undefined;
  #hasFailed = false;
  #isClosed = false;

  constructor(options: TrafficAccountOptions) {
    this.#options = options;
    this.#name = options.name;
    this.#turn = this.#read();
    this.#arm();
  }

  status(): StoredTraffic {
    this.#settle();
    const today = dayOf(this.#options.wallClock.unixMilliseconds());
    const days = addDays(addDays(this.#stored, this.#saving), this.#unsaved);
    return { today: totalOf(days, today), month: totalOf(days, today.slice(0, MONTH_LENGTH)) };
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
  }

  /** Stores the rest. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    return this.#save();
  }

  #arm(): void {
    this.#timer = this.#options.clock.startTimer(INTERVAL, () => {
      void this.#save().then(() => {
        if (!this.#isClosed) this.#arm();
      });
    });
  }

  /** Assigns the traffic since the last call to today. */
  #settle(): void {
    const { total, wallClock } = this.#options;
    const { sentBytes, receivedBytes } = total();
    const added = {
      sentBytes: sentBytes - this.#settled.sentBytes,
      receivedBytes: receivedBytes - this.#settled.receivedBytes,
    };
    this.#settled = { sentBytes, receivedBytes };
    if (added.sentBytes === 0 && added.receivedBytes === 0) return;
    this.#unsaved = addDays(this.#unsaved, { [dayOf(wallClock.unixMilliseconds())]: added });
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
      this.#settle();
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
    const consequence = 'the traffic of today and this month is that of this process only';
    this.#options.log.info({ reason: messageOf(error) }, `cannot store traffic: ${consequence}`);
  }
}

/** Returns the date in UTC. */
function dayOf(unix: number): string {
  return new Date(unix).toISOString().slice(0, 10);
}
