/** The wizard of `bootstrap authkey` on a pseudo-terminal. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmulatorProcess, startEmulatorProcess } from '../../support/emulator-process.js';
import { ARCTUN, Processes, type TestProcess } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { itInRelease } from '../../support/runner/tier.js';

const CTRL_C = '\x03';
const ENTER = '\r';
const DOWN = '\x1b[B';
const ERASE = '\x15';

const processes = new Processes();
let emulator: EmulatorProcess;
let folder: string;
beforeAll(async () => {
  emulator = await startEmulatorProcess(processes);
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-wizard-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(() => processes.close());

/** Runs a command on a terminal; the terminal's output is returned as standard output. */
function onTerminal(parameters: readonly string[], env: NodeJS.ProcessEnv = {}): TestProcess {
  const command = [process.execPath, ARCTUN, ...parameters].map((word) => `'${word}'`).join(' ');
  return processes.start(['script', '-qefc', command, '/dev/null'], {
    cwd: folder,
    interactive: true,
    env: { TERM: 'xterm', STATE_DIRECTORY: join(folder, 'state'), ...env },
  });
}

/** The terminal's output without escape sequences. */
function shown({ stdout }: TestProcess): string {
  // eslint-disable-next-line no-control-regex -- they are what is taken away
  return stdout.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '');
}

const ID_QUESTION = /auth key ID \(starts with "keyId-"\)/;
const KEY_QUESTION = /auth key \(starts with "secret-"\)/;
const CONFIRM_QUESTION = /Create the SIM\? It will be billed until you terminate it/;
const COVERAGE_QUESTION = /Coverage type for the new virtual SIM/;

