/** The rules for pages. */
import { unlisted, wordsOf } from '../../../tools/docs/page-rules.js';

describe('an index', () => {
  const text = '# Docs\n\n- [A](guides/a.md#top)\n- [Security](../SECURITY.md)\n\n[B](b.md)\n';

  it('lists pages by relative links', () => {
    const pages = ['docs/README.md', 'docs/b.md', 'docs/guides/a.md', 'SECURITY.md'];
    expect(unlisted('docs/README.md', text, pages)).toEqual([]);
  });

  it('lacks a page: the line is that of the last page of the same folder', () => {
    const pages = ['docs/guides/b.md', 'docs/c.md', 'docs/other/d.md'];
    expect(unlisted('docs/README.md', text, pages)).toEqual([
      { page: 'docs/guides/b.md', line: 3 },
      { page: 'docs/c.md', line: 6 },
      { page: 'docs/other/d.md', line: 1 },
    ]);
  });
});

describe('the words of a page', () => {
  it.each([
    ['headings, lists and inline code', '# One two\n\n- three `four five`\n', [1, 1, 3, 3, 3]],
    ['the cells of a table, not its lines', '| a | b |\n| --- | :-: |\n| c d | |\n', [1, 1, 3, 3]],
    ['the text of a link, not its address', '[one](two.md) **three**', [1, 1]],
    ['a number or a flag, not a dash', '10 --wait – 1,200', [1, 1, 1]],
    ['no code blocks, and no HTML', '```sh\none two\n```\n\n<!-- three four -->\n', []],
  ])('are those of %s', (_what, text, lines) => {
    expect(wordsOf(text)).toEqual(lines);
  });
});
