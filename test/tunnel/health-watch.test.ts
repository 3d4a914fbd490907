import { type Health, HealthWatch } from '../../src/tunnel/health-watch.js';
import { FakeClock } from '../support/fakes/fake-clock.js';

const UP: Health = { health: 'up', silence: undefined };
const STALE: Health = { health: 'stale', silence: { reason: 'no-answer', why: 'it is silent' } };

function setUp(first: Health) {
  const clock = new FakeClock();
  const seen: Health[] = [];
  const state = { now: first };
  const watch = new HealthWatch(
    clock,
    () => state.now,
    (health) => seen.push(health),
  );
  return { clock, seen, state, watch };
}

it('reports each change within a second, but not the state at the start', () => {
  const { clock, seen, state, watch } = setUp(UP);
  watch.start();
  clock.advance(5_000);
  expect(seen).toEqual([]);
  state.now = STALE;
  clock.advance(1_000);
  expect(seen).toEqual([STALE]);
  clock.advance(5_000);
  state.now = UP;
  clock.advance(1_000);
  expect(seen).toEqual([STALE, UP]);
});

it('keeps one timer, which stop() cancels, also within a report', () => {
  const { clock, state, watch } = setUp(UP);
  watch.start();
  watch.start();
  expect(clock.armed).toBe(1);
  state.now = STALE;
  clock.advance(1_000);
  expect(clock.armed).toBe(1);
  watch.stop();
  expect(clock.armed).toBe(0);
});

it('continues after a listener has thrown', () => {
  const clock = new FakeClock();
  let now = UP;
  let calls = 0;
  const watch = new HealthWatch(
    clock,
    () => now,
    () => {
      calls++;
      throw new Error('the listener failed');
    },
  );
  watch.start();
  now = STALE;
  expect(() => clock.advance(1_000)).toThrow('the listener failed');
  now = UP;
  expect(() => clock.advance(1_000)).toThrow('the listener failed');
  expect(calls).toBe(2);
});
