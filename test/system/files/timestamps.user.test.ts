import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTimestampStore } from '../../../src/system/files/timestamps.js';
import type { Log } from '../../../src/ports/log.js';
import type { TimestampRecord } from '../../../src/ports/stores/timestamp-store.js';
import { REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';
import { silentLog } from '../../support/fakes/silent-log.js';

const BUILT = `${REPOSITORY}dist/src/system/files/timestamps.js`;
const BLOCK = 4096;
const KEY = Uint8Array.from({ length: 32 }, (_, index) => index + 0xe0);
const NAME = 'e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff';

let root: string;
let state: string;
let path: string;
let warnings: { path: string; reason: string; message: string }[];
const log: Log = {
  ...silentLog,
  warn: (fields, message) => {
    warnings.push({ ...(fields as { path: string; reason: string }), message });
  },
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'arctun-timestamps-'));
  state = join(root, 'home', 'state', 'arctun');
  path = join(state, 'timestamps', NAME);
  warnings = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** The store as the next process opens it. */
function open(publicKey: Uint8Array = KEY): Promise<TimestampRecord> {
  return createTimestampStore(state, log).open(publicKey);
}

async function last(publicKey: Uint8Array = KEY): Promise<string | undefined> {
  const stamp = (await open(publicKey)).last;
  return stamp && Buffer.from(stamp).toString('hex');
}

/** A timestamp of a given second. */
function stamp(seconds: number, nanoseconds = 0): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(0x4000_0000);
  bytes.writeUInt32BE(seconds, 4);
  bytes.writeUInt32BE(nanoseconds, 8);
  return bytes;
}

async function save(...stamps: Buffer[]): Promise<void> {
  const record = await open();
  for (const one of stamps) record.save(one);
}

it('returns the last timestamp of each key to the next process', async () => {
  const other = KEY.toReversed();
  expect(await last()).toBeUndefined();
  await save(stamp(1), stamp(2), stamp(3));
  (await open(other)).save(stamp(9));
  expect(await last()).toBe(stamp(3).toString('hex'));
  expect(await last(other)).toBe(stamp(9).toString('hex'));
  expect(warnings).toEqual([]);
});

