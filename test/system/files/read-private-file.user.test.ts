import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { PrivateFileError } from '../../../src/ports/private-files.js';
import {
  createPrivateFiles,
  systemPrivateFiles,
} from '../../../src/system/files/read-private-file.js';
import { until } from '../../support/until.js';
import { pendingTimers } from '../pending-timers.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-private-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
const isRoot = process.getuid?.() === 0;

function write(text: string, mode = 0o600): string {
  writeFileSync(at('key'), text);
  chmodSync(at('key'), mode);
  return at('key');
}

async function failureOf(promise: Promise<unknown>): Promise<PrivateFileError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (error instanceof PrivateFileError) return error;
  throw new Error(`no PrivateFileError: ${String(error)}`);
}

describe('a file', () => {
  it.each([0o600, 0o400, 0o700])('of mode %o is read', async (mode) => {
    expect(await systemPrivateFiles.readText(write('\ufeffsécret', mode))).toBe('\ufeffsécret');
  });

  it.each([0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644, 0o777])(
    'of mode %o is refused',
    async (mode) => {
      const error = await failureOf(systemPrivateFiles.readText(write('secret-1', mode)));
      const octal = mode.toString(8).padStart(4, '0');
      expect(error).toMatchObject({
        failure: 'too-open',
        message: `the file mode is ${octal}, so other users can access it`,
      });
    },
  );

  it('is judged by its own mode, not by that of a link to it', async () => {
    symlinkSync(write('secret-1', 0o644), at('link'));
    expect((await failureOf(systemPrivateFiles.readText(at('link')))).failure).toBe('too-open');
    chmodSync(at('key'), 0o600);
    expect(await systemPrivateFiles.readText(at('link'))).toBe('secret-1');
  });

  it('is read without a mode check on Windows', async () => {
    const files = createPrivateFiles({ platform: 'win32' });
    expect(await files.readText(write('secret-1', 0o666))).toBe('secret-1');
  });

  it('has a limit of 64 KB', async () => {
    const longest = 'x'.repeat(65536);
    expect(await systemPrivateFiles.readText(write(longest))).toBe(longest);
    expect(await failureOf(systemPrivateFiles.readText(write(`${longest}x`)))).toMatchObject({
      failure: 'failed',
      message: 'the text must not be longer than 65536 bytes',
    });
    expect((await failureOf(systemPrivateFiles.readText('/dev/zero'))).message).toBe(
      'the text must not be longer than 65536 bytes',
    );
  });

  it('is reported if absent', async () => {
    write('');
    const none = await failureOf(systemPrivateFiles.readText(at('none')));
    expect(none).toMatchObject({ failure: 'absent', message: 'no such file' });
    expect(await failureOf(systemPrivateFiles.readText(at('key/none')))).toMatchObject({
      failure: 'absent',
      message: 'part of the path is not a folder',
    });
  });

  it('is refused if it is a folder', async () => {
    mkdirSync(at('folder'), { mode: 0o700 });
    expect(await failureOf(systemPrivateFiles.readText(at('folder')))).toMatchObject({
      failure: 'failed',
      message: 'it is a folder',
    });
  });

  it('is refused if it is a terminal, whose reader would wait forever', async () => {
    // The master of a new pseudo-terminal: the only terminal that every process can open.
    expect(await failureOf(systemPrivateFiles.readText('/dev/ptmx'))).toMatchObject({
      failure: 'failed',
      message: 'standard input is a terminal, which would show what you type',
    });
  });

  it('is reported if access is denied', async () => {
    write('secret-1', 0o600);
    if (isRoot) {
      process.setegid?.(65534);
      process.seteuid?.(65534);
    } else chmodSync(at('key'), 0);
    try {
      expect(await failureOf(systemPrivateFiles.readText(at('key')))).toMatchObject({
        failure: 'denied',
        message: 'permission denied',
      });
    } finally {
      if (isRoot) {
        process.seteuid?.(0);
        process.setegid?.(0);
      }
    }
  });

  it('is not left open', async () => {
    const before = openSync('/dev/null', 'r');
    closeSync(before);
    for (const mode of [0o600, 0o644]) {
      await systemPrivateFiles.readText(write('secret-1', mode)).catch(() => undefined);
    }
    const after = openSync('/dev/null', 'r');
    closeSync(after);
    expect(after).toBe(before);
  });
});

