import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JOURNAL_ROOM } from '../../../src/ports/stores/journals.js';
import { systemJournals } from '../../../src/system/files/journal.js';
import { FileTrace } from '../../support/file-calls.js';
import { REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

const BUILT = `${REPOSITORY}dist/src/system/files/journal.js`;

let folder: string;
let target: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-journal-'));
  target = join(folder, 'arc.json');
  path = join(folder, '.arc.json.bootstrap');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function created(line = 'first') {
  const journal = await systemJournals.create(target, line);
  if (journal === undefined) throw new Error('there was a journal already');
  return journal;
}

/** Writes the journal as another process would. */
function ownedBy(owner: string): void {
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace(/^.*$/m, owner.padEnd(127)));
}

it('is next to its target, only for its owner, with its space allocated', async () => {
  const journal = await created();
  expect(journal.path).toBe(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(path).size).toBe(JOURNAL_ROOM);
  expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(JOURNAL_ROOM);
  expect(readdirSync(folder)).toEqual(['.arc.json.bootstrap']);
});

it('is created only once', async () => {
  await created();
  expect(await systemJournals.create(target, 'second')).toBeUndefined();
  expect((await systemJournals.open(target))?.lines).toEqual(['first']);
  expect(readdirSync(folder)).toEqual(['.arc.json.bootstrap']);
});

it('returns its lines in order', async () => {
  const journal = await created();
  await journal.append('zweite ü');
  await journal.append('third');
  expect((await systemJournals.open(target))?.lines).toEqual(['first', 'zweite ü', 'third']);
  expect(statSync(path).size).toBe(JOURNAL_ROOM);
});

it('appends after its last line when it is opened again', async () => {
  await (await created()).append('second');
  ownedBy('4194305 no-such-boot 1');
  const opened = await systemJournals.open(target);
  await opened?.journal.append('third');
  expect((await systemJournals.open(target))?.lines).toEqual(['first', 'second', 'third']);
});

it('omits a line that was not written completely', async () => {
  await (await created()).append('second');
  const end = readFileSync(path, 'utf8').trimEnd().length;
  truncateSync(path, end - 2);
  expect((await systemJournals.open(target))?.lines).toEqual(['first']);
});

it('returns only whole lines, or the whole rest as one, wherever it is cut', async () => {
  await (await created()).append('second');
  const text = readFileSync(path, 'utf8');
  const end = text.trimEnd().length + 1;
  const seen = new Set<string>();
  for (let length = 0; length <= end; length++) {
    writeFileSync(path, text.slice(0, length));
    const lines = (await systemJournals.open(target))?.lines;
    seen.add(lines?.[0] === text.slice(0, length) ? 'all as one' : JSON.stringify(lines));
  }
  // A line that is not a step is refused (app/bootstrap/sim-journal.ts): it may contain a key.
  expect([...seen]).toEqual(['all as one', '[]', '["first"]', '["first","second"]']);
});

it('refuses a line that does not fit', async () => {
  const journal = await created();
  await expect(journal.append('x'.repeat(JOURNAL_ROOM))).rejects.toThrow('the journal is full');
});

it.each([
  ['that is empty', () => ''],
  ['without an owner', (text: string) => text.slice(128)],
  ['whose trailing spaces an editor has removed', (text: string) => text.replaceAll(/ +$/gm, '')],
  ['of another kind', () => 'v2 1234\n{"step":"created","arcJson":"a key"}\n'],
])('%s is returned unchanged, and not written to', async (_, change) => {
  await created('{"step":"created"}');
  const text = change(readFileSync(path, 'utf8'));
  writeFileSync(path, text);
  const opened = await systemJournals.open(target);
  expect(opened).toMatchObject({ lines: [text], runningProcess: undefined });
  expect(readFileSync(path, 'utf8')).toBe(text);
});

it('does not exist after it is removed', async () => {
  const journal = await created();
  await journal.remove();
  expect(existsSync(path)).toBe(false);
  expect(await systemJournals.open(target)).toBeUndefined();
  await journal.remove();
});

