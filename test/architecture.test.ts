/** The map in ARCHITECTURE.md lists exactly the folders that exist, and its pages name only existing files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const root = new URL('../', import.meta.url);

function foldersOf(path: string): string[] {
  return readdirSync(new URL(path, root), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${path}${entry.name}/`);
}

it('maps the folders of src, and commands, test, bench, bin, tools and docs', () => {
  const text = readFileSync(new URL('ARCHITECTURE.md', root), 'utf8');
  const map = text.slice(text.indexOf('## Code map'), text.indexOf('## One packet'));
  const named = [...map.matchAll(/`((?:src\/)?[a-z-]+\/)`/g)].map((match) => match[1]!);
  const inSource = named.filter((name) => /^src\/./.test(name));
  expect(new Set(inSource)).toEqual(new Set(foldersOf('src/')));
  for (const folder of ['commands/', 'test/', 'bench/', 'bin/', 'tools/', 'docs/'])
    expect(named).toContain(folder);
});

it.each(['tools/', 'src/tunnel/'])('names each folder of %s', (folder) => {
  const [, text = ''] = readFileSync(new URL('ARCHITECTURE.md', root), 'utf8').split('## Code map');
  for (const path of foldersOf(folder)) expect(text).toContain(`${basename(path)}/`);
});

it('names each folder of a folder of src in its row', () => {
  const text = readFileSync(new URL('ARCHITECTURE.md', root), 'utf8');
  for (const folder of foldersOf('src/').filter((path) => path !== 'src/tunnel/')) {
    const row = text.split('\n').find((line) => line.startsWith(`| \`${folder}\``));
    for (const path of foldersOf(folder)) expect(row).toContain(`\`${basename(path)}/\``);
  }
});

it.each(['src/', 'commands/'])('has no folder of %s with more than 20 files', (folder) => {
  const files = readdirSync(new URL(folder, root), { recursive: true, withFileTypes: true });
  const counts = new Map<string, number>();
  for (const { parentPath } of files.filter((entry) => entry.isFile())) {
    counts.set(parentPath, (counts.get(parentPath) ?? 0) + 1);
  }
  expect([...counts].filter(([, count]) => count > 20)).toEqual([]);
});

it.each([
  ['ARCHITECTURE.md', 100],
  ['docs/explanation/code-paths.md', 25],
  ['docs/explanation/where-to-change.md', 50],
])('%s names only files and folders that exist', (page, least) => {
  const text = readFileSync(new URL(page, root), 'utf8');
  const paths = [...text.matchAll(/`((?:[a-z0-9-]+\/)+(?:[\w.-]+\.(?:[tj]s|md))?)`/g)].map(
    ([, path = '']) => path,
  );
  expect(paths.length).toBeGreaterThan(least);
  const bases = ['', 'src/', 'test/', 'tools/'].map((folder) => new URL(folder, root));
  const inRooms = readdirSync(new URL('src/', root)).map((room) => new URL(`src/${room}/`, root));
  const isThere = (path: string) =>
    [...bases, ...inRooms, new URL('src/netstack/tcp/', root)].some((base) =>
      existsSync(new URL(path, base)),
    );
  expect(paths.filter((path) => !isThere(path))).toEqual([]);
});
