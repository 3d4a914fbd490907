import markdown from '@eslint/markdown';
import { RuleTester } from 'eslint';

import { IDIOMS } from '../../../tools/lint/idioms.js';
import { noIdiom } from '../../../tools/lint/no-idiom.js';

RuleTester.describe = describe;
RuleTester.it = it;

const rule = noIdiom as never;

new RuleTester().run('code', rule, {
  valid: [
    '// The caller decides: nothing is in the way, and a vessel is unlested.',
    "const text = 'Listen again after the first signal.';",
    'const nobodys = anew.lest;',
    '// These may be it, if there is none.',
    { code: '// Whoever asks.', options: [{ comments: false }] },
  ],
  invalid: [
    { code: '// Whoever asks first.', errors: [{ message: /Whoever.*name the subject/ }] },
    {
      code: "const text = 'made anew';",
      errors: [{ message: '"anew": write "again" or "recreated".' }],
    },
    { code: 'const text = `lest ${name} waits`;', errors: [{ messageId: 'idiom' }] },
    { code: '/**\n * Sent in\n * vain.\n */', errors: [{ message: /^"in vain"/ }] },
    { code: '// It is told, and tells of it.', errors: 2 },
  ],
});

new RuleTester({
  plugins: { markdown: markdown },
  language: 'markdown/gfm',
}).run('Markdown', rule, {
  valid: ['The tunnel opens again.', 'A word as `lest` is code.', '```sh\necho in vain\n```'],
  invalid: [
    { code: '# Made anew', errors: [{ messageId: 'idiom' }] },
    { code: 'Asked in\nvain.', errors: [{ message: /^"in vain"/ }] },
    { code: '| a |\n| - |\n| nobody |', errors: [{ messageId: 'idiom', line: 3 }] },
  ],
});

it('has about forty idioms, each with what to write instead', () => {
  expect(IDIOMS.length).toBeGreaterThan(30);
  for (const { pattern, instead } of IDIOMS) {
    expect(instead).not.toBe('');
    expect(instead).not.toMatch(new RegExp(`\\b${pattern}\\b`, 'i'));
  }
});
