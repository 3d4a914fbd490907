/**
 * docs/explanation/wireguard-conformance.md matches the code and the tests: see
 * tools/conformance/conformance.js.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { conformanceDocument } from '../tools/conformance/conformance-page.js';
import {
  problemsOf,
  readConformance,
  testsOf,
  titlePattern,
  titlesIn,
  witnessedTestsOf,
} from '../tools/conformance/conformance.js';

const root = join(import.meta.dirname, '..');
const conformance = readConformance(root);

it('the document is up to date: npm run conformance', async () => {
  const path = join(root, 'docs/explanation/wireguard-conformance.md');
  const options = { ...(await resolveConfig(path)), parser: 'markdown' };
  const expected = await format(conformanceDocument(conformance), options);
  expect(readFileSync(path, 'utf8')).toBe(expected);
});

it('each row has tests in its roles and a mutation, or a reason; all named files and tests exist', () => {
  expect(problemsOf(conformance)).toEqual([]);
});

it('rows 1 to 38 and lines a to i exist, and all are done', () => {
  expect(conformance.rules).toHaveLength(47);
  const undone = conformance.rules.filter(({ reason }) => reason !== undefined);
  expect(undone).toEqual([]);
});

/** A title with its tag, joined here so that this file's own texts are not read as titles. */
function tagged(title: string, tag: string): string {
  return title + ' (' + tag + ')';
}

describe('titles', () => {
  /** The result for a test whose title ends with this in parentheses. */
  function read(tag: string) {
    return titlesIn('some.test.ts', `it('${tagged('does', tag)}', () => undefined);`);
  }

  it.each([
    ['row 5, initiator', ['5'], ['initiator'], []],
    ['row 12, responder', ['12'], ['responder'], []],
    ['rows 5 and 12, both roles', ['5', '12'], ['initiator', 'responder'], []],
    ['rows 1, 5 and 12, initiator', ['1', '5', '12'], ['initiator'], []],
    ['gotatun 0.7.2 c', ['c'], [], []],
    ['row 1; witness wireguard-go', ['1'], [], ['wireguard-go']],
    [
      'rows 1, 12; witnesses Linux kernel and wireguard-go',
      ['1', '12'],
      [],
      ['Linux kernel', 'wireguard-go'],
    ],
  ])('reads "%s"', (tag, names, roles, witnesses) => {
    const title = { file: 'some.test.ts', title: 'does', isReadable: true };
    expect(read(tag)).toEqual([{ ...title, names, roles, witnesses }]);
  });

  it.each(['row 5', 'row 5, server', 'rows 5 12, initiator', 'gotatun 0.7.2 '])(
    'cannot read "%s"',
    (tag) => {
      expect(read(tag)).toMatchObject([{ title: tagged('does', tag), isReadable: false }]);
    },
  );

  it.each(['', 'arrow 5, initiator', 'in a row', 'row 5, initiator) twice (or more'])(
    'takes "%s" as part of the title',
    (tag) => {
      expect(read(tag)).toEqual([]);
    },
  );

  it('reads all quotes, escapes in them, and other parentheses', () => {
    const text = [
      `it("${tagged("peer's", 'row 1, initiator')}", f);`,
      `it('${tagged("peer\\'s", 'row 2, initiator')}', f);`,
      `it.each([1])(\`${tagged('%s (a)', 'row 3, initiator')}\`, f);`,
    ].join('\n');
    expect(titlesIn('x', text).map(({ title }) => title)).toEqual(["peer's", "peer's", '%s (a)']);
  });
});

it('a pattern matches the titles of its row and no other', () => {
  const tags = ['row 5, initiator', 'rows 1, 5 and 12, both roles', 'row 15, responder'];
  const found = (name: string) =>
    tags.filter((tag) => new RegExp(titlePattern(name), 'i').test(tagged('does', tag)));
  expect(found('5')).toEqual(tags.slice(0, 2));
  expect(found('1')).toEqual(tags.slice(1, 2));
  expect(found('12')).toEqual(tags.slice(1, 2));
  expect(found('15')).toEqual(tags.slice(2));
  expect(found('2')).toEqual([]);
  const isLine = (letter: string) =>
    new RegExp(titlePattern('c')).test(tagged('does', `gotatun 0.7.2 ${letter}`));
  expect([isLine('c'), isLine('a')]).toEqual([true, false]);
});

