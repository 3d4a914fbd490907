import {
  chmodSync,
  chownSync,
  lchownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { FileError } from '../../../src/ports/files.js';
import { systemFiles, regularFiles } from '../../../src/system/files/files.js';
import { FileTrace } from '../../support/file-calls.js';
import { describeWith } from '../../support/runner/requirements.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-files-'));
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

const at = (name: string) => join(folder, name);
const isRoot = process.getuid?.() === 0;

async function failureOf(promise: Promise<unknown>): Promise<FileError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (error instanceof FileError) return error;
  throw new Error('no FileError');
}

/** Runs `body` as an unprivileged user: root switches to one, any other user is one already. */
async function asNobody(body: () => Promise<void>): Promise<void> {
  if (!isRoot) return body();
  process.setegid?.(65534);
  process.seteuid?.(65534);
  try {
    await body();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

describe('readText', () => {
  it('returns the text, including a byte order mark', async () => {
    writeFileSync(at('arc.json'), '\ufeff{}é');
    expect(await systemFiles.readText(at('arc.json'))).toBe('\ufeff{}é');
  });

  it('distinguishes an absent file, an absent folder and a folder', async () => {
    expect((await failureOf(systemFiles.readText(at('none')))).failure).toBe('absent');
    expect((await failureOf(systemFiles.readText(at('a/none')))).failure).toBe('no-folder');
    writeFileSync(at('file'), '');
    expect((await failureOf(systemFiles.readText(at('file/none')))).failure).toBe('no-folder');
    expect(await failureOf(systemFiles.readText(folder))).toMatchObject({
      failure: 'is-folder',
      path: folder,
      message: 'it is a folder',
    });
  });

  it.each([
    ['Latin-1', Buffer.from('{"note": "caf\xe9"}', 'latin1')],
    ['UTF-16', Buffer.from('\ufeff{}', 'utf16le')],
  ])('refuses %s, which would be lost when the file is written again', async (_, bytes) => {
    writeFileSync(join(folder, 'a.json'), bytes);
    await expect(systemFiles.readText(join(folder, 'a.json'))).rejects.toMatchObject({
      failure: 'not-text',
    });
  });

  it('reads from a pipe', async () => {
    spawnSync('mkfifo', [at('pipe')]);
    const reading = systemFiles.readText(at('pipe'));
    await writeFile(at('pipe'), '{}');
    expect(await reading).toBe('{}');
  });

  it('refuses a text that is too long for a configuration', async () => {
    writeFileSync(at('long'), Buffer.alloc((1 << 20) + 1, ' '));
    expect((await failureOf(systemFiles.readText(at('long')))).message).toContain('longer than');
    writeFileSync(at('long'), Buffer.alloc(1 << 20, ' '));
    expect(await systemFiles.readText(at('long'))).toHaveLength(1 << 20);
  });
});

it('creates a file of bytes, readable only by its owner', async () => {
  const bytes = Uint8Array.of(0x89, 0x50, 0xff, 0x00);
  await systemFiles.createBytes(at('image.png'), bytes);
  expect(new Uint8Array(readFileSync(at('image.png')))).toEqual(bytes);
  expect(statSync(at('image.png')).mode & 0o777).toBe(0o600);
});

it('does not overwrite a file, nor follow a link', async () => {
  writeFileSync(at('arc.json'), 'kept');
  symlinkSync('nowhere', at('link.png'));
  for (const name of ['arc.json', 'link.png']) {
    const error = await failureOf(systemFiles.createBytes(at(name), Uint8Array.of(1)));
    expect(error).toMatchObject({
      failure: 'failed',
      message: 'a file with this name already exists',
    });
  }
  expect(readFileSync(at('arc.json'), 'utf8')).toBe('kept');
  expect(readdirSync(folder)).not.toContain('nowhere');
});

it('creates a folder only for its owner, with its parents, and keeps an existing one', async () => {
  await systemFiles.createFolder(at('a/b'));
  expect(statSync(at('a/b')).mode & 0o777).toBe(0o700);
  writeFileSync(at('a/b/kept'), '');
  await systemFiles.createFolder(at('a/b'));
  expect(await systemFiles.list(at('a/b'))).toEqual(['kept']);
});

it('does not replace a file with a folder', async () => {
  writeFileSync(at('a'), '');
  await expect(systemFiles.createFolder(at('a'))).rejects.toMatchObject({ path: at('a') });
  await expect(systemFiles.createFolder(at('a/b'))).rejects.toMatchObject({
    failure: 'no-folder',
  });
});

describeWith(['root'], 'a folder in the home of another user', () => {
  it('belongs to the owner, with its parents', async () => {
    mkdirSync(at('home'));
    chownSync(at('home'), 65534, 65533);
    await systemFiles.createFolder(at('home/a/b'));
    for (const folder of ['home/a', 'home/a/b']) {
      expect(statSync(at(folder))).toMatchObject({ uid: 65534, gid: 65533 });
    }
  });
});

it('lists nothing if the folder does not exist', async () => {
  expect(await systemFiles.list(at('none'))).toEqual([]);
});

describe('replaceText', () => {
  it('creates a private file whatever the umask, and leaves nothing else', async () => {
    const umask = process.umask(0o077);
    try {
      await systemFiles.replaceText(at('arc.json'), '{"é":1}\n');
    } finally {
      process.umask(umask);
    }
    expect(readFileSync(at('arc.json'), 'utf8')).toBe('{"é":1}\n');
    expect(statSync(at('arc.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['arc.json']);
  });

  it('replaces it with a new file, so that a reader sees either the old one or the new one', async () => {
    writeFileSync(at('arc.json'), 'old', { mode: 0o644 });
    const before = statSync(at('arc.json')).ino;
    await systemFiles.replaceText(at('arc.json'), 'new');
    expect(statSync(at('arc.json')).ino).not.toBe(before);
    expect(statSync(at('arc.json')).mode & 0o777).toBe(0o600);
    expect(readFileSync(at('arc.json'), 'utf8')).toBe('new');
  });

  it('keeps a symbolic link and replaces its target', async () => {
    mkdirSync(at('real'));
    writeFileSync(at('real/arc.json'), 'old');
    symlinkSync('real/arc.json', at('one'));
    symlinkSync(at('one'), at('two'));
    await systemFiles.replaceText(at('two'), 'new');
    expect(lstatSync(at('two')).isSymbolicLink()).toBe(true);
    expect(lstatSync(at('one')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('real/arc.json'), 'utf8')).toBe('new');
    expect(readdirSync(folder).sort()).toEqual(['one', 'real', 'two']);
  });

  it('creates the target of a dangling link', async () => {
    symlinkSync('later.json', at('arc.json'));
    await systemFiles.replaceText(at('arc.json'), 'new');
    expect(readFileSync(at('later.json'), 'utf8')).toBe('new');
    expect(lstatSync(at('arc.json')).isSymbolicLink()).toBe(true);
  });

  it('fails on circular links', async () => {
    symlinkSync('b', at('a'));
    symlinkSync('a', at('b'));
    expect((await failureOf(systemFiles.replaceText(at('a'), 'x'))).failure).toBe('failed');
  });

  it('removes its temporary file when the rename fails', async () => {
    mkdirSync(at('arc.json'));
    expect((await failureOf(systemFiles.replaceText(at('arc.json'), 'x'))).failure).toBe(
      'is-folder',
    );
    expect(readdirSync(folder)).toEqual(['arc.json']);
  });

  it('removes its temporary file when the text cannot be written', () => {
    // Mounting 16 KB in a user namespace would need privileges that CI may not have; the file size
    // limit of a shell makes the write fail in the same place.
    const script = `
      import { systemFiles } from ${JSON.stringify(resolve('dist/src/system/files/files.js'))};
      const error = await systemFiles.replaceText(process.argv[1], 'x'.repeat(1 << 16)).catch((e) => e);
      process.stdout.write(error.failure);`;
    const run = spawnSync(
      'sh',
      [
        '-c',
        'trap "" XFSZ; ulimit -f 1; exec "$0" "$@"',
        process.execPath,
        '--input-type=module',
        '-e',
        script,
        at('arc.json'),
      ],
      { encoding: 'utf8' },
    );
    expect(run.stdout).toBe('failed');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('reports the folder that does not exist', async () => {
    expect(await failureOf(systemFiles.replaceText(at('a/arc.json'), 'x'))).toMatchObject({
      failure: 'no-folder',
      message: `the folder ${at('a')} does not exist`,
    });
    symlinkSync('a/arc.json', at('link'));
    expect((await failureOf(systemFiles.replaceText(at('link'), 'x'))).failure).toBe('no-folder');
  });
});

describe('remove', () => {
  it('removes a file, and treats a missing one as removed', async () => {
    writeFileSync(at('copy'), '');
    await systemFiles.remove(at('copy'));
    await systemFiles.remove(at('copy'));
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps a symbolic link and removes its target', async () => {
    writeFileSync(at('target'), '');
    symlinkSync('target', at('link'));
    await systemFiles.remove(at('link'));
    expect(readdirSync(folder)).toEqual(['link']);
  });

  it('does not remove a folder', async () => {
    mkdirSync(at('folder'));
    expect(await failureOf(systemFiles.remove(at('folder')))).toMatchObject({ path: at('folder') });
  });
});

describeWith(['strace'], 'replaceText under umask 0', () => {
  it('creates a private file, and syncs its text and then its name to the disk', () => {
    const trace = new FileTrace();
    try {
      const program = `
        const { systemFiles } = await import(process.argv[1]);
        await systemFiles.replaceText(process.argv[2], '{}');`;
      const built = resolve('dist/src/system/files/files.js');
      const node = [process.execPath, '--input-type=module', '-e', program];
      const [command = '', ...rest] = trace.wrap([...node, built, at('arc.json')]);
      execFileSync(command, rest);
      expect(trace.calls(folder)).toEqual([
        // From its creation on, no other user can open it.
        'create .arc.json.*.tmp 0600',
        'chmod .arc.json.*.tmp 0600',
        'write .arc.json.*.tmp',
        'sync .arc.json.*.tmp',
        'rename .arc.json.*.tmp arc.json',
        'sync .',
      ]);
    } finally {
      trace.close();
    }
  }, 60_000);
});

describe('proveWritable', () => {
  it('leaves no file and does not touch the target', async () => {
    await systemFiles.proveWritable(at('arc.json'));
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(at('arc.json'), 'old', { mode: 0o400 });
    const before = statSync(at('arc.json'));
    await systemFiles.proveWritable(at('arc.json'));
    expect(readdirSync(folder)).toEqual(['arc.json']);
    expect(statSync(at('arc.json'))).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
  });

  it('refuses anything but a regular file', async () => {
    mkdirSync(at('arc.json'));
    expect(await failureOf(systemFiles.proveWritable(at('arc.json')))).toMatchObject({
      failure: 'failed',
      message: 'the path must be a regular file',
    });
  });

  it('refuses a folder that does not exist', async () => {
    expect((await failureOf(systemFiles.proveWritable(at('a/b')))).failure).toBe('no-folder');
  });

  it('refuses a folder that the user may not write to', async () => {
    chmodSync(folder, 0o555);
    await asNobody(async () => {
      expect((await failureOf(systemFiles.proveWritable(at('arc.json')))).failure).toBe('denied');
    });
  });

  describeWith(['root'], 'a file of another user', () => {
    it('refuses another user’s file that the user may not write, even if its folder is writable', async () => {
      chmodSync(folder, 0o777);
      writeFileSync(at('arc.json'), 'old', { mode: 0o600 });
      await asNobody(async () => {
        expect((await failureOf(systemFiles.proveWritable(at('arc.json')))).failure).toBe('denied');
      });
    });

    it('refuses another user’s file in a sticky folder, even if it is writable', async () => {
      writeFileSync(at('arc.json'), 'old');
      chmodSync(at('arc.json'), 0o666);
      chmodSync(folder, 0o1777);
      await asNobody(async () => {
        const error = await failureOf(systemFiles.proveWritable(at('arc.json')));
        expect(error).toMatchObject({ failure: 'denied' });
        expect(error.message).toContain('belongs to user 0');
        // Only operations that would fail are refused.
        const replaced = await failureOf(systemFiles.replaceText(at('arc.json'), 'new'));
        expect(replaced.failure).toBe('denied');
      });
      chmodSync(folder, 0o777);
      await asNobody(() => systemFiles.proveWritable(at('arc.json')));
    });

    it('is not written by root through a link of its owner, to a file or a folder', async () => {
      mkdirSync(at('theirs'));
      mkdirSync(at('roots'));
      writeFileSync(at('roots/victim'), 'precious');
      chmodSync(at('theirs'), 0o777);
      symlinkSync(at('roots/victim'), at('theirs/arc.json'));
      symlinkSync(at('roots'), at('theirs/folder'));
      symlinkSync(at('roots/none'), at('theirs/dangling'));
      for (const name of ['arc.json', 'folder', 'dangling'])
        lchownSync(at(`theirs/${name}`), 65534, 65534);
      for (const name of ['arc.json', 'folder/victim', 'dangling']) {
        const error = await failureOf(systemFiles.replaceText(at(`theirs/${name}`), 'new'));
        expect(error.failure).toBe('denied');
        expect(error.message).toContain(
          'is a symbolic link owned by user 65534, so root does not follow it',
        );
        expect((await failureOf(systemFiles.proveWritable(at(`theirs/${name}`)))).failure).toBe(
          'denied',
        );
      }
      expect(readFileSync(at('roots/victim'), 'utf8')).toBe('precious');
      expect(readdirSync(at('roots'))).toEqual(['victim']);
      // The owner may follow their own links.
      await asNobody(async () => {
        expect(
          (await failureOf(systemFiles.proveWritable(at('theirs/arc.json')))).message,
        ).not.toContain('root');
      });
    });

    it('keeps the owner of a file that root replaces', async () => {
      chmodSync(folder, 0o777);
      await asNobody(() => systemFiles.replaceText(at('arc.json'), 'old'));
      await systemFiles.replaceText(at('arc.json'), 'new');
      expect(statSync(at('arc.json'))).toMatchObject({ uid: 65534, gid: 65534 });
    });
  });
});

it('makes paths absolute', () => {
  expect(systemFiles.absolute('arc.json')).toBe(resolve('arc.json'));
  expect(existsSync(systemFiles.absolute('package.json'))).toBe(true);
});

describe('without waiting', () => {
  it('refuses a pipe, and reads a file as usual', async () => {
    spawnSync('mkfifo', [at('pipe')]);
    const { failure, message } = await failureOf(regularFiles.readText(at('pipe')));
    expect([failure, message]).toEqual([
      'failed',
      expect.stringContaining('must be a regular file'),
    ]);
    writeFileSync(at('file'), 'text');
    await expect(regularFiles.readText(at('file'))).resolves.toBe('text');
    expect(await failureOf(regularFiles.readText(at('none')))).toMatchObject({
      failure: 'absent',
    });
  });
});
