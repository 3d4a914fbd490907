/** Finds worn-out idioms in files that ESLint does not read: scripts, YAML, units, JSON and SVG. */
import { idiomsIn } from './find-idioms.js';

/** What is not prose, by the name of the file. Its replacement has the same length. */
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
