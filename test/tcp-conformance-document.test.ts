/**
 * docs/explanation/tcp-conformance.md matches the code and the tests: see
 * tools/conformance/tcp-conformance.js.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import {
  namesIn,
  readTcpConformance,
  tcpConformanceDocument,
  tcpProblemsOf,
  testsHolding,
} from '../tools/conformance/tcp-conformance.js';

const root = join(import.meta.dirname, '..');
const conformance = readTcpConformance(root);
const rows = conformance.sources.flatMap((source) => source.rows);

it('the document is up to date: npm run conformance', async () => {
  const path = join(root, 'docs/explanation/tcp-conformance.md');
  const options = { ...(await resolveConfig(path)), parser: 'markdown' };
  const expected = await format(tcpConformanceDocument(conformance), options);
  expect(readFileSync(path, 'utf8')).toBe(expected);
});

it('each requirement has a test or a reason; all named files and tests exist', () => {
  expect(tcpProblemsOf(conformance)).toEqual([]);
});

it.each([
  // RFC 9293 has no MUST-22.
  ['MUST', 69, [22]],
  ['SHLD', 31, []],
  ['REC', 1, []],
])('all of %s-1 to %d exist', (kind, last, missing: number[]) => {
  const numbers = Array.from({ length: last }, (_, index) => index + 1);
  const expected = numbers.filter((number) => !missing.includes(number));
  const found = rows
    .filter(({ name }) => name.startsWith(`${kind}-`))
    .map(({ name }) => Number(name.slice(kind.length + 1)));
  expect(found.sort((left, right) => left - right)).toEqual(expected);
});

describe('titles', () => {
  /** The result for a title that ends with this in parentheses. */
  function read(names: string) {
    return namesIn('x.test.ts', `it('does (${names})', () => undefined);`);
  }

  it.each([
    ['MUST-1', ['MUST-1']],
    ['RFC 9293 3.4, MUST-1 and MUST-2', ['RFC 9293 3.4', 'MUST-1', 'MUST-2']],
    ['tcp_rack; RFC 8985 6.2 step 4', ['tcp_rack', 'RFC 8985 6.2 step 4']],
  ])('has the names of "%s"', (text, names) => {
    expect(read(text)).toEqual([{ file: 'x.test.ts', title: 'does', names }]);
  });
});

describe('the reported problems', () => {
  const row = {
    name: 'MUST-1',
    section: undefined,
    rule: 'A rule.',
    files: [],
    elsewhere: [],
    deviation: undefined,
    notApplicable: undefined,
  };
  const title = { file: 'x.test.ts', title: 'does', names: ['MUST-1'] };

  function problems(changed: object, titles = [title]) {
    const sources = [{ title: 'RFC', about: '', rows: [{ ...row, ...changed }] }];
    return tcpProblemsOf({ root, sources, titles });
  }

  it('none if a test or a reason covers it', () => {
    expect(problems({})).toEqual([]);
    expect(problems({ deviation: 'not yet' }, [])).toEqual([]);
    expect(problems({ notApplicable: 'no link' }, [])).toEqual([]);
  });

  it('neither a test nor a reason', () => {
    expect(problems({}, [])).toEqual(['MUST-1: neither a test nor a reason']);
  });

  it.each(['MUST-99', 'tcp_rock'])('a title with %s, which is not a row', (name) => {
    expect(problems({}, [{ ...title, names: ['MUST-1', name] }])).toEqual([
      `x.test.ts: "does" names ${name}, which is not a row`,
    ]);
  });

  it('a file or a title that does not exist', () => {
    const elsewhere = [{ file: 'package.json', title: 'no such title' }];
    expect(problems({ files: ['src/no.ts'], elsewhere })).toEqual([
      'MUST-1: src/no.ts does not exist',
      'MUST-1: "no such title" does not exist in package.json',
    ]);
  });

  it('a row that occurs twice', () => {
    const sources = [{ title: 'RFC', about: '', rows: [row, row] }];
    expect(tcpProblemsOf({ root, sources, titles: [title] })).toEqual(['MUST-1: occurs twice']);
  });
});

it('a test by its names and one by its row both cover a requirement', () => {
  const elsewhere = [{ file: 'y.test.ts', title: 'does too' }];
  const titles = [{ file: 'x.test.ts', title: 'does', names: ['tcp_rack'] }];
  const found = testsHolding({ titles }, { name: 'tcp_rack', elsewhere });
  expect(found.map((test) => test.title)).toEqual(['does', 'does too']);
});