it('reports that a line cannot be stored because its folder no longer exists', async () => {
  const journal = await created();
  rmSync(folder, { recursive: true });
  await expect(journal.append('second')).rejects.toMatchObject({ failure: 'no-folder' });
});

it('does not exist without its folder', async () => {
  expect(await systemJournals.open(join(folder, 'missing', 'arc.json'))).toBeUndefined();
});

it('is the same for a file and for a link to it', async () => {
  mkdirSync(join(folder, 'there'));
  symlinkSync(join(folder, 'there', 'arc.json'), target);
  await created();
  expect(readdirSync(join(folder, 'there'))).toEqual(['.arc.json.bootstrap']);
  expect((await systemJournals.open(join(folder, 'there', 'arc.json')))?.lines).toEqual(['first']);
});

describe('a journal that may belong to another user', () => {
  it.each([
    ['a link', () => symlinkSync(join(folder, 'elsewhere'), path)],
    ['a folder', () => mkdirSync(path)],
    [
      'a file that others may write',
      () => {
        writeFileSync(path, 'x\n{}\n');
        chmodSync(path, 0o620);
      },
    ],
    [
      'a file that is far too long',
      () => writeFileSync(path, ' '.repeat(1 << 20), { mode: 0o600 }),
    ],
  ])('%s is refused, and not written to', async (_, make) => {
    writeFileSync(join(folder, 'elsewhere'), 'precious', { mode: 0o600 });
    make();
    await expect(systemJournals.open(target)).rejects.toThrow();
    expect(readFileSync(join(folder, 'elsewhere'), 'utf8')).toBe('precious');
  });
});

it('is no longer written to after another run has taken it over', async () => {
  const journal = await created();
  ownedBy('4194305 no-such-boot 1');
  const before = readFileSync(path, 'utf8');
  await expect(journal.append('second')).rejects.toThrow('another run');
  await expect(journal.remove()).rejects.toThrow('another run');
  expect(readFileSync(path, 'utf8')).toBe(before);
});

it('is taken over without the line that the earlier process was writing', async () => {
  await created();
  ownedBy('4194305 no-such-boot 1');
  for (const name of ['.arc.json.0123456789ab.tmp', '.arc.json.bootstrap.0123456789ab.tmp']) {
    writeFileSync(join(folder, name), 'half a key');
  }
  for (const name of ['.arc.json.tmp', '.other.json.0123456789ab.tmp', 'arc.json']) {
    writeFileSync(join(folder, name), 'not ours');
  }
  await systemJournals.open(target);
  expect(readdirSync(folder).toSorted()).toEqual([
    '.arc.json.bootstrap',
    '.arc.json.tmp',
    '.other.json.0123456789ab.tmp',
    'arc.json',
  ]);
});

describe('a journal that several runs find', () => {
  const program = `
    const { systemJournals } = await import(process.argv[1]);
    const opened = await systemJournals.open(process.argv[2]).catch((error) => error);
    const outcome = opened instanceof Error ? 'refused' : opened.runningProcess ? 'waits' : 'has it';
    console.log(outcome);
    if (outcome === 'has it') await new Promise((resolve) => setTimeout(resolve, 60_000));
  `;

  it('is taken over by one of them', async () => {
    await created();
    ownedBy('4194305 no-such-boot 1');
    const runs = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', program, BUILT, target], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    );
    try {
      const outcomes = await Promise.all(
        runs.map(async ({ stdout }) => {
          const [chunk] = (await once(stdout, 'data')) as [Buffer];
          return chunk.toString().trim();
        }),
      );
      expect(outcomes.filter((outcome) => outcome === 'has it')).toHaveLength(1);
    } finally {
      for (const run of runs) run.kill('SIGKILL');
    }
    expect(readdirSync(folder)).toEqual(['.arc.json.bootstrap']);
  }, 30_000);
});

it('can be taken over even if a run died during the takeover', async () => {
  await created();
  ownedBy('4194305 no-such-boot 1');
  writeFileSync(`${path}.claim`, '4194305 no-such-boot 1\n');
  expect((await systemJournals.open(target))?.lines).toEqual(['first']);
  expect(readdirSync(folder)).toEqual(['.arc.json.bootstrap']);
});

