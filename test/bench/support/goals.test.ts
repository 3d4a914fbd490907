import { Goals } from '../../../bench/support/goals.js';

it.each([
  [0.6, { atLeast: 0.6 }, ', goal: at least 0.6'],
  [0.59, { atLeast: 0.6 }, ', goal: at least 0.6 (MISSED)'],
  [4, { atMost: 4 }, ', goal: at most 4'],
  [4.1, { atMost: 4 }, ', goal: at most 4 (MISSED)'],
  [NaN, { atMost: 4 }, ', goal: at most 4 (MISSED)'],
  [NaN, { atLeast: 0.6 }, ', goal: at least 0.6 (MISSED)'],
  [Infinity, { atLeast: 0.6 }, ', goal: at least 0.6 (MISSED)'],
  [0, { atMost: 4 }, ', goal: at most 4 (MISSED)'],
  [0.1, undefined, ''],
])('compares %d with %j', (figure, goal, words) => {
  const goals = new Goals();
  expect(goals.judge('upload', figure, goal)).toBe(words);
  expect(goals.missed).toEqual(words.endsWith('(MISSED)') ? ['upload'] : []);
});
