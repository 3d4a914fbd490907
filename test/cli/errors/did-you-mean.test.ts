import { didYouMean } from '../../../src/cli/errors/did-you-mean.js';

it.each([
  ['lst', ['list', 'show'], ['Did you mean list?']],
  ['userspce', ['auto', 'tun', 'userspace'], ['Did you mean userspace?']],
  ['boot', ['bootstrap', 'up'], ['Did you mean bootstrap?']],
  ['nosuch', ['list', 'show'], []],
  ['x', ['up'], []],
  ['x', [], []],
])('%s among %j: %j', (word, candidates, sentences) => {
  expect(didYouMean(word, candidates)).toEqual(sentences);
});
