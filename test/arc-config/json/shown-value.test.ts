import { clip, shownText } from '../../../src/arc-config/json/shown-value.js';
import { PRIVATE_KEY } from '../sample.js';

it('shows text in quotes, and truncates it', () => {
  expect(shownText('a "b"', false)).toBe('"a \\"b\\""');
  expect(shownText('x'.repeat(100), false)).toBe(`"${'x'.repeat(59)}…`);
  expect(clip('1'.repeat(60))).toBe('1'.repeat(60));
});

it.each([
  ['hush', true],
  [PRIVATE_KEY, false],
  [`PrivateKey = ${PRIVATE_KEY}`, false],
  ['secret-abc', false],
  ['f'.repeat(64), false],
  ['eyJhbGciOiJub25lIn0.eyJvcCI6MX0.c2ln', false],
])('shows only the length of %j', (text, isHidden) => {
  expect(shownText(text, isHidden)).toBe(`a string of ${text.length} characters`);
});
