import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { jest } from '@jest/globals';

import { writeCheckedFiles } from '../../../tools/bundle/checked-files.js';

let folder: string;
let errors: string[];
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'arctun-files-')), 'layers');
  errors = [];
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  jest.spyOn(console, 'error').mockImplementation((text) => void errors.push(String(text)));
});
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(join(folder, '..'), { recursive: true });
});

it('writes the files with their checksums', () => {
  const files = new Map([
    ['arctun-lambda-nodejs.zip', Buffer.from('abc')],
    ['arctun-linux-x64', Buffer.alloc(0)],
  ]);
  writeCheckedFiles(folder, files, 0o755);
  expect(readFileSync(join(folder, 'arctun-lambda-nodejs.zip'), 'utf8')).toBe('abc');
  expect(statSync(join(folder, 'arctun-linux-x64')).mode & 0o777).toBe(0o755);
  // FIPS 180-4, the examples of SHA-256.
  expect(readFileSync(join(folder, 'SHA256SUMS'), 'utf8').split('\n')).toEqual([
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  arctun-lambda-nodejs.zip',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  arctun-linux-x64',
    '',
  ]);
  expect([errors, process.exitCode]).toEqual([[], undefined]);
});

it.each([
  [2_000_000, undefined],
  [2_000_001, 1],
])('exits with an error if a file exceeds its limit: %i bytes', (bytes, exit) => {
  writeCheckedFiles(folder, new Map([['arctun-lambda-nodejs.zip', Buffer.alloc(bytes)]]), 0o644);
  expect(process.exitCode).toBe(exit);
  expect(errors).toEqual(exit ? ['arctun-lambda-nodejs.zip has grown beyond its limit'] : []);
});

it('refuses a file without a limit', () => {
  const write = () => writeCheckedFiles(folder, new Map([['new.zip', Buffer.alloc(1)]]), 0o644);
  expect(write).toThrow('new.zip has no size limit: add one to tools/bundle/layer-limits.js');
  expect(readdirSync(folder)).toEqual([]);
});
