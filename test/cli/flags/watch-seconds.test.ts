import { watchSeconds } from '../../../src/cli/flags/watch-seconds.js';

it.each([
  [undefined, undefined],
  ['1', 1],
  ['86400', 86_400],
])('accepts %s', (text, seconds) => {
  expect(watchSeconds(text)).toBe(seconds);
});

it.each(['0', '-1', '86401', '0.5', 'abc', '', '1e3'])('refuses %j as wrong usage', (text) => {
  let error: unknown;
  try {
    watchSeconds(text);
  } catch (caught) {
    error = caught;
  }
  expect(error).toMatchObject({
    kind: 'usage',
    what: `cannot use ${JSON.stringify(text)} as SECONDS`,
  });
});
