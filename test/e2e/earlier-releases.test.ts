/**
 * The files of earlier releases, as test/support/releases/write-files.sh has written them, read by
 * this version; and files with members of a later version.
 */
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadArcConfig } from '../../src/app/config/load-arc-config.js';
import { SimJournal } from '../../src/app/bootstrap/sim-journal.js';
import { formatArcConfig } from '../../src/arc-config/format-arc-config.js';
import { formatKey } from '../../src/arc-config/value-syntax.js';
import { systemFiles } from '../../src/system/files/files.js';
import { systemJournals } from '../../src/system/files/journal.js';
import { createTimestampStore } from '../../src/system/files/timestamps.js';
import { createTrafficStore } from '../../src/system/files/traffic.js';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { RecordingLog } from '../support/fakes/recording-log.js';
import { ARCTUN, type Finished, Processes, REPOSITORY } from '../support/processes.js';

const RELEASES = `${REPOSITORY}test/support/releases/`;
const VERSIONS = readdirSync(RELEASES).filter((name) => /^\d/.test(name));

interface ArcJson {
  readonly simId: string;
  readonly privateKey: string;
  readonly arcSessionStatus: { readonly arcServerPeerPublicKey: string };
}

it('exist since the first release', () => {
  expect(VERSIONS).toContain('0.1.0');
});

describe.each(VERSIONS)('the files of %s', (version) => {
  const processes = new Processes();
  let emulator: EmulatorProcess;
  let folder: string;
  let log: RecordingLog;
  let arcJson: ArcJson;

  beforeAll(async () => {
    emulator = await startEmulatorProcess(processes);
  }, 60_000);
  afterAll(() => processes.close());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-release-'));
    cpSync(RELEASES + version, folder, { recursive: true });
    // Git does not store modes.
    for (const path of all('')) chmodSync(path, 0o600);
    log = new RecordingLog();
    arcJson = JSON.parse(text('arc.json')) as ArcJson;
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** The paths of the files whose paths contain a text. */
  function all(part: string): string[] {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => path.slice(folder.length).includes(part));
  }
  const text = (part: string) => readFileSync(all(part)[0]!, 'utf8');
  const load = () =>
    loadArcConfig(join(folder, 'arc.json'), {
      files: systemFiles,
      stateFolder: join(folder, 'state'),
    });
  const arctun = (...parameters: readonly string[]): Promise<Finished> =>
    processes.run([process.execPath, ARCTUN, ...parameters], {
      cwd: folder,
      env: { ...emulator.env, STATE_DIRECTORY: join(folder, 'state') },
    });
  const journal = (name: string) => {
    cpSync(join(folder, `${name}.bootstrap`), join(folder, '.arc.json.bootstrap'));
    return SimJournal.open(systemJournals, join(folder, 'arc.json'));
  };

  it('contain a configuration that is written back unchanged', async () => {
    const { original } = await load();
    expect(formatArcConfig(original)).toBe(text('arc.json'));
    expect(original).toMatchObject({ simId: arcJson.simId });
    expect(await arctun('config', 'validate')).toMatchObject({ code: 0 });
  }, 60_000);

  it('contain a renewed session, which replaces that of the configuration', async () => {
    const { arcSessionStatus: newer } = JSON.parse(text('session-')) as ArcJson;
    const { config, original } = await load();
    const key = ({ arcSessionStatus: session }: typeof config) =>
      formatKey(session?.arcServerPeerPublicKey ?? new Uint8Array());
    expect(key(config)).toBe(newer.arcServerPeerPublicKey);
    expect(key(original)).toBe(arcJson.arcSessionStatus.arcServerPeerPublicKey);
    expect(key(config)).not.toBe(key(original));
  });

  it('contain the time of the last handshake', async () => {
    const [path = ''] = all('timestamps');
    const name = path.slice(path.lastIndexOf('/') + 1);
    const { last } = await createTimestampStore(join(folder, 'state'), log).open(
      Buffer.from(name, 'hex'),
    );
    // A block is a line such as `@400000006…`; the newer of the two blocks counts.
    const times = readFileSync(path, 'latin1').match(/@[0-9a-f]{24}/g) ?? [];
    expect(`@${Buffer.from(last!).toString('hex')}`).toBe(times.sort().at(-1));
    expect(log.lines).toEqual([]);
  });

  it('contain the traffic by day', async () => {
    const { days } = JSON.parse(text('traffic')) as { days: object };
    expect(Object.keys(days)).toHaveLength(1);
    expect(await createTrafficStore(join(folder, 'state'), log).read(arcJson.simId)).toEqual(days);
    expect(log.lines).toEqual([]);
  });

  it('contain journals, which the next run continues', async () => {
    const create = (await journal('create-sim')).progress.createSim;
    expect(create).toMatchObject({ step: 'create-sim', clock: 'platform', ownKey: false });
    const renew = (await journal('renew-key')).progress.renewKey;
    expect(renew).toMatchObject({ step: 'renew-key', simId: arcJson.simId });
    expect(Buffer.from(renew!.privateKey, 'base64')).toHaveLength(32);
  });

  it('never cause a second SIM, because the journal names another account', async () => {
    cpSync(join(folder, 'create-sim.bootstrap'), join(folder, '.arc.json.bootstrap'));
    rmSync(join(folder, 'arc.json'));
    const { code, stderr } = await arctun('bootstrap', 'authkey');
    expect(code).toBe(1);
    expect(stderr).toContain('an earlier run, which did not finish, requested a SIM');
    expect(await emulator.calls()).not.toContain('POST /v1/sims');
    expect(all('.arc.json.bootstrap')).toHaveLength(1);
  }, 60_000);

  it('may contain members of a later version, which are ignored, and kept in arc.json', async () => {
    const before = await load();
    for (const path of [...all('arc.json'), ...all('session-'), ...all('traffic')])
      writeFileSync(path, JSON.stringify(withUnknown(JSON.parse(readFileSync(path, 'utf8')))));
    const { config, original } = await load();
    const session = (loaded: typeof config) => ({ ...loaded.arcSessionStatus, unknownKeys: [] });
    expect(session(config)).toEqual(session(before.config));
    const written = JSON.parse(formatArcConfig(original)) as Record<string, object>;
    expect(written).toMatchObject({ ...UNKNOWN, arcSessionStatus: UNKNOWN });
    const traffic = createTrafficStore(join(folder, 'state'), log);
    expect(Object.keys(await traffic.read(arcJson.simId))).toHaveLength(1);
    const path = join(folder, 'renew-key.bootstrap');
    const line = readFileSync(path, 'utf8').replace('"step":', '"ofLater":1,"step":').trimEnd();
    writeFileSync(path, `${line}\n`);
    expect((await journal('renew-key')).line).toBe('renew-key');
    // A run must not guess what an entry of a later version means.
    writeFileSync(path, `${line.replace('"renew-key"', '"of-later"')}\n`);
    await expect(journal('renew-key')).rejects.toMatchObject({
      what: expect.any(String) as string,
    });
    expect(readFileSync(join(folder, '.arc.json.bootstrap'), 'utf8')).toContain('of-later');
  });
});

const UNKNOWN = { ofLater: { a: [1] } };

/** Adds an unknown member to an object and to those in it, except to the table of days. */
function withUnknown(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [
    name,
    name === 'days' ? member : withUnknown(member),
  ]);
  return { ...Object.fromEntries(members), ...UNKNOWN };
}