describe('the process that holds the journal', () => {
  it('is not this one', async () => {
    await created();
    expect((await systemJournals.open(target))?.runningProcess).toBeUndefined();
  });

  it('is another running process', async () => {
    await created();
    const start = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    const ticks = start.slice(start.lastIndexOf(')') + 2).split(' ')[19]!;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    ownedBy(`${process.ppid} ${boot} ${ticks}`);
    const before = readFileSync(path, 'utf8');
    expect((await systemJournals.open(target))?.runningProcess).toBe(process.ppid);
    expect(readFileSync(path, 'utf8')).toBe(before);
    // The same process ID, but of a process that started at another time.
    ownedBy(`${process.ppid} ${boot} ${Number(ticks) + 1}`);
    expect((await systemJournals.open(target))?.runningProcess).toBeUndefined();
  });

  it('no longer exists after it has ended, and the journal can be taken over', async () => {
    await created();
    const { pid } = spawnSync('true');
    ownedBy(`${pid} some-boot 1`);
    expect((await systemJournals.open(target))?.runningProcess).toBeUndefined();
    expect(readFileSync(path, 'utf8')).toMatch(new RegExp(`^${process.pid} `));
    expect((await systemJournals.open(target))?.lines).toEqual(['first']);
  });
});

describeWith(['strace'], 'the system calls of a journal, under umask 0', () => {
  let trace: FileTrace;
  afterEach(() => trace.close());

  const program = `
    const { systemJournals } = await import(process.argv[1]);
    const target = process.argv[2];
    const journal = await systemJournals.create(target, 'first');
    await journal.append('second');
    console.log(JSON.stringify({
      again: await systemJournals.create(target, 'other') ?? 'there is one',
      lines: (await systemJournals.open(target)).lines,
    }));
    await journal.remove();
  `;

  function run(refused?: string): string {
    trace = new FileTrace(refused);
    const node = [process.execPath, '--input-type=module', '-e', program, BUILT, target];
    const [command = '', ...rest] = trace.wrap(node);
    return execFileSync(command, rest, { encoding: 'utf8' });
  }

  const answer = `${JSON.stringify({ again: 'there is one', lines: ['first', 'second'] })}\n`;

  it('writes each step to the disk, and its name, before the next', () => {
    expect(run()).toBe(answer);
    const [temporary, journal] = ['.arc.json.bootstrap.*.tmp', '.arc.json.bootstrap'];
    const calls = trace.calls(folder);
    expect(calls.slice(0, 7)).toEqual([
      `create ${temporary} 0600`,
      `chmod ${temporary} 0600`,
      `write ${temporary}`,
      `sync ${temporary}`,
      `link ${temporary} ${journal}`,
      `unlink ${temporary}`,
      'sync .',
    ]);
    expect(calls.slice(7, 9)).toEqual([`write ${journal}`, `sync ${journal}`]);
    expect(calls.slice(-2)).toEqual([`unlink ${journal}`, 'sync .']);
  }, 60_000);

  it.each(['EPERM', 'EOPNOTSUPP', 'ENOSYS'])(
    'works without hard links if these are refused: %s',
    (code) => {
      expect(run(`?link,linkat:error=${code}`)).toBe(answer);
      const [temporary, journal] = ['.arc.json.bootstrap.*.tmp', '.arc.json.bootstrap'];
      const calls = trace.calls(folder);
      const refusal = calls.findIndex((call) => call.startsWith(`link ${temporary} ${journal} E`));
      expect(calls.slice(refusal + 1, refusal + 7)).toEqual([
        `create ${journal} 0600`,
        `chmod ${journal} 0600`,
        `write ${journal}`,
        `sync ${journal}`,
        `unlink ${temporary}`,
        'sync .',
      ]);
      // An existing one is not overwritten.
      expect(calls).toContain(`create ${journal} 0600 EEXIST`);
      expect(readdirSync(folder)).toEqual([]);
    },
    60_000,
  );
});
