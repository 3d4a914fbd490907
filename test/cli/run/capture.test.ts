import { FileError, type FileFailure } from '../../../src/ports/files.js';
import { captureOptions } from '../../../src/cli/run/capture.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import type { CaptureFile } from '../../../src/ports/capture-file.js';
import { silentLog } from '../../support/fakes/silent-log.js';

const file: CaptureFile = { write: () => true, close: () => Promise.resolve(true) };
const HEADER = [new Uint8Array([1]), new Uint8Array([2])];
const paths: string[] = [];
const headers: unknown[] = [];
const notes: string[] = [];

beforeEach(() => {
  paths.length = 0;
  headers.length = 0;
  notes.length = 0;
});

function options(path: string | undefined, failure?: Error) {
  const captureFile = (asked: string, header: readonly Uint8Array[]) => {
    paths.push(asked);
    headers.push(header);
    return failure === undefined ? Promise.resolve(file) : Promise.reject(failure);
  };
  const context = { captureFile, userAgent: 'arctun/1 (linux x64 v20)' };
  return captureOptions(path, context, silentLog, (line) => void notes.push(line));
}

it('is off without the flag', () => {
  expect(options(undefined)).toBeUndefined();
});

it('creates the file on request, and then warns about its content', async () => {
  const capture = options('x.pcapng')!;
  expect(capture.application).toBe('arctun/1 (linux x64 v20)');
  expect({ paths, notes }).toEqual({ paths: [], notes: [] });
  expect(await capture.createFile(HEADER)).toBe(file);
  expect(paths).toEqual(['x.pcapng']);
  expect(headers).toEqual([HEADER]);
  expect(notes).toEqual([
    expect.stringMatching(
      /^Warning: x\.pcapng will contain the private key and decrypted traffic\./,
    ),
  ]);
});

it.each<[FileFailure, string]>([
  ['denied', 'permission'],
  ['no-folder', 'configuration'],
  ['failed', 'failed'],
])('reports why it fails: %s', async (failure, kind) => {
  const capture = options('x.pcapng', new FileError(failure, 'x.pcapng', 'the reason'))!;
  const error: unknown = await capture.createFile(HEADER).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({
    kind,
    what: 'cannot capture to x.pcapng',
    why: 'the reason',
    next: ['Choose a new file in a writable folder with enough space.'],
  });
  expect(notes).toEqual([]);
});

it('does not hide other errors', async () => {
  const failure = new TypeError('a mistake');
  await expect(options('x.pcapng', failure)!.createFile(HEADER)).rejects.toBe(failure);
});
