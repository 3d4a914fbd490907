/** `bootstrap authkey` that is stopped while it creates a SIM, and whose messages cannot be written. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type EmulatorProcess, startEmulatorProcess } from '../../support/emulator-process.js';
import { ARCTUN, Processes, type TestProcess } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { until } from '../../support/until.js';
import { atLength, itInRelease } from '../../support/runner/tier.js';

/** How long SORACOM's response takes, so that the signal arrives before it. */
const ANSWER_DELAY = 6_000;

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-closed-'));
  await emulator.fault({ operation: 'createSim', delayMs: ANSWER_DELAY, carryOut: true });
});
afterEach(async () => {
  await emulator.clearFaults();
  for (const { simId } of await livingSims()) await emulator.terminate(simId);
  rmSync(folder, { recursive: true, force: true });
});
afterAll(() => processes.close());

const COMMAND = [process.execPath, ARCTUN, 'bootstrap', 'authkey'];
const SEVERAL = ['--count', '2', '--name-prefix', 's-', '--output-folder', 'sims', '--yes'];

function start(command: readonly string[]): TestProcess {
  const env = { ...emulator.env, STATE_DIRECTORY: join(folder, 'state'), TERM: 'xterm' };
  return processes.start(command, { cwd: folder, env, interactive: true });
}

async function livingSims() {
  return (await emulator.sims()).filter(({ status }) => status !== 'terminated');
}

/** Waits until SORACOM has created the SIM, but has not answered. */
function simCreated(): Promise<void> {
  return until(async () => (await livingSims()).length > 0);
}

async function expectKept(path: string): Promise<void> {
  const text = readFileSync(join(folder, path), 'utf8');
  const { simId, publicKey } = JSON.parse(text) as Record<string, string>;
  const sims = await livingSims();
  expect(sims).toHaveLength(1);
  expect({ simId, publicKey }).toEqual({ simId: sims[0]!.simId, publicKey: sims[0]!.publicKey });
}

it.each([
  ['several SIMs', SEVERAL, 'sims/s-1.json', 130] as const,
  ...atLength({ short: [], long: [['one SIM', [], 'arc.json', 0] as const] }),
])(
  'keeps the key if the reader of its messages has ended: %s',
  async (_, flags, path, exit) => {
    const run = start([...COMMAND, ...flags]);
    await simCreated();
    run.child.stderr!.destroy();
    run.kill('SIGINT');
    const { code } = await run.finished;
    await expectKept(path);
    expect(code).toBe(exit);
  },
  60_000,
);

itInRelease(
  'keeps the key if its messages do not fit on the disk',
  async () => {
    const command = COMMAND.map((word) => `'${word}'`).join(' ');
    const run = start(['sh', '-c', `exec ${command} 2> /dev/full`]);
    await simCreated();
    run.kill('SIGINT');
    const { code } = await run.finished;
    await expectKept('arc.json');
    expect(code).toBe(0);
  },
  60_000,
);

describeWith(['script'], 'a closed terminal', () => {
  itInRelease(
    'does not lose the key',
    async () => {
      const command = [...COMMAND, ...SEVERAL].map((word) => `'${word}'`).join(' ');
      const run = start(['script', '-qefc', command, '/dev/null']);
      await simCreated();
      // The reader of the terminal ends, and the terminal sends SIGHUP.
      run.kill('SIGKILL');
      const journal = join(folder, 'sims/.s-1.json.bootstrap');
      await until(() => !existsSync(journal));
      await expectKept('sims/s-1.json');
    },
    60_000,
  );
});
