import { fromMarkdown } from 'mdast-util-from-markdown';

import { hasPassed, reportText, summaryOf } from '../../../tools/smoke/report.js';

type Result = Parameters<typeof hasPassed>[0][number];

function result(more: Partial<Result> = {}): Result {
  return { title: 'Ping', outcome: 'passed', reason: '', seconds: 1.23, facts: [], ...more };
}

const text = (results: readonly Result[], hide = (value: string) => value) =>
  reportText({ title: 'First contact', about: [['arctun', '0.1.0']], results, hide });

it('lists all steps with their results, and the facts of each step', () => {
  const report = text([
    result({ facts: [['TTL', '64']] }),
    result({ title: 'Send', outcome: 'failed', reason: 'no answer' }),
  ]);
  expect(report).toContain('| Ping | passed | 1.2 |  |\n| Send | failed | 1.2 | no answer |');
  expect(report).toContain('## Ping\n\n| what | value |\n| --- | --- |\n| TTL | 64 |');
  expect(report).not.toContain('## Send');
  expect(report).toContain('1 of 2 steps passed, 1 failed, 0 were not possible');
});

it.each([
  [[result()], true],
  [[result(), result({ outcome: 'not possible' })], false],
  [[result(), result({ outcome: 'failed' })], false],
  [[], false],
])('has passed only if all steps have', (results, expected) => {
  expect(hasPassed(results)).toBe(expected);
});

it('counts each result', () => {
  const results = [result(), result({ outcome: 'not possible' }), result({ outcome: 'failed' })];
  expect(summaryOf(results)).toBe('1 of 3 steps passed, 1 failed, 1 were not possible');
});

it('hides secrets before it escapes or cuts a value', () => {
  const secret = 'secret_a*b';
  const long = `${'x'.repeat(1_995)}${secret}`;
  const facts = [
    ['short', secret],
    ['long', long],
  ] as const;
  const hide = (value: string) => value.replaceAll(secret, '(hidden)');
  const report = text([result({ facts, reason: secret })], hide);
  expect(report).not.toMatch(/secret/);
  expect(report.match(/\(hidden\)/g)).toHaveLength(2);
});

it('does not let a value of a server change the report', () => {
  const value = 'a|b\n\n# c\u0000 <img src=x> [link](http://x) `code` ![i](j)\u202e';
  const { children } = fromMarkdown(text([result({ facts: [['Server', value]] })]));
  // Without the extension for tables, a table is one paragraph of plain text.
  const types = children.flatMap((node) =>
    'children' in node ? node.children.map((child: { readonly type: string }) => child.type) : [],
  );
  expect(new Set(types)).toEqual(new Set(['text']));
  expect(children.filter(({ type }) => type === 'heading')).toHaveLength(2);
});
