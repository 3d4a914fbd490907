import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { makePrivate, tryFolder } from '../../../src/system/files/probe-folder.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-probe-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('accepts a folder that is writable, and leaves nothing behind', async () => {
  expect(await tryFolder(folder)).toEqual({ exists: true });
  expect(readdirSync(folder)).toEqual([]);
});

it('accepts a missing folder that can be created, without creating it', async () => {
  const missing = join(folder, 'a', 'b');
  expect(await tryFolder(missing)).toEqual({ exists: false });
  expect(existsSync(join(folder, 'a'))).toBe(false);
});

it('reports a path that leads through a file', async () => {
  writeFileSync(join(folder, 'file'), '');
  const { exists, fault } = await tryFolder(join(folder, 'file', 'state'));
  expect(exists).toBe(true);
  expect(fault).toMatchObject({ code: 'ENOTDIR' });
});

it('reports a missing folder whose parent is a file', async () => {
  writeFileSync(join(folder, 'file'), '');
  expect((await tryFolder(join(folder, 'file'))).fault).toMatchObject({ code: 'ENOTDIR' });
});

it('makes a file private', async () => {
  const path = join(folder, 'arc.json');
  writeFileSync(path, '');
  chmodSync(path, 0o666);
  await makePrivate(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
