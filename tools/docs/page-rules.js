/** Rules for pages: the index lists every page, and a page is short. */
import { dirname, join } from 'node:path';

import { fromMarkdown } from 'mdast-util-from-markdown';

import { linksOf, pathOf } from '../links/links.js';

/** The maximum number of words of a page outside docs/reference. */
export const MAX_WORDS = 1_200;

/** Returns the pages that an index does not link to, each with the line where it belongs. */
export function unlisted(index, text, pages) {
  const links = linksOf(text).map(({ url, line }) => ({ path: targetOf(index, url), line }));
  const listed = new Set(links.map(({ path }) => path));
  const missing = pages.filter((page) => page !== index && !listed.has(page));
  return missing.map((page) => {
    const near = links.filter(({ path = '' }) => dirname(path) === dirname(page));
    return { page, line: near.at(-1)?.line ?? 1 };
  });
}

function targetOf(index, url) {
  const path = pathOf(url);
  return path === undefined ? undefined : join(dirname(index), path);
}

/**
 * Returns the line of each word of a page. A word contains a letter or a digit, and ends at white
 * space. Headings, lists, inline code and the cells of tables count; code blocks, HTML, addresses of
 * links and the lines of tables do not.
 */
export function wordsOf(text) {
  return wordsOfNode(fromMarkdown(text));
}

function wordsOfNode(node) {
  if (node.type !== 'text' && node.type !== 'inlineCode')
    return (node.children ?? []).flatMap(wordsOfNode);
  return node.value.split('\n').flatMap((line, index) => {
    const words = line.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
    return words.map(() => node.position.start.line + index);
  });
}
