/**
 * `bootstrap authkey` with an external failure: the disk, the folder, the network, SORACOM. Checks
 * the state after each, the next run, and that there is never one SIM too many.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmulatorProcess, startEmulatorProcess } from '../../support/emulator-process.js';
import { ARCTUN, Processes, type Finished } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { until } from '../../support/until.js';
import { itInRelease } from '../../support/runner/tier.js';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-faults-'));
});
afterEach(async () => {
  await emulator.clearFaults();
  for (const { simId } of await livingSims()) await emulator.terminate(simId);
  rmSync(folder, { recursive: true, force: true });
});
afterAll(async () => {
  await processes.close();
});

function bootstrap(parameters: readonly string[] = [], cwd = folder): Promise<Finished> {
  return processes.run([process.execPath, ARCTUN, 'bootstrap', 'authkey', ...parameters], {
    cwd,
    env: { ...emulator.env, STATE_DIRECTORY: join(folder, 'state') },
  });
}

async function livingSims() {
  return (await emulator.sims()).filter(({ status }) => status !== 'terminated');
}

function publicKeyIn(path: string): string {
  return (JSON.parse(readFileSync(path, 'utf8')) as { publicKey: string }).publicKey;
}

/** A failure may print only sentences. */
function expectSentence({ stderr }: Finished): void {
  expect(stderr).toMatch(/^Error: \S/);
  expect(stderr).not.toMatch(/^ +at /m);
}

it('an answer of createSim that is lost: the next run reports the SIM, and adopts it on request', async () => {
  await emulator.fault({ operation: 'createSim', cut: 'after' });
  const first = await bootstrap();
  expect(first.code).toBe(4);
  expectSentence(first);
  expect(first.stderr).toContain('a billed SIM may already exist');
  const [sim, ...others] = await livingSims();
  expect(others).toEqual([]);

  const second = await bootstrap();
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`--adopt ${sim!.simId}`);
  expect(await livingSims()).toHaveLength(1);

  const third = await bootstrap(['--adopt', sim!.simId]);
  expect(third).toMatchObject({ code: 0 });
  const [adopted, ...more] = await livingSims();
  expect(more).toEqual([]);
  expect(publicKeyIn(join(folder, 'arc.json'))).toBe(adopted?.publicKey);
  expect(adopted?.publicKey).not.toBe(sim!.publicKey);
}, 60_000);

describeWith(['root'], 'a disk that fails', () => {
  let mount: string;
  beforeEach(() => {
    mount = join(folder, 'mount');
    mkdirSync(mount);
  });

  function mounted(options: string): void {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', mount]);
  }

  async function inMount(options: string, body: () => Promise<void>): Promise<void> {
    mounted(options);
    try {
      await body();
    } finally {
      execFileSync('umount', [mount]);
    }
  }

  itInRelease(
    'is full for the journal: nothing is created',
    () =>
      inMount('size=60k', async () => {
        const run = await bootstrap([], mount);
        expect(run.code).toBe(1);
        expectSentence(run);
        expect(run.stderr).toContain('no space left');
        expect(await livingSims()).toEqual([]);
      }),
    60_000,
  );

  it(
    'is full for arc.json, after the journal was allocated: the key is in the journal',
    () =>
      inMount('size=64k', async () => {
        const first = await bootstrap([], mount);
        expect(first.code).toBe(1);
        expectSentence(first);
        const [sim] = await livingSims();
        expect(first.stderr).toContain(`SIM ${sim!.simId} was created`);
        expect(readdirSync(mount)).toEqual(['.arc.json.bootstrap']);

        const second = await bootstrap([], mount);
        expect(second.code).toBe(1);
        expect(await livingSims()).toHaveLength(1);

        execFileSync('mount', ['-o', 'remount,size=1m', mount]);
        const third = await bootstrap([], mount);
        expect(third).toMatchObject({ code: 0 });
        expect(third.stderr).toContain(sim!.simId);
        expect(publicKeyIn(join(mount, 'arc.json'))).toBe(sim!.publicKey);
        expect(await livingSims()).toHaveLength(1);
      }),
    60_000,
  );
});

/**
 * Waits until SORACOM has the call: before it, a folder that vanishes ends the run with nothing
 * created.
 */
async function createSimCalled(callsBefore: number): Promise<void> {
  const isCalled = async () => {
    const calls = await emulator.calls();
    return calls.slice(callsBefore).includes('POST /v1/sims');
  };
  await until(isCalled);
}

describe('a folder that vanishes while the SIM is created', () => {
  itInRelease(
    'leaves the key in the state folder, and the next run reports it',
    async () => {
      const home = join(folder, 'home');
      mkdirSync(home);
      await emulator.fault({ operation: 'createSim', delayMs: 3000 });
      const callsBefore = (await emulator.calls()).length;
      const running = bootstrap([], home);
      await createSimCalled(callsBefore);
      renameSync(home, join(folder, 'elsewhere'));
      const first = await running;
      expect(first.code).toBe(1);
      expectSentence(first);
      const [sim] = await livingSims();
      const target = encodeURIComponent(join(home, 'arc.json'));
      const rescued = join(folder, 'state', `arc.json.${sim!.simId}.${target}.rescue`);
      expect(first.stderr).toContain(rescued);
      expect(publicKeyIn(rescued)).toBe(sim!.publicKey);

      mkdirSync(home);
      const second = await bootstrap([], home);
      expect(second.code).toBe(1);
      expect(second.stderr).toContain(rescued);
      expect(await livingSims()).toHaveLength(1);
    },
    60_000,
  );
});

describe('two runs at once', () => {
  itInRelease(
    'create one SIM',
    async () => {
      await emulator.fault({ operation: 'createSim', delayMs: 3000 });
      const first = bootstrap();
      await until(() => existsSync(join(folder, '.arc.json.bootstrap')));
      // The first run then waits until the second one has ended, even on a slow machine.
      emulator.process.kill('SIGSTOP');
      const second = await bootstrap().finally(() => emulator.process.kill('SIGCONT'));
      expect(second.code).toBe(1);
      expect(second.stderr).toMatch(/process \d+ is already using it/);
      expect(await first).toMatchObject({ code: 0 });
      expect(await livingSims()).toHaveLength(1);
    },
    60_000,
  );
});
