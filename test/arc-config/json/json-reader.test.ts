import fc from 'fast-check';
import { formatJson } from '../../../src/arc-config/json/json-node.js';
import { JsonSyntaxError, readJson } from '../../../src/arc-config/json/json-reader.js';

function failureOf(text: string): JsonSyntaxError {
  try {
    readJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error;
  }
  throw new Error('no JsonSyntaxError');
}

it('reads every JSON value as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(JSON.parse(formatJson(readJson(text)))).toEqual(JSON.parse(text));
    }),
  );
});

it('agrees with JSON.parse on invalid JSON', () => {
  const fragments = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '\\',
    '1',
    '-',
    '.',
    'e',
    'null',
    ' ',
  ];
  const texts = fc.array(fc.constantFrom(...fragments), { maxLength: 8 }).map((l) => l.join(''));
  fc.assert(
    fc.property(texts, (text) => {
      const accepts = (read: (text: string) => unknown) => {
        try {
          read(text);
          return true;
        } catch {
          return false;
        }
      };
      expect(accepts(readJson)).toBe(accepts(JSON.parse));
    }),
    { numRuns: 2000 },
  );
});

it.each([
  ['[1,]', 3, '`]`'],
  ['[01]', 2, '`1`'],
  ['[1 2]', 3, '`2`'],
  ['["a\u0001"]', 3, 'control character U+0001'],
  ['["a', 3, 'the end of the text'],
  ['["a\n"]', 3, 'the end of the line'],
  ['["\\x"]', 2, '`\\`'],
  ['[truex]', 1, '`t`'],
  ['[constructor]', 1, '`c`'],
  ["{'a': 1}", 1, "`'`"],
  ['{"a" 1}', 5, '`1`'],
])('%j fails at %d with %s', (text, offset, found) => {
  expect(failureOf(text)).toMatchObject({ offset, found });
});

it('refuses deep nesting instead of exhausting the stack', () => {
  expect(() => readJson('['.repeat(100) + ']'.repeat(100))).not.toThrow();
  expect(failureOf('['.repeat(100_000)).expected).toBe('at most 100 levels of nesting');
});
