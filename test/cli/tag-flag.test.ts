import { parseTagFlag } from '../../src/cli/tag-flag.js';

it.each([
  ['site=osaka', 'site', 'osaka'],
  ['formula=a=b', 'formula', 'a=b'],
  ['empty=', 'empty', ''],
])('reads %s', (text, tagName, tagValue) => {
  expect(parseTagFlag(text)).toEqual({ tagName, tagValue });
});

it.each(['', 'site', '=osaka'])('refuses %j', (text) => {
  expect(() => parseTagFlag(text)).toThrow('it is not NAME=VALUE');
});
