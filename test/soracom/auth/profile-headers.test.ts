import { inspect } from 'node:util';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { addableHeaders } from '../../../src/soracom/auth/profile-headers.js';

it('keeps the headers that a profile may add', () => {
  expect(addableHeaders({ 'X-Team': 'a b\tc', 'x-empty': '' })).toEqual({
    'X-Team': 'a b\tc',
    'x-empty': '',
  });
});

it.each([
  'X-Soracom-API-Key',
  'x-soracom-token',
  'X-SORACOM-LANG',
  'Content-Type',
  'User-Agent',
  'Accept',
  'Accept-Encoding',
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Connection',
  'Expect',
  'Content-Encoding',
  'Keep-Alive',
  'TE',
  'Trailer',
  'Upgrade',
])('omits %s', (name) => {
  expect(addableHeaders({ [name]: 'x', other: 'y' })).toEqual({ other: 'y' });
});

it('uses the last of two that differ in case', () => {
  expect(addableHeaders({ 'X-A': '1', 'x-a': '2' })).toEqual({ 'x-a': '2' });
});

it.each([
  ['a name with a space', { 'X A': 'v' }, 'the header "X A"'],
  ['an empty name', { '': 'v' }, 'the header ""'],
  ['a line break in the value', { 'X-A': 'hidden\r\nX-B: c' }, 'the header "X-A"'],
  ['a character beyond Latin-1', { 'X-A': 'hidden日' }, 'the header "X-A"'],
])('refuses %s, and does not repeat the value', (_, headers, place) => {
  let error: unknown;
  try {
    addableHeaders(headers);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({ kind: 'configuration' });
  expect((error as UserError).what).toContain(place);
  expect(inspect(error)).not.toContain('hidden');
});
