/**
 * Each rule of docs/explanation/wireguard-conformance.md and docs/explanation/tcp-conformance.md has
 * a test that names the rule in its title, and titles name only rules that the pages list.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The test files below some folders of test/. */
function testFiles(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, 'test', folder), { recursive: true })
      .map((name) => `test/${folder}/${String(name)}`)
      .filter((path) => path.endsWith('.test.ts')),
  );
}

/** The string literals of a file that end with a space and parentheses, and what is in those. */
function tagsIn(path: string): string[] {
  const literal = /(['"`])(?:\\.|(?!\1)[^\\\n])*? \(([^()\n]*)\)\1/g;
  return [...read(path).matchAll(literal)].map(([, , tag]) => tag!);
}

describe('WireGuard', () => {
  const NAMES = '(?:\\d+|[a-i])(?:(?:, | and )(?:\\d+|[a-i]))*';
  const TAG = new RegExp(
    `^(?:rows?|gotatun 0\\.7\\.2) (${NAMES})(?:, (initiator|responder|both roles))?(; witness(?:es)? \\w.*)?$`,
  );
  const ROLES = ['initiator', 'responder'];

  const page = read('docs/explanation/wireguard-conformance.md');
  const lines = [...page.matchAll(/^- \*\*(?:Row|Line) (\w+): .+?\*\*(?: \((.+?)\))?: ./gm)];
  const rules = lines.map(([, name, facts = '']) => {
    const only = /as (initiator|responder)/.exec(facts)?.[1];
    const isRow = /^\d/.test(name!);
    return { name: name!, roles: only === undefined ? (isRow ? ROLES : ['']) : [only] };
  });

  const folders = ['engine', 'interop', 'system', 'tunnel', 'wire', 'wireguard'];
  const titles = testFiles(...folders)
    .flatMap(tagsIn)
    .filter((tag) => /^(rows? |gotatun 0)/.test(tag))
    .map((tag) => {
      const [, names, role = '', witnesses] = TAG.exec(tag) ?? [];
      const isWitnessed = witnesses !== undefined;
      return {
        tag,
        // Only the title of a witnessed test, or one about the changelog, has no role.
        isReadable: role !== '' || isWitnessed || tag.startsWith('gotatun'),
        isWitnessed,
        names: names?.split(/, | and /) ?? [],
        roles: role === 'both roles' ? ROLES : [role],
      };
    });

  it('lists rows 1 to 38, and lines a to i', () => {
    const numbers = Array.from({ length: 38 }, (_, index) => String(index + 1));
    expect(rules.map(({ name }) => name)).toEqual([...numbers, ...Array.from('abcdefghi')]);
  });

  it('has titles with readable tags, which name only listed rules', () => {
    const known = rules.map(({ name }) => name);
    const wrong = titles.filter(
      ({ isReadable, names }) =>
        !isReadable || names.length === 0 || !names.every((name) => known.includes(name)),
    );
    expect(wrong.map(({ tag }) => tag)).toEqual([]);
  });

  it.each(rules)('$name has a test in each of its roles, without a foreign witness', (rule) => {
    const tests = titles.filter(
      ({ isWitnessed, names }) => !isWitnessed && names.includes(rule.name),
    );
    expect(tests.flatMap(({ roles }) => roles)).toEqual(expect.arrayContaining(rule.roles));
  });
});

describe('TCP and IP', () => {
  /** A name that always belongs to a requirement; other tags may be part of the title. */
  const NAME = /^(?:(?:MUST|SHLD|REC)-\d+|(?:tcp|udp|icmpv[46]|ipv[46])_[a-z0-9_]+)$/;

  const page = read('docs/explanation/tcp-conformance.md');
  const rules = [...page.matchAll(/^- \*\*(.+?)\*\*(?: \(.+?\))?: (.+)$/gm)].map(
    ([, name, text]) => ({
      name: name!.replaceAll('\\', ''),
      text: text!,
    }),
  );
  const names = rules.map(({ name }) => name);
  const tagged = testFiles('netstack', 'tunnel', 'wire')
    .flatMap(tagsIn)
    .flatMap((tag) => tag.split(/[,;] | and /));

  /** Whether a line gives a reason, or names a test by its file and title. */
  function isExcused(text: string): boolean {
    if (/\*\*(Deviation|Does not apply):\*\* ./.test(text)) return true;
    const [, file, title] = /Test: `([^`]+)`, “(.+)”$/.exec(text) ?? [];
    if (file === undefined || !existsSync(join(root, file))) return false;
    return read(file).includes(title!.replaceAll('\\', ''));
  }

  it.each([
    // RFC 9293 has no MUST-22.
    ['MUST', 69, [22]],
    ['SHLD', 31, []],
    ['REC', 1, []],
  ])('lists all of %s-1 to %d once', (kind, last, missing: number[]) => {
    const numbers = Array.from({ length: last }, (_, index) => index + 1);
    const listed = names.filter((name) => name.startsWith(`${kind}-`));
    const expected = numbers.filter((number) => !missing.includes(number));
    expect(listed.sort()).toEqual(expected.map((number) => `${kind}-${number}`).sort());
  });

  it('lists each requirement once', () => {
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('has titles that name only listed requirements', () => {
    expect(tagged.filter((name) => NAME.test(name) && !names.includes(name))).toEqual([]);
  });

  it('has a test or a reason for each requirement', () => {
    const untested = rules.filter(({ name, text }) => !tagged.includes(name) && !isExcused(text));
    expect(untested).toEqual([]);
    expect(rules.length).toBeGreaterThanOrEqual(395);
  });
});
