/** The programs of docs/guides/library-examples.md. */
import { readFileSync } from 'node:fs';

import { REPOSITORY } from './processes.js';

const PAGE = readFileSync(`${REPOSITORY}docs/guides/library-examples.md`, 'utf8');

/** The text of each program, by the name of its file. */
export const EXAMPLE_PROGRAMS: ReadonlyMap<string, string> = new Map(
  [...PAGE.matchAll(/<!-- file: (\S+) -->\n+```js\n([^]*?)```/g)].map(
    ([, name = '', text = '']) => [name, text],
  ),
);

/** @throws RangeError if the page has no such program */
export function exampleProgram(name: string): string {
  const text = EXAMPLE_PROGRAMS.get(name);
  if (text === undefined) throw new RangeError(`the page has no program ${name}`);
  return text;
}
