import { sequenceAdd } from '../../../../src/lib/sequence-number.js';
import { type SentSegment, SentSegments } from '../../../../src/netstack/tcp/send/sent-segments.js';
import { seededRandom } from '../../../support/pairs/netstack-pair.js';

/** The expected scoreboard entry of a segment, in numbers that do not wrap. */
interface Known {
  start: number;
  end: number;
  /** `taken back` by the receiver (reneged): must be sent again, but was not lost on the path. */
  fate: 'in flight' | 'lost' | 'taken back' | 'sacked';
  sentAt: number;
  /** The segment was sent more than once; both transmissions are in the network. */
  isAgain: boolean;
  isTwice: boolean;
}

/** A simple model of the scoreboard: segments by number, and those in flight by time. */
class Model {
  known: Known[] = [];
  byTime: Known[] = [];
  /** Octets that were marked as lost and have arrived. */
  wronglyLost = 0;

  get lost(): Known[] {
    return this.known.filter(({ fate }) => fate === 'lost' || fate === 'taken back');
  }

  sent(segment: Known, now: number): void {
    this.byTime = [...this.byTime.filter((other) => other !== segment), segment];
    segment.isAgain ||= this.known.includes(segment) && segment.sentAt >= 0;
    segment.fate = 'in flight';
    segment.sentAt = now;
    segment.isTwice = false;
  }

  leave(segment: Known, fate: 'lost' | 'sacked'): void {
    this.byTime = this.byTime.filter((other) => other !== segment);
    segment.fate = fate;
    segment.isTwice = false;
  }

  split(segment: Known, at: number): void {
    const rest = { ...segment, start: at };
    segment.end = at;
    this.known.splice(this.known.indexOf(segment) + 1, 0, rest);
    const place = this.byTime.indexOf(segment);
    if (place >= 0) this.byTime.splice(place + 1, 0, rest);
  }

  acknowledge(ack: number): Known[] {
    const partly = this.known.find(({ start, end }) => start < ack && ack < end);
    if (partly !== undefined) this.split(partly, ack);
    const taken = this.known.filter(({ end }) => end <= ack);
    this.wronglyLost += octets(taken.filter(({ fate }) => fate === 'lost'));
    this.known = this.known.filter(({ end }) => end > ack);
    this.byTime = this.byTime.filter(({ end }) => end > ack);
    return taken;
  }

  sack(from: number, to: number): Known[] {
    const news = this.known.filter(
      ({ start, end, fate }) => from <= start && end <= to && fate !== 'sacked',
    );
    this.wronglyLost += octets(news.filter(({ fate }) => fate === 'lost'));
    for (const segment of news) this.leave(segment, 'sacked');
    return news;
  }

  get inflight(): number {
    return octets(this.byTime) + octets(this.byTime.filter(({ isTwice }) => isTwice));
  }

  takeBackLosses(since: number): void {
    for (const segment of this.lost) segment.fate = 'in flight';
    for (const segment of this.known) {
      if (segment.fate === 'in flight' && segment.isAgain && segment.sentAt >= since) {
        segment.isTwice = true;
      }
    }
    this.byTime = this.known
      .filter(({ fate }) => fate === 'in flight')
      .sort((left, right) => left.sentAt - right.sentAt);
  }

  takeWronglyLost(): number {
    const taken = this.wronglyLost;
    this.wronglyLost = 0;
    return taken;
  }

  forgetSacks(): void {
    for (const segment of this.known) if (segment.fate === 'sacked') segment.fate = 'taken back';
  }
}

