/**
 * `bootstrap authkey` with an external failure: the disk, the folder, the network, SORACOM. Checks
 * the state after each, the next run, and that there is never one SIM too many.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
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
import {
  type EmulatedFault,
  type EmulatorProcess,
  startEmulatorProcess,
} from '../../support/emulator-process.js';
import { ARCTUN, Processes, type Finished } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { atLength } from '../../support/runner/tier.js';
import { until } from '../../support/until.js';

const processes = new Processes();
const rows: string[] = [];
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
  process.stdout.write(`\nbootstrap authkey, with faults\n${rows.join('')}`);
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

/** The row of the matrix: how the run ended, the state it left, how the next one ended. */
function row(name: string, parts: readonly string[]): void {
  rows.push(`  ${name}: ${parts.join(' → ')}\n`);
}

async function left(run: Finished, cwd = folder): Promise<string> {
  const files = existsSync(cwd) ? readdirSync(cwd).filter((name) => name !== 'state') : [];
  return `exit ${run.code}, ${(await livingSims()).length} SIM, files: ${files.join(' ') || 'none'}`;
}

/** A failure may print only sentences. */
function expectSentence({ stderr }: Finished): void {
  expect(stderr).toMatch(/^Error: \S/);
  expect(stderr).not.toMatch(/^ +at /m);
}

/** Some of the cases, which differ only in the fault: `npm run test:release` runs all of them. */
function some<T>(cases: readonly T[]): readonly T[] {
  return atLength({ short: [cases[0]!, cases.at(-1)!], long: cases });
}

describe('a refusal by SORACOM before a SIM exists', () => {
  it.each(
    some<[string, EmulatedFault]>([
      ['401', { status: 401, body: { code: 'AUM0002', message: 'no' } }],
      ['403', { status: 403, body: { code: 'X0403', message: 'no' } }],
      ['429 with Retry-After', { retryAfter: 0 }],
      ['the connection cut before', { cut: 'before' }],
    ]),
  )(
    '%s: nothing is created, and the next run creates one',
    async (name, fault) => {
      await emulator.fault({ operation: 'createSim', times: 5, ...fault });
      const first = await bootstrap();
      expect(first.code).toBe(4);
      expectSentence(first);
      expect(await livingSims()).toEqual([]);
      const after = await left(first);
      await emulator.clearFaults();
      const second = await bootstrap(name.startsWith('the connection') ? ['--create-another'] : []);
      expect(second).toMatchObject({ code: 0 });
      const [sim, ...others] = await livingSims();
      expect(others).toEqual([]);
      expect(publicKeyIn(join(folder, 'arc.json'))).toBe(sim?.publicKey);
      row(`createSim: ${name}`, [after, await left(second)]);
    },
    60_000,
  );

  it('calls createSim once, whatever the answer is', async () => {
    await emulator.fault({ operation: 'createSim', times: 5, status: 503 });
    const before = (await emulator.calls()).length;
    await bootstrap();
    const calls = (await emulator.calls()).slice(before);
    expect(calls.filter((call) => call === 'POST /v1/sims')).toHaveLength(1);
  }, 60_000);
});

describe('an answer from SORACOM that is lost after the SIM was created', () => {
  it.each(
    some<[string, EmulatedFault]>([
      ['the connection cut', { cut: 'after' }],
      ['the answer broken off', { cut: 'within' }],
      ['a 500', { status: 500, carryOut: true }],
      ['a 502 of a gateway', { status: 502, carryOut: true, body: '<html>bad gateway</html>' }],
      ['garbage', { garbage: true, carryOut: true }],
    ]),
  )(
    '%s: the next run reports the SIM, and adopts it on request',
    async (name, fault) => {
      await emulator.fault({ operation: 'createSim', ...fault });
      const first = await bootstrap();
      expect(first.code).toBe(4);
      expectSentence(first);
      expect(first.stderr).toContain('a billed SIM may already exist');
      const [sim, ...others] = await livingSims();
      expect(others).toEqual([]);
      const after = await left(first);

      const second = await bootstrap();
      expect(second.code).toBe(1);
      expect(second.stderr).toContain(`--adopt ${sim!.simId}`);
      expect(await livingSims()).toHaveLength(1);
      const undecided = await left(second);

      const third = await bootstrap(['--adopt', sim!.simId]);
      expect(third).toMatchObject({ code: 0 });
      const [adopted, ...more] = await livingSims();
      expect(more).toEqual([]);
      expect(publicKeyIn(join(folder, 'arc.json'))).toBe(adopted?.publicKey);
      expect(adopted?.publicKey).not.toBe(sim!.publicKey);
      row(`createSim: ${name}`, [after, undecided, await left(third)]);
    },
    60_000,
  );
});

