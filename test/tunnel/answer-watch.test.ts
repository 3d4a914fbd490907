import { AnswerWatch } from '../../src/tunnel/answer-watch.js';
import { FakeClock } from '../support/fakes/fake-clock.js';

let clock: FakeClock;
let events: string[];
let received: number;
let isUnacknowledged: boolean;
let watch: AnswerWatch;

beforeEach(() => {
  clock = new FakeClock();
  events = [];
  received = 0;
  isUnacknowledged = true;
  const begin = clock.now();
  const note = (what: string) => () => void events.push(`${what} ${clock.now() - begin}`);
  watch = new AnswerWatch(
    {
      isUnacknowledged: () => isUnacknowledged,
      received: () => received,
      suspect: note('suspect'),
      giveUp: note('give up'),
    },
    clock,
  );
});

it('suspects a silent peer twice, and then gives up', () => {
  watch.expectAnswer();
  clock.advance(30_000);
  expect(events).toEqual(['suspect 2000', 'suspect 7000', 'give up 10000']);
  expect(clock.armed).toBe(0);
});

it.each<[string, () => void]>([
  ['the request is acknowledged', () => (isUnacknowledged = false)],
  ['anything arrives from the peer', () => (received = 1)],
  ['it is stopped', () => watch.stop()],
])('ends when %s', (_, happens) => {
  watch.expectAnswer();
  clock.advance(1_900);
  happens();
  clock.advance(30_000);
  expect(events).toEqual([]);
  expect(clock.armed).toBe(0);
});

it('counts from the last request, with one timer', () => {
  watch.expectAnswer();
  clock.advance(1_500);
  received = 1;
  watch.expectAnswer();
  expect(clock.armed).toBe(1);
  clock.advance(5_000);
  expect(events).toEqual(['suspect 3500']);
});

it('suspects again for a later request', () => {
  watch.expectAnswer();
  clock.advance(2_000);
  isUnacknowledged = false;
  clock.advance(10_000);
  isUnacknowledged = true;
  watch.expectAnswer();
  clock.advance(2_000);
  expect(events).toEqual(['suspect 2000', 'suspect 14000']);
});
