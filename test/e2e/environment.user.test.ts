/** How the command reads the environment before anything else runs. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { ARCTUN, type Finished, Processes } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const processes = new Processes();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-environment-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(() => processes.close());

describeWith(['root', 'setpriv'], 'a user ID without a passwd entry', () => {
  /** With only these variables in the environment. */
  function run(parameters: readonly string[], variables: readonly string[]): Promise<Finished> {
    const user = ['setpriv', '--reuid=1987654321', '--regid=1987654321', '--clear-groups'];
    const environment = ['env', '-i', `PATH=${dirname(process.execPath)}:/usr/bin:/bin`];
    const command = [...user, ...environment, ...variables, process.execPath, ARCTUN];
    chmodSync(folder, 0o777);
    return processes.run([...command, ...parameters], { cwd: folder });
  }

  describe.each([
    ['with only HOME', ['HOME=/tmp']],
    ['with only SHELL', ['SHELL=/bin/sh']],
    ['without both', []],
  ])('%s', (_, variables) => {
    it('runs', async () => {
      const { code, stdout, stderr } = await run(['version'], variables);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('"version"');
    }, 60_000);

    it('fails because it finds no home folder, without another error', async () => {
      const noProfile = await run(['sim', 'list', '--profile', 'absent'], variables);
      expect(noProfile.stderr).toContain('.soracom/absent.json');
      expect(noProfile.stderr).not.toContain('SystemError');
      const noFile = await run(['send', 'hello'], variables);
      expect(noFile).toMatchObject({ code: 3, stdout: '' });
      expect(noFile.stderr).not.toContain('SystemError');
    }, 60_000);
  });

  it('uses / as its home, where no other user can create a profile', async () => {
    const { stderr } = await run(['sim', 'list', '--profile', 'absent'], []);
    expect(stderr).toMatch(/ \/+\.soracom\/absent\.json/);
  }, 60_000);

  it('keeps the configured home', async () => {
    const { stderr } = await run(['sim', 'list', '--profile', 'absent'], [`HOME=${folder}`]);
    expect(stderr).toContain(`${folder}/.soracom/absent.json`);
  }, 60_000);
});

describe('DEBUG', () => {
  let emulator: EmulatorProcess;

  beforeAll(async () => {
    emulator = await startEmulatorProcess(processes);
  }, 60_000);

  it.each(['*', 'oclif*', 'follow-redirects'])(
    '%s prints nothing',
    async (DEBUG) => {
      const { ARCTUN_ENDPOINT, ARCTUN_AUTH_KEY_ID, ARCTUN_AUTH_KEY } = emulator.env;
      const signIn = ['--auth-key-id', ARCTUN_AUTH_KEY_ID!, '--auth-key', ARCTUN_AUTH_KEY!];
      const command = [process.execPath, ARCTUN, 'bootstrap', 'authkey', ...signIn];
      const env = { DEBUG, ARCTUN_ENDPOINT };
      const { code, stdout, stderr } = await processes.run(command, { cwd: folder, env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).not.toContain(ARCTUN_AUTH_KEY);
    },
    60_000,
  );
});
