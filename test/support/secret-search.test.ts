import { findSecrets } from './secret-search.js';

const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7 + 1)).toString('base64');
const SECRETS = { key: KEY, password: 'p4ss "word"' };
const bytes = Buffer.from(KEY, 'base64');

it.each([
  ['key', `"privateKey": "${KEY}"`],
  ['key', KEY.slice(0, -1)],
  ['key', bytes.toString('hex')],
  ['key', bytes.toString('hex').toUpperCase()],
  ['key', `<Buffer ${bytes.toString('hex').replace(/..(?=.)/g, '$& ')}>`],
  ['key', `Uint8Array(32) [${[...bytes].join(',')}]`],
  ['key', bytes.toString('base64url')],
  ['key', Buffer.from(`{"a":"${KEY}"}`).toString('base64')],
  ['key', Buffer.from(`{"ab":"${KEY}"}`).toString('base64')],
  ['key', Buffer.from(`{"abc":"${KEY}"}`).toString('base64')],
  ['password', 'x p4ss "word" y'],
  ['password', JSON.stringify({ password: 'p4ss "word"' })],
  ['password', `?p=${encodeURIComponent('p4ss "word"')}`],
  ['password', Buffer.from('user:p4ss "word"').toString('base64')],
  ['password', Buffer.from('p4ss "word"').toString('hex')],
])('finds the %s in %s', (secret, text) => {
  expect(findSecrets(text, SECRETS).map((finding) => finding.secret)).toContain(secret);
});

it('finds nothing in text without secrets', () => {
  const other = Buffer.alloc(32, 9);
  const text = `${other.toString('base64')} ${other.toString('hex')} pass word ${'A'.repeat(99)}`;
  expect(findSecrets(text, SECRETS)).toEqual([]);
});