describeWith(['script'], 'the wizard', () => {
  it('asks for the keys, hides them, and creates a SIM', async () => {
    const run = onTerminal(['bootstrap', 'authkey', '--endpoint', emulator.api]);
    await run.output(/Not enough information to bootstrap\. Launching wizard\./);
    await run.output(ID_QUESTION);
    run.type(`keyId-emulator${ENTER}`);
    await run.output(KEY_QUESTION);
    run.type(`secret-emulator${ENTER}`);
    await run.output(CONFIRM_QUESTION);
    expect(shown(run)).toContain(
      `A virtual SIM will be created:\n  SORACOM API         ${emulator.api}`,
    );
    run.type(`y${ENTER}`);
    const { code } = await run.finished;
    expect(shown(run)).toMatch(/Virtual subscriber SIM ID: \d{19}\nCreated\/updated configuration/);
    expect(code).toBe(0);
    expect(shown(run)).not.toContain('secret-emulator');
    expect(shown(run)).not.toContain('keyId-emulator');
    expect(existsSync(join(folder, 'arc.json'))).toBe(true);
  }, 60_000);

  itInRelease(
    'asks again if a key begins with the wrong prefix',
    async () => {
      const run = onTerminal(['bootstrap', 'authkey', '--endpoint', emulator.api]);
      await run.output(ID_QUESTION);
      run.type(`secret-emulator${ENTER}`);
      await run.output(/An auth key ID starts with "keyId-"/);
      run.type(`${ERASE}keyId-emulator${ENTER}`);
      await run.output(KEY_QUESTION);
      run.type(`keyId-emulator${ENTER}`);
      await run.output(/An auth key starts with "secret-"/);
      run.type(`${ERASE}secret-emulator${ENTER}`);
      await run.output(CONFIRM_QUESTION);
      run.type(ENTER);
      // No is the default.
      expect(await run.finished).toMatchObject({ code: 1 });
      expect(shown(run)).toContain('no virtual SIM was created: you did not answer yes');
      expect(existsSync(join(folder, 'arc.json'))).toBe(false);
    },
    60_000,
  );

  itInRelease.each([
    ['first', 0],
    ['second', 1],
  ])(
    'exits with 130 at Ctrl-C at the %s question, and nothing is created',
    async (_name, answers) => {
      const before = await emulator.calls();
      const run = onTerminal(['bootstrap', 'authkey', '--endpoint', emulator.api]);
      await run.output(ID_QUESTION);
      if (answers > 0) {
        run.type(`keyId-emulator${ENTER}`);
        await run.output(KEY_QUESTION);
      }
      run.type(CTRL_C);
      const { code } = await run.finished;
      expect(shown(run)).toContain('Nothing was created or changed.');
      expect(code).toBe(130);
      expect(await emulator.calls()).toEqual(before);
      expect(existsSync(join(folder, 'arc.json'))).toBe(false);
    },
    60_000,
  );

  itInRelease(
    'exits with 143 at SIGTERM at a question, and nothing is created',
    async () => {
      const before = await emulator.calls();
      // The shell prints its process ID and becomes the command.
      const script = join(folder, 'run.sh');
      const words = [process.execPath, ARCTUN, 'bootstrap', 'authkey', '--endpoint', emulator.api];
      writeFileSync(script, `echo "pid=$$;"\nexec ${words.map((word) => `'${word}'`).join(' ')}\n`);
      const run = processes.start(['script', '-qefc', `sh '${script}'`, '/dev/null'], {
        cwd: folder,
        interactive: true,
        env: { TERM: 'xterm', STATE_DIRECTORY: join(folder, 'state') },
      });
      const [, pid] = await run.output(/pid=(\d+);/);
      await run.output(ID_QUESTION);
      process.kill(Number(pid), 'SIGTERM');
      const { code } = await run.finished;
      expect(shown(run)).toContain('stopped by SIGTERM');
      expect(code).toBe(143);
      expect(await emulator.calls()).toEqual(before);
    },
    60_000,
  );

  itInRelease(
    'offers Global coverage first, and Japan',
    async () => {
      const env = { ARCTUN_AUTH_KEY_ID: 'keyId-x', ARCTUN_AUTH_KEY: 'secret-x' };
      const run = onTerminal(['bootstrap', 'authkey'], {
        ...env,
        // No name is resolved: whatever is chosen, nothing listens there.
        HTTPS_PROXY: 'http://127.0.0.1:1',
      });
      await run.output(COVERAGE_QUESTION);
      await run.output(/Japan coverage \(api\.soracom\.io\)/);
      expect(shown(run)).toMatch(/❯ Global coverage \(g\.api\.soracom\.io\)\n +Japan coverage/);
      run.type(`${DOWN}${ENTER}`);
      const { code } = await run.finished;
      expect(shown(run)).toContain('cannot sign in to SORACOM: api.soracom.io');
      expect(code).toBe(4);
    },
    60_000,
  );

  it('asks nothing if standard input is not a terminal', async () => {
    const { code, stderr } = await processes.run(
      [process.execPath, ARCTUN, 'bootstrap', 'authkey', '--endpoint', emulator.api],
      { cwd: folder },
    );
    expect(code).toBe(2);
    expect(stderr).toContain('--auth-key-id');
    expect(stderr).not.toContain('wizard');
  }, 30_000);

  itInRelease(
    'lets the user adopt the SIM of a run that lost the answer',
    async () => {
      await emulator.fault({ operation: 'createSim', cut: 'after' });
      const parameters = ['bootstrap', 'authkey'];
      const lost = await processes.run([process.execPath, ARCTUN, ...parameters], {
        cwd: folder,
        env: emulator.env,
      });
      expect(lost.code).toBe(4);
      const run = onTerminal(parameters, emulator.env);
      const [, simId = ''] = await run.output(/Use SIM (\d{19})/);
      // Enter without an answer changes nothing.
      run.type(`${DOWN}${ENTER}`);
      const { code } = await run.finished;
      expect(code).toBe(0);
      const text = readFileSync(join(folder, 'arc.json'), 'utf8');
      const { publicKey } = JSON.parse(text) as { publicKey: string };
      const sims = await emulator.sims();
      expect(sims.find((sim) => sim.simId === simId)).toMatchObject({ publicKey });
    },
    60_000,
  );
});
