/**
 * What survives a power loss: the real commands against the emulator, checked by the order of their
 * system calls. A file is synced before it gets its name, and its folder before anything depends on
 * it.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { FileTrace } from '../support/file-calls.js';
import { ARCTUN, Processes } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;

const JOURNAL = '.arc.json.bootstrap';

/** A probe that the target folder accepts a new file. */
const PROBE = [
  'create .arc.json.*.tmp 0600',
  'chmod .arc.json.*.tmp 0600',
  'write .arc.json.*.tmp',
  'sync .arc.json.*.tmp',
  'unlink .arc.json.*.tmp',
];

const NEW_ARC_JSON = [...PROBE.slice(0, 4), 'rename .arc.json.*.tmp arc.json', 'sync .'];

const NEW_JOURNAL = [
  `create ${JOURNAL}.*.tmp 0600`,
  `chmod ${JOURNAL}.*.tmp 0600`,
  `write ${JOURNAL}.*.tmp`,
  `sync ${JOURNAL}.*.tmp`,
  `link ${JOURNAL}.*.tmp ${JOURNAL}`,
  `unlink ${JOURNAL}.*.tmp`,
  'sync .',
];

/** The same with hard links refused, as by FAT and some network file systems. */
const NEW_JOURNAL_WITHOUT_LINKS = [
  ...NEW_JOURNAL.slice(0, 4),
  `link ${JOURNAL}.*.tmp ${JOURNAL} EPERM`,
  `create ${JOURNAL} 0600`,
  `chmod ${JOURNAL} 0600`,
  `write ${JOURNAL}`,
  `sync ${JOURNAL}`,
  ...NEW_JOURNAL.slice(5),
];

const JOURNAL_STEP = [`write ${JOURNAL}`, `sync ${JOURNAL}`];
const JOURNAL_END = [`unlink ${JOURNAL}`, 'sync .'];

/** Runs a command; returns its operations in its folder and its API calls, in order. */
async function trace(parameters: readonly string[], refused?: string): Promise<string[]> {
  const traced = new FileTrace(refused);
  try {
    const command = traced.wrap([process.execPath, ARCTUN, ...parameters]);
    const env = { ...emulator.env, STATE_DIRECTORY: join(folder, 'state') };
    expect(await processes.run(command, { cwd: folder, env })).toMatchObject({ code: 0 });
    return traced.calls(folder).map((call) => call.replace(/\/sims\/\d+/, '/sims/ID'));
  } finally {
    traced.close();
  }
}

function publicKey(): string {
  return (JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as { publicKey: string })
    .publicKey;
}

describeWith(['strace'], 'a power loss at any moment', () => {
  beforeAll(async () => {
    emulator = await startEmulatorProcess(processes);
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-power-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  afterAll(() => processes.close());

  it('during bootstrap authkey loses no SIM and no key', async () => {
    expect(await trace(['bootstrap', 'authkey'])).toEqual([
      ...PROBE,
      'POST /v1/auth',
      ...NEW_JOURNAL,
      'POST /v1/sims',
      ...JOURNAL_STEP,
      ...NEW_ARC_JSON,
      ...JOURNAL_END,
      'POST /v1/auth/logout',
    ]);
  }, 60_000);

  it('during bootstrap authkey --own-key loses none either: the key is on the disk before SORACOM has it', async () => {
    expect(await trace(['bootstrap', 'authkey', '--own-key'])).toEqual([
      ...PROBE,
      'POST /v1/auth',
      ...NEW_JOURNAL,
      'POST /v1/sims',
      ...JOURNAL_STEP,
      ...NEW_ARC_JSON,
      ...JOURNAL_STEP,
      'PUT /v1/sims/ID/credentials/arc',
      ...NEW_ARC_JSON,
      'POST /v1/sims/ID/sessions/arc',
      ...NEW_ARC_JSON,
      ...JOURNAL_END,
      'POST /v1/auth/logout',
    ]);
  }, 60_000);

  it('during a second bootstrap and sim renew-key leaves an arc.json that works', async () => {
    await trace(['bootstrap', 'authkey']);
    const first = publicKey();
    expect(await trace(['bootstrap', 'authkey'])).toEqual([
      ...PROBE,
      'POST /v1/auth',
      'POST /v1/sims/ID/sessions/arc',
      ...NEW_ARC_JSON,
      'POST /v1/auth/logout',
    ]);
    expect(publicKey()).toBe(first);
    expect(await trace(['sim', 'renew-key'])).toEqual([
      ...PROBE,
      'POST /v1/auth',
      ...NEW_JOURNAL,
      'PUT /v1/sims/ID/credentials/arc',
      ...NEW_ARC_JSON,
      'POST /v1/sims/ID/sessions/arc',
      ...NEW_ARC_JSON,
      ...JOURNAL_END,
      'POST /v1/auth/logout',
    ]);
    expect(publicKey()).not.toBe(first);
  }, 120_000);

  it('loses nothing if the file system refuses hard links', async () => {
    expect(await trace(['bootstrap', 'authkey'], '?link,linkat:error=EPERM')).toEqual([
      ...PROBE,
      'POST /v1/auth',
      ...NEW_JOURNAL_WITHOUT_LINKS,
      'POST /v1/sims',
      ...JOURNAL_STEP,
      ...NEW_ARC_JSON,
      ...JOURNAL_END,
      'POST /v1/auth/logout',
    ]);
    expect(existsSync(join(folder, JOURNAL))).toBe(false);
  }, 60_000);
});
