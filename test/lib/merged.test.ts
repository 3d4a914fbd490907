import { merged } from '../../src/lib/merged.js';

it('returns the properties of both, and prefers those of the second', () => {
  const base = { a: 1, b: 2 };
  expect(merged(base, { b: 'x', c: 3 })).toEqual({ a: 1, b: 'x', c: 3 });
  expect(base).toEqual({ a: 1, b: 2 });
});
