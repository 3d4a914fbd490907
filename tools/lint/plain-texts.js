/** Finds worn-out idioms in files that ESLint does not read: scripts, YAML, units, JSON and SVG. */
import { idiomsIn } from './find-idioms.js';

/** Markup within prose, for each kind of file. Spaces of the same length replace the markup. */
const MARKUP = [
  // The start of a comment's line, and a continued line.
  [/(^|\.(sh|cgi|py|ya?ml|service))$/, /^[ \t]*#+|\\$/gm],
  [/\.json$/, /\\n/g],
  // Elements within a text.
  [/\.svg$/, /<\/?tspan\b[^>]*>/g],
];

/** Returns each idiom with its line, and what to write instead. */
export function idiomsOfFile(path, content) {
  const extension = /\.\w+$/.exec(path)?.[0] ?? '';
  let text = content;
  for (const [files, markup] of MARKUP) {
    if (files.test(extension)) text = text.replaceAll(markup, blank);
  }
  return idiomsIn(text).map(({ found, instead, index }) => ({
    found,
    instead,
    line: text.slice(0, index).split('\n').length,
  }));
}

function blank(markup) {
  return markup.replaceAll(/[^\n]/g, ' ');
}
