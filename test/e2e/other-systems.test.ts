/** arctun as on macOS and Windows, as far as Node.js on Linux can pretend to be there. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { emulatorAt } from '../support/emulator-process.js';
import { ARCTUN, Processes, REPOSITORY } from '../support/processes.js';
import { itInRelease } from '../support/runner/tier.js';

const PRETEND = pathToFileURL(`${REPOSITORY}test/support/other-systems/pretend.js`).href;
const LOAD_MODULES = `${REPOSITORY}test/support/other-systems/load-modules.js`;
const FREE_PORTS = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];

const processes = new Processes();
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'arctun-systems-'))));
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(() => processes.close());

describe.each(['darwin', 'win32'])('on %s', (platform) => {
  const options = (env: NodeJS.ProcessEnv = {}) => ({
    cwd: folder,
    env: {
      NODE_OPTIONS: `--import=${PRETEND}`,
      PRETENDED_PLATFORM: platform,
      ARCTUN_CONFIG: join(folder, 'arc.json'),
      STATE_DIRECTORY: join(folder, 'state'),
      ...env,
    },
  });
  const arctun = (words: readonly string[], env?: NodeJS.ProcessEnv) =>
    processes.run([process.execPath, ARCTUN, ...words], options(env));

  it('loads each module without access to Linux, sockets or other programs', async () => {
    const { code, stdout, stderr } = await processes.run(
      [process.execPath, LOAD_MODULES],
      options(),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { modules, accesses } = JSON.parse(stdout) as { modules: number; accesses: string[] };
    expect(accesses).toEqual([]);
    expect(modules).toBeGreaterThan(500);
  }, 60_000);

  itInRelease('prints its version and help', async () => {
    expect((await arctun(['--version'])).stdout).toContain(` ${platform}-`);
    expect(await arctun(['version'])).toMatchObject({ code: 0, stderr: '' });
    expect((await arctun(['up', '--help'])).stdout).toContain('--proxy-listen');
  });

  it('delivers the messages of the demo', async () => {
    const demo = [process.execPath, `${REPOSITORY}tools/demo.js`];
    const { code, stdout } = await processes.run(demo, options({ TMPDIR: folder }));
    expect(stdout).toMatch(/201 Created[^]*201 Created[^]*Delivered/);
    expect(code).toBe(0);
  }, 60_000);

  itInRelease('refuses a network interface with the reason', async () => {
    const emulator = await emulate();
    expect((await arctun(['bootstrap', 'authkey'], emulator.env)).code).toBe(0);
    const { code, stderr } = await arctun(['up', '--mode', 'tun']);
    expect(stderr).toContain('needs Linux');
    expect(code).not.toBe(0);
  });

  itInRelease(
    'creates a valid arc.json, and finds a running tunnel only with Unix sockets',
    async () => {
      const emulator = await emulate();
      expect((await arctun(['bootstrap', 'authkey'], emulator.env)).code).toBe(0);
      expect(await arctun(['config', 'validate'])).toMatchObject({ code: 0 });
      const { interface: name } = JSON.parse(readFileSync(join(folder, 'arc.json'), 'utf8')) as {
        interface: string;
      };
      expect(name).toBe(platform === 'darwin' ? 'utun' : 'soratun0');

      const words = [process.execPath, ARCTUN, 'up', '--mode', 'userspace', ...FREE_PORTS];
      const up = processes.start(words, options());
      await up.output(/forwards to/);
      const status = await arctun(['status']);
      if (platform === 'win32') {
        expect(up.stderr).toContain('cannot create the control socket');
        expect(up.stderr).toContain('this system does not support Unix sockets');
        expect(status.stdout).not.toContain('userspace');
        expect(await arctun(['health'])).toMatchObject({ code: 1 });
        expect(readdirSync(join(folder, 'state'))).not.toContain('run');
      } else {
        expect(up.stderr).not.toContain('control socket');
        expect(status.stdout).toContain('(userspace)');
      }
      up.kill();
      await up.finished;
    },
    60_000,
  );

  async function emulate() {
    const ports = ['--api-listen', '127.0.0.1:0', '--arc-listen', '127.0.0.1:0'];
    const words = [process.execPath, ARCTUN, 'emulator', ...ports, '--json'];
    return emulatorAt(processes.start(words, options()));
  }
});
