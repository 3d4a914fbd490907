/** `bootstrap authkey` by a user with only Sim:createSim and Sim:createArcSession. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, type Finished, Processes } from '../support/processes.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;

beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
}, 60_000);
afterAll(() => processes.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-permissions-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(parameters: readonly string[]): Promise<Finished> {
  return processes.run([process.execPath, ARCTUN, ...parameters], {
    cwd: folder,
    env: { ...emulator.minimalEnv, STATE_DIRECTORY: join(folder, 'state') },
  });
}

const bootstrap = (...parameters: string[]) => run(['bootstrap', 'authkey', ...parameters]);
const arcJson = () =>
  JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as {
    simId: string;
    privateKey: string;
  };

/** The SIMs that `action` creates. */
async function createdBy(action: () => Promise<void>): Promise<string[]> {
  const before = (await emulator.sims()).map(({ simId }) => simId);
  await action();
  const after = (await emulator.sims()).map(({ simId }) => simId);
  return after.filter((simId) => !before.includes(simId));
}

/** The calls that were refused during `action`. */
async function refusedDuring(action: () => Promise<void>): Promise<string[]> {
  const { length } = await emulator.requests();
  await action();
  return (await emulator.requests())
    .slice(length)
    .filter(({ status }) => status === 403)
    .map(({ method, path }) => `${method} ${path}`);
}

async function expectThatItSends(): Promise<void> {
  expect(existsSync(join(folder, '.arc.json.bootstrap'))).toBe(false);
  const { code, stderr } = await run(['send', 'hello']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'HTTP 201 Created\n' });
}

it('creates a SIM whose arc.json works', async () => {
  const refused = await refusedDuring(async () => {
    const created = await createdBy(async () => {
      expect(await bootstrap()).toMatchObject({ code: 0, stderr: '' });
    });
    expect(created).toEqual([arcJson().simId]);
  });
  expect(refused).toEqual([]);
  await expectThatItSends();
}, 120_000);

it('refreshes the session of that SIM', async () => {
  await bootstrap();
  const { simId, privateKey } = arcJson();
  const { length } = await emulator.calls();
  const created = await createdBy(async () => {
    expect(await bootstrap()).toMatchObject({ code: 0, stderr: '' });
  });
  expect(created).toEqual([]);
  const calls = (await emulator.calls()).slice(length);
  expect(calls).toContain(`POST /v1/sims/${simId}/sessions/arc`);
  expect(arcJson()).toMatchObject({ simId, privateKey });
  await expectThatItSends();
}, 120_000);

it.each([
  [['--name', 'sensor'], 'Sim:putSimTags'],
  [['--tag', 'site=osaka'], 'Sim:putSimTags'],
  [['--group', '00000000-0000-4000-8000-000000000000'], 'Sim:setSimGroup'],
])(
  '%j logs a warning that contains %s',
  async (parameters, permission) => {
    const created = await createdBy(async () => {
      const { code, stdout, stderr } = await bootstrap(...parameters);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Virtual subscriber SIM ID: \d+\n/);
      expect(stderr).toMatch(/^could not (set the tags of|add) SIM \d+ /);
      expect(stderr).toContain(permission);
    });
    expect(created).toHaveLength(1);
    await expectThatItSends();
  },
  120_000,
);

it('--own-key fails, reports Sim:renewArcSimCredentials, and leaves an arc.json that works', async () => {
  const created = await createdBy(async () => {
    const { code, stderr } = await bootstrap('--own-key');
    expect(code).toBe(4);
    expect(stderr).toContain('Sim:renewArcSimCredentials');
  });
  expect(created).toEqual([arcJson().simId]);
  await expectThatItSends();
  // The next run uses that SIM.
  expect(
    await createdBy(async () => {
      expect(await bootstrap()).toMatchObject({ code: 0, stderr: '' });
    }),
  ).toEqual([]);
  await expectThatItSends();
}, 120_000);
