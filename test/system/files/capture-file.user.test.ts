import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { jest } from '@jest/globals';

import { FileError } from '../../../src/ports/files.js';
import { createCaptureFile } from '../../../src/system/files/capture-file.js';
import type { Log } from '../../../src/ports/log.js';
import { REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { silentLog } from '../../support/fakes/silent-log.js';
import { pendingTimers } from '../pending-timers.js';
import { until } from '../../support/until.js';

const BUILT = `${REPOSITORY}dist/src/system/files/capture-file.js`;

const CLOSE_TIMEOUT = 5_000;

let folder: string;
let path: string;
let warnings: [object, string][];
const log: Log = { ...silentLog, warn: (fields, message) => void warnings.push([fields, message]) };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-capture-'));
  path = join(folder, 'tunnel.pcapng');
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function refusal(): Promise<FileError> {
  const error: unknown = await createCaptureFile(path, log).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FileError);
  return error as FileError;
}

it('is private', async () => {
  const file = await createCaptureFile(path, log);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await file.close([]);
});

it('contains the blocks in order, and the trailer', async () => {
  const file = await createCaptureFile(path, log);
  const blocks = Array.from({ length: 5000 }, (_, index) => Buffer.from(`block ${index}\n`));
  for (const [index, block] of blocks.entries()) {
    expect(file.write(block)).toBe(true);
    if (index % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const close = () => file.close([Buffer.from('one'), Buffer.from('two')]);
  expect(await pendingTimers(CLOSE_TIMEOUT, close)).toBe(0);
  expect(readFileSync(path, 'utf8')).toBe(`${blocks.join('')}onetwo`);
  expect(warnings).toEqual([]);
});

it('begins with its header, which is written at once', async () => {
  const header = [Buffer.from('head'), Buffer.from('er ')];
  const file = await createCaptureFile(path, log, { header });
  expect(readFileSync(path, 'utf8')).toBe('header ');
  file.write(Buffer.from('block'));
  expect(await file.close([])).toBe(true);
  expect(readFileSync(path, 'utf8')).toBe('header block');
});

it('includes what was written without waiting for it', async () => {
  const file = await createCaptureFile(path, log);
  file.write(Buffer.from('early'));
  await until(() => readFileSync(path, 'utf8') === 'early');
  await file.close([]);
});

it('refuses more than its queue can hold, and accepts it later', async () => {
  const file = await createCaptureFile(path, log, { maxWaiting: 10 });
  expect(file.write(Buffer.from('12345'))).toBe(true);
  expect(file.write(Buffer.from('678901'))).toBe(false);
  expect(file.write(Buffer.from('67890'))).toBe(true);
  expect(file.write(Buffer.from('x'))).toBe(false);
  await until(() => file.write(Buffer.from('later')));
  // The trailer reports what was dropped, so there is always room for it.
  expect(await file.close([Buffer.from('the trailer is long')])).toBe(true);
  expect(readFileSync(path, 'utf8')).toBe('1234567890laterthe trailer is long');
});

it('refuses data after it is closed', async () => {
  const file = await createCaptureFile(path, log);
  const closed = file.close([]);
  expect(file.write(Buffer.from('x'))).toBe(false);
  await closed;
  expect(file.write(Buffer.from('x'))).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('');
});

describe('an existing file', () => {
  it.each<[string, () => void]>([
    ['a file', () => writeFileSync(path, 'mine')],
    ['a link to a file', () => symlinkSync(join(folder, 'other'), path)],
    ['a dangling link', () => symlinkSync(join(folder, 'absent'), path)],
    ['a second name of a file', () => linkSync(join(folder, 'other'), path)],
    ['a FIFO', () => execFileSync('mkfifo', [path])],
  ])('is left unchanged if it is %s', async (_, lay) => {
    writeFileSync(join(folder, 'other'), 'mine');
    lay();
    const names = readdirSync(folder);
    expect(await refusal()).toMatchObject({
      failure: 'failed',
      path,
      message: 'a file with this name already exists',
    });
    expect(readdirSync(folder)).toEqual(names);
    expect(readFileSync(join(folder, 'other'), 'utf8')).toBe('mine');
    expect(existsSync(join(folder, 'absent'))).toBe(false);
  });
});

it('reports which folder is missing', async () => {
  path = join(folder, 'absent', 'tunnel.pcapng');
  expect(await refusal()).toMatchObject({
    failure: 'no-folder',
    message: `the folder ${folder}/absent does not exist`,
  });
});

describeWith(['root', 'unshare'], 'a disk that is full', () => {
  /** 64 KiB for the capture; the program's output, and the content of the file afterwards. */
  function onSmallDisk(program: string): { output: string; content: string } {
    const script = [
      'mount -t tmpfs -o size=64k tmpfs "$1"',
      '"$2" --input-type=module -e "$3" "$4" "$1/tunnel.pcapng"',
      'echo ---',
      'cat "$1/tunnel.pcapng"',
    ].join(' && ');
    const command = ['-m', 'sh', '-c', script, 'sh', folder, process.execPath, program, BUILT];
    const [output = '', content = ''] = execFileSync('unshare', command, {
      encoding: 'utf8',
    }).split('---\n');
    return { output, content };
  }

  it('ends the capture at its last whole block, with one warning', () => {
    const { output, content } = onSmallDisk(`
      const { createCaptureFile } = await import(process.argv[1]);
      const warn = (fields, message) => console.log('WARNING', fields.reason, message);
      const file = await createCaptureFile(process.argv[2], { warn });
      let [taken, lost] = [0, 0];
      for (let n = 0; n < 300; n++) {
        if (file.write(Buffer.from(String(n).padStart(699) + '\\n'), () => lost++)) taken++;
        if (n % 40 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      }
      console.log('taken', taken < 300, file.write(Buffer.from('x')));
      console.log('whole', await file.close([Buffer.from('trailer')]));
      console.log('kept', taken - lost);
    `);
    expect(output).toBe(
      'WARNING no space left on the device the capture has stopped; the tunnel continues\ntaken true false\nwhole false\nkept 93\n',
    );
    const lines = content.split('\n').slice(0, -1).map(Number);
    // 64 KiB minus the incomplete block.
    expect(lines).toEqual(Array.from({ length: Math.floor(65_536 / 700) }, (_, n) => n));
    expect(content).toHaveLength(lines.length * 700);
  });

  it('from the start is reported at once, and no file is left', () => {
    const { output, content } = onSmallDisk(`
      import { existsSync, rmSync, writeFileSync } from 'node:fs';
      const { createCaptureFile } = await import(process.argv[1]);
      const path = process.argv[2];
      writeFileSync(path + '.other', new Uint8Array(65_536));
      const header = [new Uint8Array(100)];
      await createCaptureFile(path, console, { header }).catch((error) => {
        console.log(error.name, error.failure, error.message, existsSync(path));
      });
      rmSync(path + '.other');
      await (await createCaptureFile(path, console, { header: [Buffer.from('header')] })).close([]);
    `);
    expect(output).toBe('FileError failed no space left on the device false\n');
    expect(content).toBe('header');
  });
});

describeWith(['linux'], 'a disk that fails only when the tunnel closes', () => {
  it('is reported by close, whatever write returned', () => {
    const program = `
      const { createCaptureFile } = await import(process.argv[1]);
      const file = await createCaptureFile(process.argv[2], { warn: () => console.log('WARNING') });
      const taken = file.write(Buffer.from('x'.repeat(1 << 17)));
      console.log(taken, await file.close([]));
    `;
    // RLIMIT_FSIZE, with SIGXFSZ ignored, as Node does: EFBIG.
    const script = 'ulimit -f 64; exec "$0" --input-type=module -e "$@"';
    const output = execFileSync('sh', ['-c', script, process.execPath, program, BUILT, path], {
      encoding: 'utf8',
    });
    expect(output).toBe('WARNING\ntrue false\n');
    expect(statSync(path).size).toBe(0);
  });
});

describe('a disk that does not answer', () => {
  it('is waited for only until the timeout', async () => {
    const file = await createCaptureFile(path, log);
    jest.useFakeTimers();
    try {
      let lost = 0;
      for (const text of ['x', 'y']) file.write(Buffer.from(text), () => lost++);
      const closed = file.close([]);
      // No write ends before the event loop turns.
      jest.advanceTimersByTime(CLOSE_TIMEOUT);
      expect(await closed).toBe(false);
      expect(lost).toBe(2);
    } finally {
      jest.useRealTimers();
    }
    expect(warnings).toEqual([
      [
        { path, reason: 'the disk took longer than 5 s' },
        'the end of the capture could not be written',
      ],
    ]);
  });
});
