import { didYouMean } from '../../../src/cli/errors/did-you-mean.js';

it.each([
  ['userspce', ['auto', 'tun', 'userspace'], ['Did you mean userspace?']],
  ['boot', ['bootstrap', 'up'], ['Did you mean bootstrap?']],
  // Of two that are equally near, the one with the same start.
  ['fsh', ['bash', 'zsh', 'fish'], ['Did you mean fish?']],
  // Two transposed letters count as one mistake.
  ['debgu', ['error', 'warn', 'info', 'debug'], ['Did you mean debug?']],
  ['nosuch', ['list', 'show'], []],
  // Replacing every letter is not a typo.
  ['x', ['s'], []],
  ['', ['s'], []],
  ['x', [], []],
])('suggests for %s among %j: %j', (word, candidates, sentences) => {
  expect(didYouMean(word, candidates)).toEqual(sentences);
});