describe('a failure of SORACOM at another call', () => {
  it.each(
    some<[string, EmulatedFault, number]>([
      ['auth', { status: 401, times: 9 }, 4],
      ['auth', { garbage: true, times: 9 }, 4],
      ['logout', { status: 403 }, 0],
      ['logout', { cut: 'before' }, 0],
    ]),
  )(
    '%s %j',
    async (operation, fault, code) => {
      await emulator.fault({ operation, ...fault });
      const run = await bootstrap();
      expect(run.code).toBe(code);
      expect(await livingSims()).toHaveLength(code === 0 ? 1 : 0);
      row(`${operation}: ${JSON.stringify(fault)}`, [await left(run)]);
    },
    60_000,
  );

  it('the renewal of --own-key: the SIM works, and the next run finishes it', async () => {
    await emulator.fault({ operation: 'renewArcSimCredentials', cut: 'after', times: 9 });
    const first = await bootstrap(['--own-key']);
    expect(first.code).toBe(4);
    expectSentence(first);
    await emulator.clearFaults();
    const after = await left(first);
    const second = await bootstrap();
    expect(second).toMatchObject({ code: 0 });
    const [sim, ...others] = await livingSims();
    expect(others).toEqual([]);
    expect(publicKeyIn(join(folder, 'arc.json'))).toBe(sim?.publicKey);
    row('renewArcSimCredentials: the connection cut', [after, await left(second)]);
  }, 60_000);
});

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

  it.each([
    ['for anything', 'size=4k'],
    ['for the journal', 'size=60k'],
  ])(
    'is full %s: nothing is created',
    (name, options) =>
      inMount(options, async () => {
        const run = await bootstrap([], mount);
        expect(run.code).toBe(1);
        expectSentence(run);
        expect(run.stderr).toContain('no space left');
        expect(await livingSims()).toEqual([]);
        row(`a disk too full ${name}`, [await left(run, mount)]);
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
        const after = await left(first, mount);

        const second = await bootstrap([], mount);
        expect(second.code).toBe(1);
        expect(await livingSims()).toHaveLength(1);

        execFileSync('mount', ['-o', 'remount,size=1m', mount]);
        const third = await bootstrap([], mount);
        expect(third).toMatchObject({ code: 0 });
        expect(third.stderr).toContain(sim!.simId);
        expect(publicKeyIn(join(mount, 'arc.json'))).toBe(sim!.publicKey);
        expect(await livingSims()).toHaveLength(1);
        row('a disk too full for arc.json', [
          after,
          await left(second, mount),
          await left(third, mount),
        ]);
      }),
    60_000,
  );

  it(
    'is read-only: nothing is created',
    () =>
      inMount('ro,size=1m', async () => {
        const run = await bootstrap([], mount);
        expect(run.code).toBe(6);
        expect(await livingSims()).toEqual([]);
        row('a read-only mount', [await left(run, mount)]);
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
  it('leaves the key in the state folder, and the next run reports it', async () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    await emulator.fault({ operation: 'createSim', delayMs: 6000 });
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
    row('a folder that vanishes', [await left(first, home), await left(second, home)]);
  }, 60_000);

  it('prints the arc.json if the state folder cannot be written either', async () => {
    const home = join(folder, 'home');
    mkdirSync(home);
    // A file in its place: no folder can be created there.
    execFileSync('sh', ['-c', `: > '${join(folder, 'state')}'`]);
    await emulator.fault({ operation: 'createSim', delayMs: 6000 });
    const callsBefore = (await emulator.calls()).length;
    const running = bootstrap([], home);
    await createSimCalled(callsBefore);
    renameSync(home, join(folder, 'elsewhere'));
    const run = await running;
    expect(run.code).toBe(1);
    const [sim] = await livingSims();
    expect(JSON.parse(run.stdout)).toMatchObject({ simId: sim!.simId, publicKey: sim!.publicKey });
    row('and no state folder', ['arc.json on standard output']);
  }, 60_000);
});

describe('two runs at once', () => {
  it('create one SIM', async () => {
    await emulator.fault({ operation: 'createSim', delayMs: 6000 });
    const first = bootstrap();
    await until(() => existsSync(join(folder, '.arc.json.bootstrap')));
    // The first run then waits until the second one has ended, even on a slow machine.
    emulator.process.kill('SIGSTOP');
    const second = await bootstrap().finally(() => emulator.process.kill('SIGCONT'));
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/process \d+ is already using it/);
    expect(await first).toMatchObject({ code: 0 });
    expect(await livingSims()).toHaveLength(1);
    row('two runs at once', ['one ends with 1, the other with 0', '1 SIM']);
  }, 60_000);
});

describeWith(['root'], 'an arc.json that may not be written', () => {
  it('leaves its new session in the state folder', async () => {
    expect(await bootstrap()).toMatchObject({ code: 0 });
    const before = readFileSync(join(folder, 'arc.json'), 'utf8');
    chmodSync(join(folder, 'arc.json'), 0o400);
    // Its folder is read-only for an unprivileged user, because root would not be refused.
    execFileSync('mount', ['--bind', join(folder, 'arc.json'), join(folder, 'arc.json')]);
    try {
      const run = await bootstrap();
      expect(run).toMatchObject({ code: 0 });
      expect(run.stderr).toContain(join(folder, 'state', 'session-'));
      expect(readFileSync(join(folder, 'arc.json'), 'utf8')).toBe(before);
      row('an arc.json that is a mount of its own', [await left(run)]);
    } finally {
      execFileSync('umount', [join(folder, 'arc.json')]);
    }
  }, 60_000);
});
