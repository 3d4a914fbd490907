/** Refuses new work inside a tunnel while its traffic budget is used up. */
import { bytesText } from '../../lib/text/amounts.js';
import type { Clock, Timer, WallClock } from '../../ports/clock.js';
import type { Log } from '../../ports/log.js';
import { DialError } from '../../proxy/dialer.js';
import { TunnelError } from '../tunnel-error.js';
import type { TrafficAccount } from './traffic-account.js';
import {
  type BudgetLevel,
  type BudgetSpan,
  type BudgetUse,
  bytesToNextLevel,
  bytesToStore,
  dayOf,
  endOf,
  isUsedUp,
  levelOf,
} from './traffic-budget.js';

/** How long open connections may continue after the budget is used up, in milliseconds. */
const GRACE = 5_000;

export interface BudgetGateOptions {
  readonly account: Pick<TrafficAccount, 'uses' | 'store' | 'onUpdate' | 'saved'>;
  /** Returns the outer bytes of this tunnel so far, sent and received. */
  readonly total: () => number;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log: Log;
}

/** What the sockets inside a tunnel need to know. */
export interface BudgetGuard {
  /** Whether new work is allowed. */
  readonly isOpen: boolean;
  /** @throws DialError `over-budget` if new work is refused */
  require(): void;
}

export class BudgetGate implements BudgetGuard {
  readonly #options: BudgetGateOptions;
  #uses: readonly BudgetUse[] = [];
  /** The state holds until this tunnel has carried so many bytes, and in this range of times. */
  #validBytes = 0;
  #validFrom = Infinity;
  #validUntil = -Infinity;
  /** The bytes of this tunnel when they were last stored for a budget. */
  #storedBytes = 0;
  /** The last level that was logged for each span, with its period. */
  readonly #logged = new Map<
    BudgetSpan,
    { readonly period: string; readonly level: BudgetLevel }
  >();
  #wasOpen = true;
  #cutTimer: Timer | undefined;
  #onCut: () => void = () => undefined;
  #isClosed = false;

  constructor(options: BudgetGateOptions) {
    this.#options = options;
    options.account.onUpdate(() => this.#evaluate());
    void options.account.saved.then(() => this.#evaluate());
  }

  /** @param handler resets all connections inside the tunnel; replaces the previous handler */
  onCut(handler: () => void): void {
    this.#onCut = handler;
  }

  get isOpen(): boolean {
    this.#refresh();
    return !this.#uses.some(isUsedUp);
  }

  require(): void {
    if (this.isOpen) return;
    throw overBudget(this.#uses, this.#options.wallClock.unixMilliseconds());
  }

  /** Returns the current use. */
  uses(): readonly BudgetUse[] {
    this.#evaluate();
    return this.#uses;
  }

  /** Notices that the traffic has reached a level, or must be stored. Call this after each turn of the driver. */
  afterTurn(): void {
    if (this.#options.total() >= this.#validBytes) this.#evaluate();
  }

  close(): void {
    this.#isClosed = true;
    this.#cutTimer?.cancel();
  }

  #refresh(): void {
    const unix = this.#options.wallClock.unixMilliseconds();
    const isValid = unix >= this.#validFrom && unix < this.#validUntil;
    if (!isValid || this.#options.total() >= this.#validBytes) this.#evaluate();
  }

  #evaluate(): void {
    if (this.#isClosed) return;
    const { account, total, wallClock } = this.#options;
    const uses = account.uses();
    this.#uses = uses;
    const unsaved = bytesToStore(uses);
    if (total() - this.#storedBytes >= unsaved) this.#store();
    const toNextLevel = Math.min(...uses.map(bytesToNextLevel));
    this.#validBytes = Math.min(total() + toNextLevel, this.#storedBytes + unsaved);
    const today = dayOf(wallClock.unixMilliseconds());
    this.#validFrom = Date.parse(today);
    this.#validUntil = Math.min(endOf(today), ...uses.map(({ endsUnix }) => endsUnix));
    for (const use of uses) this.#logLevel(use);
    this.#open(!uses.some(isUsedUp));
    if (uses.some((use) => levelOf(use) === 'exceeded')) this.#cut();
  }

  #open(isOpen: boolean): void {
    if (isOpen === this.#wasOpen) {
      // A connection may have been dialed before the budget was used up.
      if (!isOpen && this.#cutTimer === undefined) this.#cut();
      return;
    }
    this.#wasOpen = isOpen;
    if (isOpen) {
      this.#cutTimer?.cancel();
      this.#cutTimer = undefined;
      this.#options.log.info({}, 'the traffic budget allows new connections again');
    } else {
      this.#cutTimer = this.#options.clock.startTimer(GRACE, () => this.#cut());
    }
  }

  #cut(): void {
    this.#cutTimer?.cancel();
    this.#cutTimer = undefined;
    // The netstack may be the caller, and does not allow a reset during its calls.
    this.#options.clock.defer(() => {
      if (!this.#isClosed && !this.#wasOpen) this.#onCut();
    });
  }

  /** Without this, a device that is killed again and again within a minute would count nothing. */
  #store(): void {
    this.#storedBytes = this.#options.total();
    this.#options.account.store();
  }

  /** Logs each level once in each period, and stores the traffic, so that a restart keeps it. */
  #logLevel(use: BudgetUse): void {
    const { per, period, bytes, usedBytes, endsUnix } = use;
    const level = isUsedUp(use) ? 'exhausted' : levelOf(use);
    const last = this.#logged.get(per);
    const known = last?.period === period ? last.level : 'free';
    // The level may fall, if the tunnel changes to another SIM.
    if (level === 'free') this.#logged.delete(per);
    if (level === 'free' || level === known || known === 'exhausted') return;
    this.#logged.set(per, { period, level });
    this.#store();
    const { log } = this.#options;
    const fields = { per, budgetBytes: bytes, usedBytes };
    const what = budgetText(use);
    if (level === 'low') {
      log.warn(fields, `80 % of ${what} is used`);
      return;
    }
    const until = `new connections are refused until ${momentText(endsUnix)}`;
    const text = `${what} is used up: ${until}, and open ones are reset in ${GRACE / 1000} s`;
    log.warn(fields, text);
  }
}

/** `the traffic budget of 50.0 MB per day` */
export function budgetText({ bytes, per }: Pick<BudgetUse, 'bytes' | 'per'>): string {
  return `the traffic budget of ${bytesText(bytes)} per ${per}`;
}

function momentText(unix: number): string {
  return new Date(unix).toISOString().replace(/\.\d+/, '');
}

/** Returns the error for new work while a budget is used up. */
function overBudget(uses: readonly BudgetUse[], unix: number): DialError {
  const [last] = uses.filter(isUsedUp).sort((a, b) => b.endsUnix - a.endsUnix);
  const endsUnix = last?.endsUnix ?? unix;
  const budget = last === undefined ? 'the traffic budget' : budgetText(last);
  const why = `${budget} is used up until ${momentText(endsUnix)}`;
  const next = ['Wait until then, or restart "arctun up" with a larger --budget.'];
  const cause = new TunnelError('over-budget', { what: 'nothing was sent', why, next });
  const retryAfter = Math.max(1, Math.ceil((endsUnix - unix) / 1000));
  return new DialError('over-budget', why, { cause, retryAfter });
}
