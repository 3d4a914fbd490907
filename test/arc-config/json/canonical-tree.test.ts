import * as z from 'zod/mini';

import {
  canonicalise,
  nodeAt,
  plainValue,
  unknownMembersAt,
} from '../../../src/arc-config/json/canonical-tree.js';
import { readJson } from '../../../src/arc-config/json/json-reader.js';

const model = z.looseObject({
  sessionKey: z._default(z.string(), ''),
  count: z.optional(z.nullable(z.int())),
  inner: z.optional(z.looseObject({ name: z.optional(z.string()), flag: z.optional(z.boolean()) })),
  lists: z._default(z.array(z.array(z.string())), []),
  parsed: z.optional(
    z.array(
      z.pipe(
        z.string(),
        z.transform((text) => text.length),
      ),
    ),
  ),
});
const tree = (text: string) => canonicalise(readJson(text), model);
const plain = (text: string) => plainValue(tree(text));

it('folds case as Go does', () => {
  expect(plain('{"\u017fe\u017f\u017fion\u212aey": "a"}')).toEqual({ sessionKey: 'a' });
  expect(plain('{"\u00dfessionKey": "a", "sessionK\u00e9y": 1}')).toEqual({});
});

it('drops null fields and merges duplicates', () => {
  expect(plain('{"count": null, "inner": null}')).toEqual({});
  expect(plain('{"count": 1, "COUNT": 2}')).toEqual({ count: 2 });
  expect(plain('{"count": 1, "count": null}')).toEqual({ count: 1 });
  expect(plain('{"lists": [["a"]], "lists": null}')).toEqual({});
  expect(plain('{"inner": {"name": "a", "flag": true}, "inner": {"FLAG": false}}')).toEqual({
    inner: { name: 'a', flag: false },
  });
  expect(plain('{"inner": 1, "inner": {"name": "a"}}')).toEqual({ inner: { name: 'a' } });
});

it('converts numbers written as integers to integers, and others to NaN', () => {
  for (const [text, value] of [
    ['12', 12],
    ['-3', -3],
    ['-0', 0],
    ['1.0', NaN],
    ['1e3', NaN],
    ['9007199254740993', 9007199254740992],
  ] as const) {
    expect(plain(`{"count": ${text}}`)).toEqual({ count: value });
  }
});

it('separates unknown fields, the last of duplicates, as written', () => {
  const root = tree('{"x": 1.50, "y": 1, "X": 2, "y": {"COUNT": 3}, "inner": {"z": null}}');
  expect(unknownMembersAt(root, []).map(({ key }) => key)).toEqual(['x', 'y', 'X']);
  expect(unknownMembersAt(root, [])[0]?.value).toMatchObject({ text: '1.50' });
  expect(unknownMembersAt(root, [])[1]?.value).toMatchObject({ kind: 'object' });
  expect(unknownMembersAt(root, ['inner']).map(({ key }) => key)).toEqual(['z']);
  expect(unknownMembersAt(root, ['count'])).toEqual([]);
});

it('maps a path to the position of its value', () => {
  const text = '{"INNER": {"Name": 7}, "lists": [["a"], ["b", 8]]}';
  expect(nodeAt(tree(text), ['inner', 'name'])?.offset).toBe(text.indexOf('7'));
  expect(nodeAt(tree(text), ['lists', 1, 1])?.offset).toBe(text.indexOf('8'));
  expect(nodeAt(tree(text), ['lists', 5])).toBeUndefined();
  expect(nodeAt(tree(text), ['inner', 'absent', 'deep'])).toBeUndefined();
});
