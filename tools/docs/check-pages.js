/** Fails if an index does not list a page, or if a page is too long. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { MAX_WORDS, unlisted, wordsOf } from './page-rules.js';

/** Each index, and the pages that it lists. */
const INDEXES = [
  ['docs/README.md', /^docs\/|^(ARCHITECTURE|CONTRIBUTING|SECURITY)\.md$/],
  ['README.md', /^[^/]+\.md$|^docs\/README\.md$/],
  ['README.ja.md', /^[^/]+\.md$|^docs\/README\.md$/],
  ['docs/explanation/conformance.md', /-conformance\.md$/],
];

/** Pages without a limit: a reference, a translation of README.md, a generated page, and the lists of rules. */
const UNLIMITED = [
  /^docs\/reference\//,
  /^README\.ja\.md$/,
  /^docs\/explanation\/(tcp-goodput|(tcp|wireguard)-conformance)\.md$/,
];

process.chdir(fileURLToPath(new URL('../../', import.meta.url)));
const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '--', '*.md'];
const names = execFileSync('git', list, { encoding: 'utf8' }).split('\0');
const pages = names.filter((name) => name !== '' && existsSync(name));

for (const [index, listed] of INDEXES) {
  const own = pages.filter((page) => listed.test(page));
  for (const { page, line } of unlisted(index, readFileSync(index, 'utf8'), own)) {
    fail(`${index}:${line}: does not list ${page}`);
  }
}
for (const page of pages.filter((each) => !UNLIMITED.some((pattern) => pattern.test(each)))) {
  const words = wordsOf(readFileSync(page, 'utf8'));
  if (words.length <= MAX_WORDS) continue;
  const limit = `at most ${MAX_WORDS}, without code blocks. Shorten or divide the page`;
  fail(`${page}:${words[MAX_WORDS]}: the page has ${words.length} words (${limit})`);
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}
