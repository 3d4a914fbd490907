import { DEFAULT_USER, parseUserList } from '../../src/emulator/users.js';

const USER = { email: 'a@example.com', password: 'planted', permissions: [] };

it('reads an array of users', () => {
  expect(parseUserList(JSON.stringify([USER]), [DEFAULT_USER])).toEqual([USER]);
});

it.each([
  ['[{"password":"planted"', 'the text must be JSON'],
  ['{}', 'Invalid input: expected array, received object'],
  [JSON.stringify([USER, { ...USER, email: 7 }]), 'user 1.email: Invalid input'],
  [JSON.stringify([USER, USER]), 'user 1: another user already has this email'],
  [
    JSON.stringify([{ ...DEFAULT_USER, password: 'planted' }]),
    'user 0: another user already has this',
  ],
])('reports what is wrong with %s, without a secret', (text, reason) => {
  let message = '';
  try {
    parseUserList(text, [DEFAULT_USER]);
  } catch (error) {
    ({ message } = error as Error);
  }
  expect(message).toContain(reason);
  expect(message).not.toContain('planted');
});
