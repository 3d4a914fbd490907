/** The links of a page, in Markdown and in HTML. */
import { linksOf, pathOf } from '../../../tools/links/links.js';

it('finds links and images of Markdown', () => {
  expect(linksOf('[a](a.md#b)\n![c](c.svg)\n\n[d]: d.md\n')).toEqual([
    { url: 'a.md#b', line: 1, isHtml: false },
    { url: 'c.svg', line: 2, isHtml: false },
    { url: 'd.md', line: 4, isHtml: false },
  ]);
});

it.each([
  ['src', '<p>\n<img src="a.svg" alt="src = b">\n</p>', [['a.svg', 2]]],
  ['srcset', '<picture>\n  <source\n    srcset="a.svg">', [['a.svg', 3]]],
  [
    'each candidate of srcset',
    '<img srcset="a.png, b,c.png 2x,d.png 300w">',
    [
      ['a.png', 1],
      ['b,c.png', 1],
      ['d.png', 1],
    ],
  ],
  ['src without quotes', '<img src=a.svg>', [['a.svg', 1]]],
  ['href within a line', "See\n<a href='a.md'>this</a>.", [['a.md', 2]]],
  ['no comment', '<!-- <img src="a.svg"> -->', []],
])('finds in HTML: %s', (_what, html, expected) => {
  expect(linksOf(html).map(({ url, line }): unknown => [url, line])).toEqual(expected);
});

it('distinguishes paths from addresses', () => {
  expect(
    ['a.md#b', '#b', 'https://soracom.io', '/a', 'a%20b.svg'].map((url) => pathOf(url) as unknown),
  ).toEqual(['a.md', undefined, undefined, undefined, 'a b.svg']);
});
