import { homedir } from 'node:os';

import { Redaction } from '../../../tools/smoke/redaction.js';

const KEY = 'L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=';

it('hides known values in each form, and the longest first', () => {
  const redaction = new Redaction();
  redaction.add('group ID', 'f00d');
  redaction.add('profile', 'f00d-profile');
  redaction.add('private key', KEY);
  const percent = encodeURIComponent(KEY);
  const text = `f00d, f00d-profile, ${KEY}, ${KEY.slice(0, -1)}, ${percent}`;
  expect(redaction.apply(text)).toBe(
    '(group ID), (profile), (private key), (private key), (private key)',
  );
});

it('ignores values that are missing or too short to be found', () => {
  const redaction = new Redaction();
  redaction.add('group ID', undefined);
  redaction.add('group ID', 'is');
  expect(redaction.apply('this is undefined')).toBe('this is undefined');
});

it.each([
  ['keyId-abcDEF123', '(auth key ID)'],
  ['secret-abcDEF_123', '(auth key)'],
  ['api-0123456789abcdefXYZ', '(API key)'],
  ['eyJhbGciOi.eyJvcGVy.c2ln-_x', '(token)'],
  ['AKIAABCDEFGHIJKLMNOP', '(AWS key ID)'],
  [KEY, '(key)'],
  ['0123456789abcdef'.repeat(4), '(key)'],
  ['OP0123456789', '(operator ID)'],
  ['user.name+tag@example.co.jp', '(e-mail address)'],
  ['8942310022000012345', '(number)'],
  ['999991234567890', '(number)'],
  ['arn:aws:iam::123456789012:role/x', 'arn:aws:iam::(number):role/x'],
  ['10.1.2.3:11010', '(IP address):11010'],
  ['[2001:db8::1]:11010', '[(IP address)]:11010'],
  [`${homedir()}/arc.json`, '~/arc.json'],
])('hides %s although it is not known', (text, shown) => {
  expect(new Redaction().apply(`(see ${text})`)).toBe(`(see ${shown})`);
});

it.each([
  '100.127.69.42:23080',
  '100.127.0.0/21, 54.250.252.67/32',
  'api-sandbox.soracom.io',
  'arctun 0.1.0, Node.js v20.19.0',
  '2026-11-30T01:04:05Z',
  '12.5 ms, 1420 bytes, 31536000',
])('shows %s', (text) => {
  expect(new Redaction().apply(text)).toBe(text);
});
