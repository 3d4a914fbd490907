/** Finds links between the files of the npm package. */
import { posix } from 'node:path';

import { linksOf, pathOf } from './links.js';

/**
 * Returns the links of a page to files or folders that the package does not contain.
 *
 * @param {string} page the path of the page in the package
 * @param {string} text the page, as Markdown
 * @param {readonly string[]} paths the paths of all files in the package
 */
export function missingTargets(page, text, paths) {
  return linksOf(text)
    .map(({ url, line }) => ({ target: targetOf(page, url), line }))
    .filter(({ target }) => target !== undefined && !contains(paths, target));
}

/** Returns the path of a relative link, or undefined for other links. */
function targetOf(page, url) {
  const path = pathOf(url);
  return path && posix.join(posix.dirname(page), path).replace(/\/$/, '');
}

function contains(paths, target) {
  return paths.some((path) => path === target || path.startsWith(`${target}/`));
}
