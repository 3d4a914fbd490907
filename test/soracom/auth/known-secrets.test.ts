import { Secret } from '../../../src/lib/secrets/secret.js';
import { KnownSecrets } from '../../../src/soracom/auth/known-secrets.js';

it('hides a secret in plain text, in JSON and in a URL', () => {
  const known = new KnownSecrets();
  known.add(new Secret('pa"ss wörd'));
  const texts = ['x pa"ss wörd y', JSON.stringify({ a: 'pa"ss wörd' }), '?p=pa%22ss%20w%C3%B6rd'];
  expect(texts.map((text) => known.hideIn(text))).toEqual([
    'x <redacted> y',
    '{"a":"<redacted>"}',
    '?p=<redacted>',
  ]);
});

it('hides the longer of two secrets with a common start as a whole', () => {
  const known = new KnownSecrets();
  known.add(new Secret('abcd'), new Secret('abcdefgh'));
  expect(known.hideIn('abcdefgh abcd')).toBe('<redacted> <redacted>');
});

it('remembers the newest 64', () => {
  const known = new KnownSecrets();
  for (let index = 100; index < 165; index++) known.add(new Secret(`secret${index}`));
  expect(known.hideIn('secret100')).toBe('secret100');
  expect(known.hideIn('secret101')).toBe('<redacted>');
  expect(known.hideIn('secret164')).toBe('<redacted>');
});
