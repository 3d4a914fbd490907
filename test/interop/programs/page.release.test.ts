/** docs/reference/programs.md shows exactly the rows of the matrix. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { REPOSITORY } from '../../support/processes.js';
import type { ProgramRow } from './row.js';
import { ALL_ROWS } from './rows/index.js';
import { FORWARDS } from './services.js';

const PAGE = readFileSync(`${REPOSITORY}docs/reference/programs.md`, 'utf8');

const nameOf = ({ program, way }: ProgramRow) => `${program}: ${way}`;

it('the page has a row for each row of the matrix, and no other', () => {
  const [first = ''] = PAGE.split('\n## ');
  const lines = first.split('\n').filter((line) => /^\| (?!program |-)/.test(line));
  const cells = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const expected = ALL_ROWS.map(({ program, version, way, type, caveat = '' }) => [
    ...[program, version, way, `\`${type}\``, caveat],
  ]);
  expect(cells).toEqual(expected);
});

it('the page shows the forwards that the rows use', () => {
  const command = PAGE.replaceAll(/\\\n\s*/g, '');
  for (let index = 0; index < FORWARDS.length; index += 2)
    expect(command).toContain(`${FORWARDS[index]} ${FORWARDS[index + 1]}`);
});

it('each row has its own name', () => {
  const names = ALL_ROWS.map(nameOf);
  expect(new Set(names).size).toBe(names.length);
});

const elsewhere = ALL_ROWS.flatMap((row) =>
  typeof row.check === 'function' ? [] : [{ name: nameOf(row), ...row.check }],
);

it.each(elsewhere)('a test in another file covers $name', ({ file, test }) => {
  expect(readFileSync(`${REPOSITORY}test/interop/${file}`, 'utf8')).toContain(`('${test}'`);
});

it('the versions on the page are those that run on this machine, if it has them', () => {
  const others = ALL_ROWS.filter(({ debian, version }) => {
    const found = debian === undefined ? undefined : versionOf(debian);
    return found !== undefined && !found.startsWith(version);
  });
  expect(others.map(({ debian, version }) => `${debian} ${version}`)).toEqual([]);
});

/** The version of a Debian package without its epoch; undefined if it is not installed. */
function versionOf(name: string): string | undefined {
  const query = ['-W', '-f', '${db:Status-Abbrev}${Version}', name];
  const { status, stdout } = spawnSync('dpkg-query', query, { encoding: 'utf8' });
  return status === 0 && stdout.startsWith('ii ')
    ? stdout.slice(3).replace(/^\d+:/, '')
    : undefined;
}
