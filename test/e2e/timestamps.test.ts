/**
 * The state folder in the commands: written before the first datagram, and when it is unavailable.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, type Finished, Processes, REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { itInRelease } from '../support/runner/tier.js';

/** Only the answer. */
const SENT = { code: 0, stderr: 'HTTP 201 Created\n' };

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
let state: string;

afterAll(() => processes.close());
beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
}, 60_000);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-timestamps-'));
  state = join(folder, 'state');
  expect((await run(['bootstrap', 'authkey'], { env: emulator.env })).code).toBe(0);
}, 60_000);
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(
  parameters: readonly string[],
  { env = {}, prefix = [] }: { env?: NodeJS.ProcessEnv; prefix?: readonly string[] } = {},
): Promise<Finished> {
  return processes.run([...prefix, process.execPath, ARCTUN, ...parameters], {
    cwd: folder,
    env: { STATE_DIRECTORY: state, ...env },
  });
}

/** The file name for the client's key. */
function nameOfKey(): string {
  const { publicKey } = JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as {
    publicKey: string;
  };
  return Buffer.from(publicKey, 'base64').toString('hex');
}

function stamps(): string[] {
  const text = readFileSync(join(state, 'timestamps', nameOfKey()), 'latin1');
  return [...text.matchAll(/@([0-9a-f]{24})/g)].map(([, stamp]) => stamp!).sort();
}

it('is saved by each command that opens a tunnel, and increases', async () => {
  expect(await run(['send', 'hello'])).toMatchObject(SENT);
  expect(readdirSync(join(state, 'timestamps'))).toEqual([nameOfKey()]);
  const [first] = stamps();
  const up = processes.start(
    [process.execPath, ARCTUN, 'up', '--json', '--forward-listen', '127.0.0.1:0'],
    { cwd: folder, env: { STATE_DIRECTORY: state } },
  );
  await up.output(/"forward":/);
  up.kill();
  expect(await up.finished).toMatchObject({ code: 0 });
  expect(stamps()).toHaveLength(2);
  expect(stamps()[0]).toBe(first);
}, 60_000);

itInRelease(
  'is saved by a program that uses the library',
  async () => {
    const program = `
    const { createTunnel } = await import(process.argv[1]);
    await (await createTunnel({ config: 'arc.json' })).close();
  `;
    const library = `${REPOSITORY}dist/bundle/index.js`;
    const command = [process.execPath, '--input-type=module', '-e', program, library];
    const env = { STATE_DIRECTORY: state };
    expect(await processes.run(command, { cwd: folder, env })).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(stamps()).toHaveLength(1);
  },
  60_000,
);

describeWith(['strace'], 'the order of system calls', () => {
  it('writes it to the disk before the initiation is sent', async () => {
    const trace = join(folder, 'trace');
    const calls = 'trace=pwrite64,fsync,fdatasync,sendto,sendmsg,sendmmsg';
    const prefix = ['strace', '-f', '-y', '-o', trace, '-e', calls];
    for (const call of ['fsync', 'fdatasync']) {
      expect((await run(['send', 'hello'], { prefix })).code).toBe(0);
      const lines = readFileSync(trace, 'utf8').split('\n');
      const find = (pattern: RegExp) => lines.findIndex((line) => pattern.test(line));
      const written = find(/pwrite64\(\d+<[^>]*timestamps\//);
      const synced = find(new RegExp(`${call}\\(\\d+<[^>]*timestamps/[0-9a-f]{64}`));
      // Its type, 1, as a little-endian word.
      const sent = find(/send\w+\(.*iov_base="\\1\\0\\0\\0/);
      expect(written).toBeGreaterThanOrEqual(0);
      expect(synced).toBeGreaterThan(written);
      expect(sent).toBeGreaterThan(synced);
    }
  }, 60_000);
});

describeWith(['root', 'unshare'], 'if nothing can be written', () => {
  const readOnly = [
    'unshare',
    '-m',
    'sh',
    '-c',
    'mount -t tmpfs -o ro tmpfs state && exec "$@"',
    'sh',
  ];

  itInRelease(
    'causes one warning, and the message is sent',
    async () => {
      mkdirSync(state);
      const { code, stderr } = await run(['send', 'hello', '--log-format', 'json'], {
        prefix: readOnly,
      });
      expect(code).toBe(0);
      const [line, ...more] = stderr.split('\n');
      expect(more.join('\n')).toBe(SENT.stderr);
      expect(JSON.parse(line!)).toMatchObject({
        level: 'warn',
        reason: 'the file system is read-only',
        path: join(state, 'timestamps', nameOfKey()),
        msg: expect.stringMatching(/^cannot save the time of the last handshake; /) as string,
      });
    },
    60_000,
  );

  itInRelease(
    'does not affect the emulator, which stores no timestamps',
    async () => {
      mkdirSync(state);
      const other = processes.start(
        [
          ...readOnly,
          ...[process.execPath, ARCTUN, 'emulator', '--json'],
          ...['--api-listen', '127.0.0.1:0', '--arc-listen', '127.0.0.1:0'],
        ],
        { cwd: folder, env: { STATE_DIRECTORY: state } },
      );
      const [line] = await other.output(/^\{.*\}$/m);
      const { api, authKeyId, authKey } = JSON.parse(line) as Record<string, string>;
      const env = {
        ARCTUN_ENDPOINT: api,
        ARCTUN_AUTH_KEY_ID: authKeyId,
        ARCTUN_AUTH_KEY: authKey,
        ARCTUN_CONFIG: join(folder, 'other.json'),
      };
      expect((await run(['bootstrap', 'authkey'], { env })).code).toBe(0);
      expect(await run(['send', 'hello'], { env })).toMatchObject(SENT);
      other.kill();
      expect(await other.finished).toMatchObject({ code: 0, stderr: '' });
    },
    60_000,
  );
});
