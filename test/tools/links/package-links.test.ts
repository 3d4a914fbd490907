/** The links between the files of the npm package. */
import { missingTargets } from '../../../tools/links/package-links.js';

const missing = missingTargets as (
  page: string,
  text: string,
  paths: readonly string[],
) => { readonly target: string; readonly line: number }[];

const PATHS = [
  'README.md',
  'docs/guides/curl.md',
  'docs/images/modes.svg',
  'deploy/lambda/cdk.json',
];

it.each([
  ['README.md', '[curl](docs/guides/curl.md#start) and [Lambda](deploy/lambda/)'],
  [
    'docs/guides/curl.md',
    '[here](#start), [README](../../README.md) and [npm](https://npmjs.com/)',
  ],
  ['docs/guides/curl.md', '![modes](../images/modes.svg)\n\n[one][1]\n\n[1]: curl.md'],
  ['README.md', '<picture>\n<source srcset="docs/images/modes.svg"></picture>'],
])('accepts links from %s to files in the package: %j', (page, text) => {
  expect(missing(page, text, PATHS)).toEqual([]);
});

it.each([
  ['README.md', 'Read:\n\n- [it](src/index.ts)', 'src/index.ts', 3],
  ['docs/guides/curl.md', '[it](README.md)', 'docs/guides/README.md', 1],
  ['docs/guides/curl.md', '[it](../../../other/README.md)', '../other/README.md', 1],
  ['README.md', '[it](docs/gui)', 'docs/gui', 1],
  ['README.md', '[one][1]\n\n[1]: test/one.md', 'test/one.md', 3],
  ['README.md', 'An <img src="docs/images/dark.svg">', 'docs/images/dark.svg', 1],
])('reports a link from %s to a file outside the package: %j', (page, text, target, line) => {
  expect(missing(page, text, PATHS)).toEqual([{ target, line }]);
});
