/** Fails if the HTML of a page links to a file that does not exist. remark checks only Markdown. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { linksOf, pathOf } from './links.js';

process.chdir(fileURLToPath(new URL('../../', import.meta.url)));
const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '--', '*.md'];
const pages = execFileSync('git', list, { encoding: 'utf8' }).split('\0');
for (const page of pages.filter((each) => each !== '' && existsSync(each))) {
  for (const { url, line, isHtml } of linksOf(readFileSync(page, 'utf8'))) {
    const path = pathOf(url);
    if (!isHtml || path === undefined || existsSync(join(dirname(page), path))) continue;
    console.error(`${page}:${line}: ${url} does not exist`);
    process.exitCode = 1;
  }
}
