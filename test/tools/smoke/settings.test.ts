import { UsageError } from '../../../tools/smoke/smoke-test.js';
import { readSettings } from '../../../tools/smoke/soracom/settings.js';

it('passes on the flags that sign in, and shows them without the secret', () => {
  const words = ['--auth-key-id', 'keyId-x', '--auth-key', 'secret-y', '--coverage-type', 'jp'];
  const { credentialFlags, shownFlags, authKey, yes, idleLimit, group } = readSettings(words);
  expect(credentialFlags).toEqual(words);
  expect(shownFlags).toEqual(['--auth-key-id', 'keyId-x', '--coverage-type', 'jp']);
  expect({ authKey, yes, idleLimit, group }).toEqual({
    authKey: 'secret-y',
    yes: false,
    idleLimit: 90,
    group: undefined,
  });
});

it('reads its own flags', () => {
  expect(readSettings(['-y', '--group', 'g1', '--idle-limit', '2.5'])).toMatchObject({
    yes: true,
    group: 'g1',
    idleLimit: 2.5,
    credentialFlags: [],
  });
  expect(readSettings(['--idle-limit', '1200']).idleLimit).toBe(1_200);
  expect(readSettings(['-h']).help).toBe(true);
});

it.each([
  [['--unknown']],
  [['extra']],
  [['--idle-limit', '0']],
  [['--idle-limit', '0.9']],
  [['--idle-limit', 'x']],
  [['--idle-limit', '']],
  [['--idle-limit', '1201']],
  [['--auth-key-file', '-']],
])('refuses %j', (words) => {
  expect(() => readSettings(words)).toThrow(UsageError);
});
