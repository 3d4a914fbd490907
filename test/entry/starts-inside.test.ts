import { startsInside } from '../../src/entry/starts-inside.js';

it.each([
  [['exec-inside', '/tmp/socket', '--', 'true'], true],
  [['exec', '--netns', '--', 'exec-inside'], false],
  [[], false],
])('tells the process inside from a command: %j', (words, expected) => {
  expect(startsInside(words)).toBe(expected);
});