function octets(segments: readonly Known[]): number {
  return segments.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** A scoreboard and its model, which get the same operations. */
class Both {
  readonly segments = new SentSegments();
  readonly model = new Model();
  readonly base: number;
  now = 0;
  #end = 0;

  constructor(base: number) {
    this.base = base;
  }

  number(sequence: number): number {
    return sequenceAdd(this.base, sequence);
  }

  add(length: number): void {
    const start = this.#end;
    this.#end += length;
    const known: Known = {
      start,
      end: this.#end,
      fate: 'in flight',
      sentAt: -1,
      isAgain: false,
      isTwice: false,
    };
    this.model.known.push(known);
    this.model.sent(known, this.now);
    this.#leave(this.segments.add(this.number(start), this.number(this.#end)), false);
  }

  #leave(segment: SentSegment, isRetransmitted = true): void {
    segment.isRetransmitted = isRetransmitted;
    segment.sentAt = this.now;
    this.segments.sent(segment);
  }

  sendLost(): void {
    const lost = this.model.lost[0];
    if (lost === undefined) return;
    this.#leave(this.segments.firstLost!);
    this.model.sent(lost, this.now);
  }

  /** The segment in flight that was sent `index`-th. */
  inFlight(index: number): SentSegment {
    let segment = this.segments.oldest!;
    for (let count = 0; count < index; count++) segment = segment.later!;
    return segment;
  }

  sendAgain(index: number): void {
    this.#leave(this.inFlight(index));
    this.model.sent(this.model.byTime[index]!, this.now);
  }

  lose(index: number): void {
    this.segments.lose(this.inFlight(index));
    this.model.leave(this.model.byTime[index]!, 'lost');
  }

  split(index: number, share: number): void {
    const known = this.model.byTime[index]!;
    const length = known.end - known.start;
    if (length < 2) return;
    const at = known.start + 1 + Math.floor(share * (length - 1));
    this.segments.split(this.inFlight(index), this.number(at));
    this.model.split(known, at);
  }

  splitLost(): void {
    const known = this.model.lost[0];
    if (known === undefined || known.end - known.start < 2) return;
    this.segments.split(this.segments.firstLost!, this.number(known.start + 1));
    this.model.split(known, known.start + 1);
  }

  acknowledge(ack: number): void {
    const expected = this.model.acknowledge(ack).map((known) => this.range(known));
    const taken: string[] = [];
    for (;;) {
      const segment = this.segments.takeAcknowledged(this.number(ack));
      if (segment === undefined) break;
      taken.push(`${segment.start}-${segment.end}`);
      // A later segment gets the same object, and must not get the state of this one.
      this.segments.release(segment);
    }
    expect(taken).toEqual(expected);
  }

  sack(from: number, to: number): void {
    const arrived: SentSegment[] = [];
    this.segments.sack(this.number(from), this.number(to), arrived);
    const expected = this.model.sack(from, to).map((known) => this.range(known));
    expect(arrived.map(({ start, end }) => `${start}-${end}`)).toEqual(expected);
  }

  range({ start, end }: Known): string {
    return `${this.number(start)}-${this.number(end)}`;
  }

  /** Checks that both agree. */
  check(): void {
    const { segments, model } = this;
    const { lost } = model;
    expect(segments.takeWronglyLost()).toBe(model.takeWronglyLost());
    expect({
      size: segments.size,
      inflight: segments.inflight,
      lost: segments.lostCount,
      sacked: segments.sackedCount,
      head: briefly(segments.head),
      last: briefly(segments.last),
      firstLost: briefly(segments.firstLost),
      byTime: byTime(segments),
    }).toEqual({
      size: model.known.length,
      inflight: model.inflight,
      lost: lost.length,
      sacked: model.known.filter(({ fate }) => fate === 'sacked').length,
      head: this.#brief(model.known[0]),
      last: this.#brief(model.known.at(-1)),
      firstLost: this.#brief(lost[0]),
      byTime: model.byTime.map((known) => this.range(known)),
    });
  }

  #brief(known: Known | undefined): string {
    return known === undefined ? 'none' : this.range(known);
  }
}

function briefly(segment: SentSegment | undefined): string {
  return segment === undefined ? 'none' : `${segment.start}-${segment.end}`;
}

/** The segments in flight, by time; the reverse order must match. */
function byTime(segments: SentSegments): string[] {
  const there: string[] = [];
  const back: string[] = [];
  let newest: SentSegment | undefined;
  for (let segment = segments.oldest; segment !== undefined; segment = segment.later) {
    there.push(briefly(segment));
    newest = segment;
  }
  for (; newest !== undefined; newest = newest.earlier) back.unshift(briefly(newest));
  expect(back).toEqual(there);
  return there;
}