describe('a pipe', () => {
  /** Waits for the reader, because the kernel discards the data of a pipe without open ends. */
  async function openForWriting(path: string): Promise<number> {
    let descriptor = -1;
    const hasReader = () => {
      try {
        descriptor = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
        return false;
      }
    };
    await until(hasReader, { what: 'the pipe has a reader' });
    return descriptor;
  }

  it('is read to its end, whatever its mode', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    chmodSync(at('pipe'), 0o666);
    const text = systemPrivateFiles.readText(at('pipe'));
    const writer = await openForWriting(at('pipe'));
    writeSync(writer, 'secret');
    const second = spawn('sh', ['-c', 'printf -- -1'], { stdio: ['ignore', writer, 'ignore'] });
    await new Promise((resolve) => second.once('close', resolve));
    closeSync(writer);
    expect(await text).toBe('secret-1');
  });

  it('is given up if it never ends', async () => {
    execFileSync('mkfifo', ['-m', '600', at('pipe')]);
    const both = openSync(at('pipe'), constants.O_RDWR);
    const files = createPrivateFiles({ timeout: 50 });
    expect(await failureOf(files.readText(at('pipe')))).toMatchObject({
      failure: 'failed',
      message: 'the input did not end within 0.05 s',
    });
    closeSync(both);
  });

  it('waits for a late writer', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const text = systemPrivateFiles.readText(at('pipe'));
    spawn('sh', ['-c', 'printf secret-1 > "$1"', 'sh', at('pipe')], { stdio: 'ignore' });
    expect(await text).toBe('secret-1');
  });
});

describe('standard input', () => {
  it('is read to its end', async () => {
    const stdin = new PassThrough();
    const text = createPrivateFiles({ stdin }).readStandardInput();
    stdin.write('sec');
    stdin.end('ret-é');
    expect(await text).toBe('secret-é');
  });

  it('has a limit of 64 KB', async () => {
    const longest = new PassThrough();
    longest.end('x'.repeat(65536));
    expect(await createPrivateFiles({ stdin: longest }).readStandardInput()).toHaveLength(65536);
    const stdin = new PassThrough();
    stdin.write('x'.repeat(65537));
    expect(await failureOf(createPrivateFiles({ stdin }).readStandardInput())).toMatchObject({
      failure: 'failed',
      message: 'the text must not be longer than 65536 bytes',
    });
  });

  it('is given up if it never ends', async () => {
    const files = createPrivateFiles({ stdin: new PassThrough(), timeout: 50 });
    expect((await failureOf(files.readStandardInput())).message).toBe(
      'the input did not end within 0.05 s',
    );
  });

  it('leaves no timer running', async () => {
    const stdin = new PassThrough();
    stdin.end('secret-1');
    const files = createPrivateFiles({ stdin, timeout: 60_001 });
    expect(await pendingTimers(60_001, () => files.readStandardInput())).toBe(0);
  });

  it('is read once', async () => {
    const stdin = new PassThrough();
    stdin.end('secret-1');
    const files = createPrivateFiles({ stdin });
    await files.readStandardInput();
    expect((await failureOf(files.readStandardInput())).message).toBe(
      'the stream has already been read',
    );
  });

  it('is not read from a terminal', async () => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    expect(await failureOf(createPrivateFiles({ stdin }).readStandardInput())).toMatchObject({
      failure: 'failed',
      message: 'standard input is a terminal, which would show what you type',
    });
  });
});
