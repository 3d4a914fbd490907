/** The check of words in files that ESLint does not read. */
import { idiomsOfFile } from '../../../tools/lint/plain-texts.js';

it.each([
  ['.ci/run', '#!/bin/sh\nls\n# Asked in\n# vain.\n', 3, 'in vain'],
  ['build.sh', 'echo "sent in \\\nvain"\n', 1, 'in vain'],
  ['template.yaml', 'Description: >\n  A function made\n  anew\n', 3, 'anew'],
  ['arctun.service', '[Unit]\n# made anew\n', 2, 'anew'],
  ['package.json', '{\n  "description": "made anew"\n}\n', 2, 'anew'],
  ['manifest.json', String.raw`{"description": "asked in\nvain"}`, 1, 'in vain'],
  ['modes.svg', '<svg>\n<text>in <tspan dx="6">vain</tspan></text></svg>', 2, 'in vain'],
])('finds an idiom in %s', (path, text, line, found) => {
  expect(idiomsOfFile(path, text)).toMatchObject([{ found, line }]);
});

it('finds nothing in plain English', () => {
  expect(idiomsOfFile('.ci/run', '#!/bin/sh\n# Runs again.\nin=1\nvain=2\n')).toEqual([]);
});