/** Performs an operation on both, chosen by `random`. */
function step(both: Both, random: () => number): void {
  const { model } = both;
  if (random() < 0.7) both.now++;
  const first = model.known[0]?.start ?? 0;
  const span = (model.known.at(-1)?.end ?? 0) - first;
  const number = (): number => first + Math.floor(random() * (span + 1));
  const index = Math.floor(random() * model.byTime.length);
  const choice = random();
  if (model.byTime.length === 0 || choice < 0.3) both.add(1 + Math.floor(random() * 5));
  else if (choice < 0.4) both.sendLost();
  else if (choice < 0.45) both.sendAgain(index);
  else if (choice < 0.6) both.lose(index);
  else if (choice < 0.68) both.split(index, random());
  else if (choice < 0.72) both.splitLost();
  else if (choice < 0.8) both.acknowledge(number() - Math.floor(span * random()));
  else if (choice < 0.94) both.sack(number(), number());
  else if (choice < 0.97) {
    const since = both.now - Math.floor(10 * random());
    both.segments.takeBackLosses(since);
    model.takeBackLosses(since);
  } else {
    both.segments.forgetSacks();
    model.forgetSacks();
  }
}

it.each([0, 0x7fff_ffe0, -60])(
  'agrees with a simple model in random runs, from %d (RFC 6675 4)',
  (base) => {
    const random = seededRandom(base + 5);
    for (let round = 0; round < 15; round++) {
      const both = new Both(base);
      for (let count = 0; count < 80; count++) {
        step(both, random);
        both.check();
      }
      both.segments.clear();
      both.model.known = [];
      both.model.byTime = [];
      both.check();
    }
  },
);

it('agrees with the model with thousands of segments in flight, the first of which are acknowledged', () => {
  const both = new Both(0x7fff_f000);
  for (let count = 0; count < 1200; count++) both.add(2);
  both.lose(1100);
  both.lose(700);
  for (const ack of [100, 511, 520, 1199, 1300]) {
    both.acknowledge(ack);
    both.check();
  }
  both.sendLost();
  both.check();
  both.acknowledge(2300);
  both.lose(3);
  both.check();
  both.acknowledge(2400);
  both.check();
  both.add(7);
  both.check();
});

it('copies the history of a split segment to its second half', () => {
  const segments = new SentSegments();
  const segment = segments.add(0, 10);
  segments.sent(segment);
  const history = {
    sentAt: 1,
    firstSentAt: 2,
    deliveredAt: 3,
    delivered: 4,
    inflight: 5,
    lost: 6,
    isAppLimited: true,
    isRetransmitted: true,
  };
  Object.assign(segment, history);
  segments.split(segment, 4);
  expect(segments.last).toMatchObject({ ...history, start: 4, end: 10, length: 6 });
  expect(segment).toMatchObject({ ...history, start: 0, end: 4, length: 4 });
});

it('does not mark a segment that a SACK covers partly, or report one twice', () => {
  const segments = new SentSegments();
  for (let start = 0; start < 30; start += 10) segments.sent(segments.add(start, start + 10));
  const arrived: SentSegment[] = [];
  segments.sack(5, 15, arrived);
  expect(arrived).toEqual([]);
  segments.sack(9, 20, arrived);
  expect(arrived.map(({ start }) => start)).toEqual([10]);
  segments.sack(10, 30, arrived);
  expect(arrived.map(({ start }) => start)).toEqual([10, 20]);
});

it('determines which of two segments was sent first, by time and then by number (RFC 8985 6.2 step 2)', () => {
  const segments = new SentSegments();
  const segment = segments.add(-10, 10);
  segment.sentAt = 5;
  expect(segment.isSentBefore(6, 0)).toBe(true);
  expect(segment.isSentBefore(4, 20)).toBe(false);
  expect(segment.isSentBefore(5, 11)).toBe(true);
  expect(segment.isSentBefore(5, 10)).toBe(false);
});

it('reuses the objects of released segments as new ones', () => {
  const segments = new SentSegments();
  const first = segments.add(1, 10);
  segments.sent(first);
  segments.takeBackLosses(0);
  first.isRetransmitted = true;
  segments.lose(first);
  segments.takeAcknowledged(10);
  segments.release(first);
  const second = segments.add(10, 30);
  expect(second).toBe(first);
  expect(second).toMatchObject({
    ...{ start: 10, end: 30, isRetransmitted: false, isSacked: false, isLost: false },
    ...{ isCounted: false, isInFlightTwice: false, earlier: undefined, later: undefined },
  });
  segments.sent(second);
  expect([segments.inflight, segments.lostCount, segments.size]).toEqual([20, 0, 1]);
  expect(segments.add(30, 40)).not.toBe(second);
});
