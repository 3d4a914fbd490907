import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { jest } from '@jest/globals';

import { openSpoolFolder } from '../../../src/system/files/spool-folder.js';
import { describeWith } from '../../support/runner/requirements.js';

let base: string;
let path: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'arctun-spool-'));
  path = join(base, 'deep', 'spool');
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(base, { recursive: true, force: true });
});

it('creates folders and files that only the user can access', async () => {
  const folder = await openSpoolFolder(path);
  await folder.create('a', Buffer.from('x'));
  await folder.sync('a');
  await folder.syncNames();
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(statSync(join(path, 'a')).mode & 0o777).toBe(0o600);
  expect(Buffer.from((await folder.read('a'))!).toString()).toBe('x');
});

it('refuses a folder that other users can access', async () => {
  await openSpoolFolder(path);
  chmodSync(path, 0o750);
  await expect(openSpoolFolder(path)).rejects.toMatchObject({
    name: 'FileError',
    failure: 'denied',
    message: `other users can access the folder. Run: chmod 700 ${path}`,
  });
});

it.each(['read', 'change'] as const)('does not create a missing folder (%s)', async (access) => {
  await expect(openSpoolFolder(path, access)).rejects.toMatchObject({
    name: 'FileError',
    failure: 'no-folder',
  });
  const missing = openSpoolFolder(join(base, 'spool'), access);
  await expect(missing).rejects.toMatchObject({ name: 'FileError', failure: 'absent' });
  expect(readdirSync(base)).toEqual([]);
});

it('refuses a file', async () => {
  writeFileSync(join(base, 'file'), '', { mode: 0o600 });
  await expect(openSpoolFolder(join(base, 'file'), 'read')).rejects.toMatchObject({
    failure: 'no-folder',
    message: 'it is not a folder',
  });
});

it('has one identity, whatever path leads to it', async () => {
  const { identity } = await openSpoolFolder(path);
  symlinkSync(path, join(base, 'link'));
  expect((await openSpoolFolder(join(base, 'link'))).identity).toBe(identity);
  expect((await openSpoolFolder(join(base, 'other'))).identity).not.toBe(identity);
});

it('does not replace a file that it creates, and reports missing files', async () => {
  const folder = await openSpoolFolder(path);
  await folder.create('a', Buffer.from('x'));
  await expect(folder.create('a', Buffer.from('y'))).rejects.toMatchObject({ name: 'FileError' });
  expect(await folder.rename('a', 'b')).toBe(true);
  expect(await folder.rename('a', 'c')).toBe(false);
  expect(await folder.remove('a')).toBe(false);
  expect(await folder.read('a')).toBeUndefined();
  expect(await folder.list()).toEqual(['b']);
  expect(await folder.remove('b')).toBe(true);
  expect(readdirSync(path)).toEqual([]);
});

it.each(['read', 'change'] as const)('refuses the folder of another user (%s)', async (access) => {
  await openSpoolFolder(path);
  const { uid } = statSync(path);
  jest.spyOn(process as { geteuid: () => number }, 'geteuid').mockReturnValue(uid + 1);
  await expect(openSpoolFolder(path, access)).rejects.toMatchObject({
    failure: 'denied',
    message: `the folder belongs to user ${uid}`,
  });
});

describeWith(['root'], 'the folder of another user, opened by root', () => {
  beforeEach(async () => {
    const folder = await openSpoolFolder(path);
    await folder.create('a', Buffer.from('x'));
    chownSync(path, 12_345, 12_345);
  });

  it('can be read, but not through a link', async () => {
    const folder = await openSpoolFolder(path, 'read');
    expect(await folder.list()).toEqual(['a']);
    expect(Buffer.from((await folder.read('a'))!).toString()).toBe('x');
    symlinkSync('a', join(path, 'b'));
    await expect(folder.read('b')).rejects.toMatchObject({ name: 'FileError' });
  });

  it('cannot be changed', async () => {
    await expect(openSpoolFolder(path)).rejects.toMatchObject({
      failure: 'denied',
      message: `the folder belongs to user 12345. Run this command as that user: sudo -u '#12345'`,
    });
  });

  it('cannot be read if further users can access it', async () => {
    chmodSync(path, 0o770);
    await expect(openSpoolFolder(path, 'read')).rejects.toMatchObject({
      message: `other users can access the folder. Run: chmod 700 ${path}`,
    });
  });
});
