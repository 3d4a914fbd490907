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
    '// It knows no more, and no one is asked: it reads no longer than a second.',
    '// Like the other, but for lines: none of them is limited by TCPs.',
    '// The very first one, and why it stands still.',
    '// Sent by\n\n// HTTP',
    "// Sent by\nconst text = 'HTTP';",
    "const text = 'made' + an('ew') + 'in' + place + 'vain';",
    'const text = `sent by ${count} UDP peers`;',
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
    { code: "throw new Error('answers no request');", errors: [{ message: /does not answer/ }] },
    { code: '// It names no file.', errors: [{ message: /^"names no"/ }] },
    {
      code: '// Closed, for it\n// is late.',
      errors: [{ messageId: 'idiom', line: 1, endLine: 2 }],
    },
    {
      code: '/* Closed, for it is late. */',
      errors: [{ message: /^", for it is": write "because"/ }],
    },
    { code: '// Sent by HTTP, and by UDP.', errors: 2 },
    { code: '// Empty, but for what npm needs.', errors: [{ message: /^"but for what"/ }] },
    { code: '// Its state is none.', errors: [{ message: /^"is none"/ }] },
    { code: '// Where none is known, did it not fail.', errors: 2 },
    { code: '// TIME is when it began; the rest goes on and lives on.', errors: 3 },
    { code: '// It stands beside the others.', errors: 2 },
    { code: '// It hears of what came of the very packet, and both are ours.', errors: 4 },
    { code: '// Albeit put off in silence for ever.', errors: 4 },
    {
      code: "fail(\n'made '\n+ 'in ' +\n'vain')",
      errors: [{ message: /^"in vain"/, line: 3, endLine: 4 }],
    },
    { code: "const text = name + 'made ' + `an` + 'ew';", errors: [{ message: /^"anew"/ }] },
    { code: "fail('leave ' + NAME + ' away', `leave ${NAME} away`)", errors: 2 },
    { code: 'fail(`${open ? `in vain` : "anew"}`)', errors: 2 },
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
    { code: '![made anew](a.png)', errors: [{ messageId: 'idiom' }] },
    { code: '<img src="a.png" alt="made anew">', errors: [{ messageId: 'idiom' }] },
    { code: '```sh\n# Asked in\n# vain.\necho\n```', errors: [{ messageId: 'idiom' }] },
    { code: '```js\nask(); // In vain.\n```', errors: [{ messageId: 'idiom' }] },
  ],
});

it('suggests for each idiom what to write instead, without that idiom', () => {
  expect(IDIOMS.length).toBeGreaterThan(50);
  for (const { pattern, instead } of IDIOMS) {
    expect(instead).not.toBe('');
    expect(instead).not.toMatch(new RegExp(`\\b${pattern}\\b`, 'i'));
  }
});
