/** Finds the links of a Markdown page, including those in its HTML. */
import { fromMarkdown } from 'mdast-util-from-markdown';

/** An attribute of an HTML element that refers to a file. */
const ATTRIBUTE = /\s(src|srcset|href)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi;

/** Returns each link and image of a page with its line, and whether it is in HTML. */
export function linksOf(text) {
  return linksOfNode(fromMarkdown(text));
}

/** Returns the path of a link to a file of the repository, without its fragment. */
export function pathOf(url) {
  const path = url.replace(/[#?].*$/, '');
  return path === '' || /^([a-z][a-z\d+.-]*:|\/)/i.test(path) ? undefined : decodeURI(path);
}

function linksOfNode(node) {
  const { line } = node.position.start;
  const own = 'url' in node ? [{ url: node.url, line, isHtml: false }] : [];
  const inHtml = node.type === 'html' ? linksOfHtml(node.value, line) : [];
  return [...own, ...inHtml, ...(node.children ?? []).flatMap(linksOfNode)];
}

function linksOfHtml(html, firstLine) {
  const source = html.replaceAll(/<!--[^]*?-->/g, (comment) => comment.replaceAll(/[^\n]/g, ' '));
  return [...source.matchAll(ATTRIBUTE)].flatMap(({ index, 1: name, 2: two, 3: one, 4: bare }) => {
    const value = (two ?? one ?? bare ?? '').trim();
    // The candidates of srcset: an address and a width or density, separated by commas.
    const urls = /srcset/i.test(name) ? value.split(/\s*,\s+|\s[^\s,]*,\s*/) : [value];
    const line = firstLine + source.slice(0, index + 1).split('\n').length - 1;
    return urls.map((url) => ({ url: url.split(/\s/)[0], line, isHtml: true }));
  });
}