it('a test that names a witness is listed only under the witnesses', () => {
  for (const { name } of conformance.rules) {
    expect(testsOf(conformance, name).flatMap(({ witnesses }) => witnesses)).toEqual([]);
    expect(witnessedTestsOf(conformance, name).every(({ roles }) => roles.length === 0)).toBe(true);
  }
});

/** The folders with tests of a rule. */
const TESTS = ['engine', 'interop', 'system', 'tunnel', 'wire', 'wireguard'];

describe('the reported problems', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-conformance-'));
    for (const path of ['src', ...TESTS.map((folder) => `test/${folder}`)]) {
      cpSync(join(root, path), join(folder, path), { recursive: true });
    }
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** The problems after a file was changed; the text must exist. */
  function problemsAfter(path: string, find: string, replace: string): string[] {
    const text = readFileSync(join(folder, path), 'utf8');
    expect(text).toContain(find);
    writeFileSync(join(folder, path), text.replaceAll(find, replace));
    return problemsOf(readConformance(folder));
  }

  it('none, in a copy', () => {
    expect(problemsOf(readConformance(folder))).toEqual([]);
  });

  it('a title that names an unknown row, or has an unreadable tag', () => {
    const path = join(folder, 'test/some/thing.test.ts');
    mkdirSync(dirname(path));
    const titles = [tagged('x', 'row 39, initiator'), tagged('y', 'row 5')];
    writeFileSync(path, titles.map((title) => `it('${title}', f);`).join('\n'));
    expect(problemsOf(readConformance(folder))).toEqual([
      'test/some/thing.test.ts: "x" names 39, which is not a row',
      `test/some/thing.test.ts: the end of "${titles[1]}" cannot be parsed`,
    ]);
  });

  it('a row without a test, or without one in a role', () => {
    const path = 'test/wireguard/conformance/load.test.ts';
    const [role] = problemsAfter(path, '(row 10, initiator)', '(row 7, initiator)');
    expect(role).toBe('10: no test as initiator');
    expect(problemsAfter(path, '(row 10, responder)', '(row 7, responder)')).toContain(
      '10: neither a test nor a reason',
    );
  });

  it('a missing row', () => {
    const path = 'test/wireguard/conformance/rows.json';
    expect(problemsAfter(path, '"row": 38', '"row": 40')).toContain(
      'rows.json: the rows are 1 to 38, and the lines of the changelog a to i',
    );
  });

  it('a missing file, of the code or of a test', () => {
    const path = 'test/wireguard/conformance/rows.json';
    expect(
      problemsAfter(path, 'src/wireguard/handshake/index-table.ts', 'src/wireguard/table.ts'),
    ).toEqual([
      '4: src/wireguard/table.ts does not exist',
      expect.stringContaining('the row does not name this file'),
      expect.stringContaining('the row does not name this file'),
      expect.stringContaining('the row does not name this file'),
    ]);
    expect(problemsAfter(path, 'returns the 34 results', 'returns the 35 results')).toContain(
      '24: "returns the 35 results of the kernel’s self-test" does not exist in test/wireguard/data/replay-window.test.ts',
    );
  });

  it('a mutation whose text is missing or occurs twice', () => {
    const path = 'src/wireguard/handshake/index-table.ts';
    const line = '      if (this.#entries.has(index | 0)) continue;\n';
    expect(problemsAfter(path, line, '')).toEqual([
      expect.stringMatching(/^mutations\.json, 4, .* occurs 0 times$/),
    ]);
    expect(problemsAfter(path, '      const index =', `${line}${line}      const index =`)).toEqual(
      [expect.stringMatching(/ occurs 2 times$/)],
    );
  });

  it('a row without a mutation, and a mutation that changes nothing', () => {
    const path = 'test/wireguard/conformance/mutations.json';
    expect(problemsAfter(path, '"row": 6,', '"row": 5,')).toContain('6: no mutation');
    expect(problemsAfter(path, '1_000 / 20;', '1_000 / 50;')).toContainEqual(
      expect.stringMatching(/changes nothing$/),
    );
  });
});
