import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { loadCode } from '../../src/entry/load-code.js';
import { describeWith } from '../support/runner/requirements.js';

const CODE = Buffer.from('code');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-code-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const load = (folders: readonly string[], how = (path: string) => path) =>
  loadCode('addon.node', CODE, folders, how);

it('loads a file that only this user can access, and removes it', () => {
  const path = load([folder], (file) => {
    expect(readFileSync(file)).toEqual(CODE);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    return file;
  });
  expect(dirname(path)).toBe(folder);
  expect(readdirSync(folder)).toEqual([]);
});

it('tries the next folder if code cannot be loaded, without leaving a file', () => {
  const other = join(folder, 'other');
  mkdirSync(other);
  const path = load([join(folder, 'absent'), folder, other], (file) => {
    if (dirname(file) === folder) throw new Error('noexec');
    return file;
  });
  expect(dirname(path)).toBe(other);
  expect([readdirSync(folder), existsSync(path)]).toEqual([['other'], false]);
});

it('lists each reason', () => {
  const refuse = () => {
    throw new Error('noexec');
  };
  expect(() => load([folder, join(folder, 'absent')], refuse)).toThrow(
    /^cannot unpack addon\.node: noexec; .*ENOENT/,
  );
});

it.each([
  ['itself', '', 0o777],
  ['a folder above it', 'above', 0o770],
])('refuses a folder if others can write to %s, except with the sticky bit', (_, part, mode) => {
  const above = join(folder, 'above');
  const inner = join(above, 'inner');
  mkdirSync(inner, { recursive: true });
  const open = part === '' ? inner : above;
  chmodSync(open, mode);
  expect(() => load([inner])).toThrow(`other users can change files in ${open}`);
  chmodSync(open, 0o1000 | mode);
  expect(dirname(load([inner]))).toBe(inner);
});

it('uses the folder that a link points to, and checks it', () => {
  const inner = join(folder, 'inner');
  mkdirSync(inner);
  symlinkSync(inner, join(folder, 'link'));
  expect(dirname(load([join(folder, 'link')]))).toBe(inner);
  chmodSync(inner, 0o777);
  expect(() => load([join(folder, 'link')])).toThrow('other users can change');
});

describeWith(['root'], 'as root', () => {
  it('refuses a folder of another user, and one below it', () => {
    const inner = join(folder, 'above', 'inner');
    mkdirSync(inner, { recursive: true });
    chownSync(join(folder, 'above'), 65_534, 65_534);
    expect(() => load([inner])).toThrow(`other users can change files in ${folder}/above`);
    expect(() => load([join(folder, 'above')])).toThrow('other users can change');
  });
});
