import { mkdtemp } from 'node:fs/promises';

import { systemFailure } from '../../../src/cli/errors/system-error.js';

it('turns a system error into a sentence, with its exit code', async () => {
  const error = await mkdtemp('/nosuch/folder/x').catch((reason: unknown) => reason as Error);
  expect(systemFailure(error as Error)).toMatchObject({ kind: 'configuration' });
  const refused = Object.assign(new Error('EACCES: permission denied, mkdtemp'), {
    ...{ code: 'EACCES', syscall: 'mkdtemp' },
  });
  expect(systemFailure(refused)).toMatchObject({
    kind: 'permission',
    message: 'the operating system returned an error: EACCES: permission denied, mkdtemp',
    next: ['Run as a user who has the required permission, or choose another path.'],
  });
  const many = Object.assign(new Error('EMFILE: too many open files'), {
    ...{ code: 'EMFILE', syscall: 'open' },
  });
  expect(systemFailure(many)?.next).toEqual([
    'Raise the limit on open files, for example with "ulimit -n 1024".',
  ]);
});

it('does not change an error of the program', () => {
  expect(systemFailure(new TypeError('a bug'))).toBeUndefined();
});