it('stores it in one private file of two blocks, in private folders', async () => {
  await save(stamp(1), stamp(2), stamp(3));
  for (const folder of [
    'home',
    'home/state',
    'home/state/arctun',
    'home/state/arctun/timestamps',
  ]) {
    expect(statSync(join(root, folder)).mode & 0o777).toBe(0o700);
  }
  expect(readdirSync(join(state, 'timestamps'))).toEqual([NAME]);
  expect(statSync(path)).toMatchObject({ size: 2 * BLOCK, nlink: 1 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(2 * BLOCK);
});

it('is private whatever the umask is', () => {
  const program = `
    const { createTimestampStore } = await import(process.argv[1]);
    process.umask(0);
    const record = await createTimestampStore(process.argv[2], console).open(new Uint8Array(32));
    record.save(Buffer.from('400000000000000100000000', 'hex'));
  `;
  execFileSync(process.execPath, ['--input-type=module', '-e', program, BUILT, state]);
  const [name] = readdirSync(join(state, 'timestamps'));
  expect(statSync(join(state, 'timestamps', name!)).mode & 0o777).toBe(0o600);
  expect(statSync(join(state, 'timestamps')).mode & 0o777).toBe(0o700);
});

it('writes lines that tai64nlocal reads', async () => {
  await save(stamp(1), stamp(2, 16_777_216));
  const blocks = readFileSync(path, 'latin1');
  expect(blocks.slice(0, BLOCK)).toMatch(/^@400000000000000100000000 [0-9a-f]{16} {4053}\n$/);
  expect(blocks.slice(BLOCK)).toMatch(/^@400000000000000201000000 [0-9a-f]{16} {4053}\n$/);
});

it('allocates both blocks with the first timestamp', async () => {
  await save(stamp(1));
  expect(statSync(path).size).toBe(2 * BLOCK);
});

describe('a file that is torn by a crash', () => {
  it('still has the previous timestamp, wherever the write ended', async () => {
    await save(stamp(1), stamp(2));
    const before = readFileSync(path);
    await save(stamp(3));
    const after = readFileSync(path);
    // The third timestamp has overwritten the first.
    expect(after.subarray(BLOCK)).toEqual(before.subarray(BLOCK));
    const possible = [stamp(2).toString('hex'), stamp(3).toString('hex')];
    for (let cut = 0; cut <= 64; cut++) {
      writeFileSync(path, Buffer.concat([after.subarray(0, cut), before.subarray(cut)]));
      const kept = await last();
      expect(possible).toContain(kept);
      if (cut >= 25)
        writeFileSync(path, Buffer.concat([after.subarray(0, cut), Buffer.alloc(2 * BLOCK - cut)]));
    }
    for (const byte of [0, 0xff]) {
      writeFileSync(path, Buffer.concat([Buffer.alloc(BLOCK, byte), before.subarray(BLOCK)]));
      expect(await last()).toBe(stamp(2).toString('hex'));
    }
    expect(warnings).toEqual([]);
  });

  it('has no timestamp if the process was killed before its first one', async () => {
    await save(stamp(1));
    for (const length of [0, 1]) {
      writeFileSync(path, ' '.repeat(length));
      expect(await last()).toBeUndefined();
    }
    expect(warnings).toEqual([]);
    await save(stamp(2));
    expect(statSync(path).size).toBe(2 * BLOCK);
    expect(await last()).toBe(stamp(2).toString('hex'));
  });

  it('allocates its second block again if that is missing', async () => {
    await save(stamp(1));
    truncateSync(path, BLOCK);
    await save(stamp(2));
    expect(await last()).toBe(stamp(2).toString('hex'));
    expect(readFileSync(path, 'latin1').slice(0, 25)).toBe('@400000000000000100000000');
  });
});

describe('a record that is not a valid timestamp of this key', () => {
  it.each<[string, (before: Buffer) => Buffer]>([
    ['random bytes', () => Buffer.from(seededBytes(1, 2 * BLOCK))],
    ['one digit changed', (before) => change(before, 17, '8')],
    ['one digit of the checksum changed', (before) => change(before, 30, 'x')],
    ['an extra line', (before) => Buffer.concat([before.subarray(0, 60), Buffer.from('\n')])],
    ['a file of zeros', () => Buffer.alloc(2 * BLOCK)],
  ])('is refused with one warning and replaced by the next: %s', async (_, damage) => {
    await save(stamp(1));
    writeFileSync(path, damage(readFileSync(path)));
    const record = await open();
    expect(record.last).toBeUndefined();
    expect(warnings).toEqual([
      {
        path,
        reason: 'the file does not contain a timestamp',
        message: expect.stringMatching(/^the time of the last handshake is unknown; .+/) as string,
      },
    ]);
    record.save(stamp(2));
    expect(await last()).toBe(stamp(2).toString('hex'));
    expect(warnings).toHaveLength(1);
  });

  it.each([
    ['in the reserved range of TAI64', Buffer.from('800000000000000000000000', 'hex')],
    ['with more nanoseconds than a second has', stamp(1, 1_000_000_000)],
  ])('is refused even if arctun wrote it: %s', async (_, strange) => {
    await save(strange);
    expect(await last()).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });

  it('is the record of another key', async () => {
    await save(stamp(1));
    const other = KEY.toReversed();
    copyFileSync(path, join(state, 'timestamps', Buffer.from(other).toString('hex')));
    expect(await last(other)).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });
});

function change(bytes: Buffer, at: number, digit: string): Buffer {
  const changed = Buffer.from(bytes);
  changed.write(changed.toString('latin1', at, at + 1) === digit ? '9' : digit, at);
  return changed;
}

it('accepts a timestamp however late it is: a responder only requires an increase', async () => {
  const year2099 = Buffer.from('4000000102f2b8a900000000', 'hex');
  await save(year2099);
  expect(await last()).toBe(year2099.toString('hex'));
});

it('never replaces a later timestamp of another process', async () => {
  const ours = await open();
  const theirs = await open();
  ours.save(stamp(10));
  theirs.save(stamp(20));
  ours.save(stamp(11));
  theirs.save(stamp(20));
  expect(await last()).toBe(stamp(20).toString('hex'));
  ours.save(stamp(21));
  expect(await last()).toBe(stamp(21).toString('hex'));
  expect(warnings).toEqual([]);
});

it('is created again if it was removed meanwhile', async () => {
  const record = await open();
  record.save(stamp(1));
  rmSync(state, { recursive: true });
  record.save(stamp(2));
  expect(await last()).toBe(stamp(2).toString('hex'));
  expect(warnings).toEqual([]);
});

describe('a file or folder of another user', () => {
  const victim = 'precious';

  /** A file, link or folder in place of the file. */
  type Trap = (victimPath: string) => void;
  const traps: [string, Trap, string][] = [
    [
      'a symbolic link',
      (target) => symlinkSync(target, path),
      'the file must not be a symbolic link',
    ],
    [
      'a dangling symbolic link',
      () => symlinkSync(join(root, 'new'), path),
      'the file must not be a symbolic link',
    ],
    [
      'a file with two names',
      (target) => linkSync(target, path),
      'the file must not have more than one hard link',
    ],
    ['a FIFO', () => execFileSync('mkfifo', [path]), 'the path must be a regular file'],
    ['a folder', () => mkdirSync(path), 'the path must be a regular file'],
    [
      'a file that others may write',
      () => {
        writeFileSync(path, '');
        chmodSync(path, 0o620);
      },
      'other users can write to the file or its folder',
    ],
  ];

  it.each(traps)('is neither read nor written: %s', async (_, lay, reason) => {
    mkdirSync(join(state, 'timestamps'), { recursive: true, mode: 0o700 });
    const victimPath = join(root, victim);
    writeFileSync(victimPath, victim, { mode: 0o600 });
    lay(victimPath);
    const record = await open();
    record.save(stamp(1));
    expect(record.last).toBeUndefined();
    expect(warnings).toMatchObject([{ path, reason }]);
    expect(readFileSync(victimPath, 'utf8')).toBe(victim);
    expect(readdirSync(root).sort()).toEqual(['home', victim]);
    const now = lstatSync(path);
    expect(now.isFile() && now.size > 0 && now.nlink === 1).toBe(false);
  });

  it('is a folder behind a symbolic link', async () => {
    await save(stamp(1));
    renameSync(join(state, 'timestamps'), join(root, 'elsewhere'));
    symlinkSync(join(root, 'elsewhere'), join(state, 'timestamps'));
    expect(await last()).toBeUndefined();
    expect(warnings).toMatchObject([{ reason: `${join(state, 'timestamps')} is not a folder` }]);
  });

  it('is a folder that others may write to', async () => {
    await save(stamp(1));
    chmodSync(join(state, 'timestamps'), 0o770);
    expect(await last()).toBeUndefined();
    expect(warnings).toMatchObject([{ reason: 'other users can write to the file or its folder' }]);
  });

  it('is not a state folder that is a link, as systemd creates them', async () => {
    mkdirSync(join(root, 'private'));
    mkdirSync(join(root, 'home', 'state'), { recursive: true });
    symlinkSync(join(root, 'private'), state);
    await save(stamp(1));
    expect(await last()).toBe(stamp(1).toString('hex'));
    expect(warnings).toEqual([]);
  });
});

describeWith(['root'], 'another user', () => {
  it('s file is neither read nor written', async () => {
    await save(stamp(1));
    const before = readFileSync(path);
    chownSync(path, 65534, 65534);
    const record = await open();
    record.save(stamp(2));
    expect(record.last).toBeUndefined();
    expect(warnings).toMatchObject([{ reason: 'the file or its folder belongs to user 65534' }]);
    expect(readFileSync(path)).toEqual(before);
  });

  it('is used by root with another owner, who stays its owner', async () => {
    const folder = join(state, 'timestamps');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chownSync(folder, 65534, 65534);
    await save(stamp(1), stamp(2));
    expect(await last()).toBe(stamp(2).toString('hex'));
    expect(statSync(path)).toMatchObject({ uid: 65534, gid: 65534 });
    expect(warnings).toEqual([]);
  });
});

describeWith(['root'], 'a home of another user', () => {
  it('contains no file that the other user does not own', async () => {
    chownSync(root, 65534, 65533);
    await save(stamp(1), stamp(2));
    const made = ['home', 'home/state', 'home/state/arctun', 'home/state/arctun/timestamps'];
    for (const place of [...made.map((folder) => join(root, folder)), path]) {
      expect(statSync(place)).toMatchObject({ uid: 65534, gid: 65533 });
    }
    expect(await last()).toBe(stamp(2).toString('hex'));
    expect(warnings).toEqual([]);
  });

  it('keeps the owner of existing files', async () => {
    mkdirSync(join(root, 'home'));
    chownSync(root, 65534, 65533);
    await save(stamp(1));
    expect(statSync(join(root, 'home'))).toMatchObject({ uid: 0, gid: 0 });
    expect(statSync(join(root, 'home', 'state'))).toMatchObject({ uid: 0, gid: 0 });
  });
});

it('warns once in total if nothing can be stored, and never throws', async () => {
  writeFileSync(join(root, 'home'), 'a file instead of a folder');
  const store = createTimestampStore(state, log);
  for (const key of [KEY, KEY.toReversed()]) {
    const record = await store.open(key);
    expect(record.last).toBeUndefined();
    record.save(stamp(1));
    record.save(stamp(2));
  }
  expect(warnings).toHaveLength(1);
  expect(warnings[0]!.message).toContain('the server will not answer until');
});

describeWith(['root', 'unshare'], 'a file system that cannot be written to', () => {
  /** Runs a program with `state` on a separate file system; returns its standard output. */
  function inMount(options: string, program: string): string {
    mkdirSync(state, { recursive: true });
    const script = `mount -t tmpfs -o "$1" tmpfs "$2" && exec "$3" --input-type=module -e "$4" "$5" "$2"`;
    return execFileSync(
      'unshare',
      ['-m', 'sh', '-c', script, 'sh', options, state, process.execPath, program, BUILT],
      { encoding: 'utf8' },
    );
  }
  const program = (more: string) => `
    import { writeFileSync } from 'node:fs';
    const { createTimestampStore } = await import(process.argv[1]);
    const warn = (fields, message) => console.log('WARNING', fields.reason, message);
    const stamp = (n) => Buffer.from('40000000000000' + n.toString(16).padStart(2, '0') + '00000000', 'hex');
    const folder = process.argv[2];
    const open = (store) => store.open(new Uint8Array(32));
    const store = createTimestampStore(folder, { warn });
    const record = await open(store);
    ${more}
  `;
  const next = `console.log('kept', (await open(createTimestampStore(folder, { warn }))).last?.toString('hex'));`;

  it('is full', () => {
    const fill = `try { writeFileSync(folder + '/ballast', Buffer.alloc(1 << 20)); } catch {}`;
    const output = inMount(
      'size=64k',
      program(`${fill} record.save(stamp(1)); record.save(stamp(2)); ${next}`),
    );
    expect(output).toMatch(
      /^WARNING no space left on the device cannot save .*\nkept undefined\n$/,
    );
  });

  it('is full after the first timestamp, which allocates the space for all', () => {
    const fill = `try { writeFileSync(folder + '/ballast', Buffer.alloc(1 << 20)); } catch {}`;
    const saves = `record.save(stamp(1)); ${fill} for (let n = 2; n < 10; n++) record.save(stamp(n));`;
    expect(inMount('size=64k', program(`${saves} ${next}`))).toBe(
      'kept 400000000000000900000000\n',
    );
  });
});

describeWith(['strace'], 'a power cut', () => {
  it('finds each timestamp on the disk before save returns, and the file in its folder', () => {
    const program = `
      import { writeSync } from 'node:fs';
      const { createTimestampStore } = await import(process.argv[1]);
      const record = await createTimestampStore(process.argv[2], console).open(new Uint8Array(32));
      for (const n of ['1', '2', '3']) {
        record.save(Buffer.from('400000000000000' + n + '00000000', 'hex'));
        writeSync(1, 'saved ' + n);
      }
    `;
    const trace = join(root, 'trace');
    const calls = 'pwrite64,fsync,fdatasync,write';
    const command = ['-f', '-y', '-o', trace, '-e', `trace=${calls}`, process.execPath];
    execFileSync('strace', [...command, '--input-type=module', '-e', program, BUILT, state]);
    const name = '00'.repeat(32);
    const places: [string, string][] = [
      [`${state}/timestamps/${name}`, 'file'],
      [`${state}/timestamps`, 'timestamps'],
      [state, 'arctun'],
      [`${root}/home/state`, 'state'],
      [`${root}/home`, 'home'],
      [root, 'root'],
    ];
    const seen = readFileSync(trace, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const saved = /write\(1.*"(saved \d)"/.exec(line);
        if (saved) return [saved[1]!];
        const [, call, place] = /(pwrite64|fsync|fdatasync)\(\d+<([^>]+)>/.exec(line) ?? [];
        const known = places.find(([folder]) => folder === place);
        return known ? [`${call} ${known[1]}`] : [];
      });
    const folders = ['root', 'home', 'state', 'arctun'].map((folder) => `fsync ${folder}`);
    expect(seen.slice(0, 4)).toEqual(folders);
    expect(seen.slice(4)).toEqual([
      'pwrite64 file',
      'fsync file',
      'fsync timestamps',
      'saved 1',
      'pwrite64 file',
      'fdatasync file',
      'saved 2',
      'pwrite64 file',
      'fdatasync file',
      'saved 3',
    ]);
  }, 60_000);
});
