import { parseLabels, parseTagFilter, parseTagFlag } from '../../../src/cli/flags/tag-flag.js';

it.each([
  ['site=osaka', 'site', 'osaka'],
  ['formula=a=b', 'formula', 'a=b'],
])('reads %s', (text, tagName, tagValue) => {
  expect(parseTagFlag(text)).toEqual({ tagName, tagValue });
  expect(parseTagFilter(text)).toEqual({ tagName, tagValue });
});

it('looks for a tag with any value', () => {
  expect(parseTagFilter('ci')).toEqual({ tagName: 'ci', tagValue: undefined });
});

it.each(['', '=osaka', 'site= '])('refuses %j', (text) => {
  expect(() => parseTagFlag(text)).toThrow('a tag must have the form NAME=VALUE');
  expect(() => parseTagFilter(text)).toThrow('a tag must have the form NAME or NAME=VALUE');
});

describe('labels', () => {
  it('include name, group and tags', () => {
    const group = '0c5a6f2e-4f6e-4a7e-9b1d-3a5c1f0e9d8b';
    const tags = [{ tagName: 'b', tagValue: 'c' }];
    expect(parseLabels({ name: 'a', group, tag: ['b=c'] })).toEqual({ name: 'a', group, tags });
    expect(parseLabels({})).toEqual({ name: undefined, group: undefined, tags: undefined });
  });

  it('have at most 255 characters, not UTF-16 code units', () => {
    const name = '\u{1F4E1}'.repeat(255);
    expect(parseLabels({ name, tag: [`a=${name}`] }).name).toBe(name);
  });

  it.each([
    [{ name: ' ' }, 'cannot use --name: the name is empty'],
    [{ group: 'sensors' }, 'cannot use --group sensors: the value must be a group ID'],
    [{ tag: ['a'] }, 'a tag must have the form NAME=VALUE'],
    [{ tag: ['a=1', 'b=1', 'a=2'] }, 'cannot use --tag a=2: the tag a was given twice'],
    [{ name: 'a', tag: ['name=b'] }, 'cannot use --tag name=b: the tag name was given twice'],
    [{ name: 'a'.repeat(256) }, 'cannot use --name: the text is 256 characters long'],
    [{ name: 'a\nb' }, 'the text contains a line break or another control character'],
    [{ tag: [`a=${'b'.repeat(256)}`] }, 'cannot use --tag: the text is 256 characters long'],
    [{ tag: [`${'a'.repeat(256)}=b`] }, 'cannot use --tag: the text is 256 characters long'],
  ])('are refused before anything is billed: %j', (flags, message) => {
    expect(() => parseLabels(flags)).toThrow(message);
  });
});
