/**
 * The single executable in a minimal root: it has only its libraries and is read-only, with an
 * unnamed user without any privilege.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { writeExecutable } from '../support/executable.js';
import { ARCTUN, type Finished, Processes, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const NOBODY = 65532;
const LISTEN = ['--forward-listen', '127.0.0.1:0', '--proxy-listen', '127.0.0.1:0'];

describeWith(
  ['linux', 'root', 'bwrap', 'setpriv', 'executable'],
  'the executable in an empty root',
  () => {
    const processes = new Processes();
    let folder: string;
    let emulator: EmulatorProcess;
    /** The command prefix that starts it there. */
    let root: string[];

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'arctun-standalone-'));
      chmodSync(folder, 0o755);
      mkdirSync(join(folder, 'run'), { mode: 0o700 });
      chownSync(join(folder, 'run'), NOBODY, NOBODY);
      await writeExecutable(join(folder, 'arctun'));
      emulator = await startEmulatorProcess(processes);
      const bootstrap = [process.execPath, ARCTUN, 'bootstrap', 'authkey'];
      const options = { cwd: folder, env: emulator.env };
      expect(await processes.run(bootstrap, options)).toMatchObject({ code: 0 });
      root = emptyRoot();
    }, 120_000);
    afterAll(async () => {
      await processes.close();
      rmSync(folder, { recursive: true });
    });

    function emptyRoot(): string[] {
      const program = join(folder, 'arctun');
      const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
      return [
        ...['setpriv', '--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'],
        ...['--no-new-privs', 'bwrap', '--unshare-all', '--share-net', '--as-pid-1'],
        ...['--cap-drop', 'ALL', '--die-with-parent', '--new-session', '--clearenv'],
        ...['--setenv', 'ARCTUN_CONFIG', readFileSync(join(folder, 'arc.json'), 'utf8')],
        ...libraries.flatMap((library) => ['--ro-bind', library, library]),
        ...['--ro-bind', program, '/arctun'],
      ];
    }

    /** Only the control socket needs a folder, as docs/reference/commands/health.md says. */
    function start(...words: string[]): TestProcess {
      const place = [
        '--bind',
        join(folder, 'run'),
        '/run',
        '--setenv',
        'RUNTIME_DIRECTORY',
        '/run',
      ];
      return processes.start([...root, ...place, '--remount-ro', '/', '/arctun', ...words]);
    }
    const run = (...words: string[]): Promise<Finished> => start(...words).finished;

    it('is minimal', async () => {
      const up = start('up', '--mode', 'userspace', '--json', ...LISTEN);
      await up.output(/^\{.*\}$/m);
      const pid = childOf(up);
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      expect(status).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
      expect(status).toMatch(/^CapEff:\t0+$/m);
      expect(status).toMatch(/^CapBnd:\t0+$/m);
      const mounts = readFileSync(`/proc/${pid}/mounts`, 'utf8');
      expect(mounts).toMatch(/^\S+ \/ \S+ ro,/m);
      const top = readdirSync(`/proc/${pid}/root`).filter((name) => !/^lib/.test(name));
      expect(top.sort()).toEqual(['arctun', 'run']);
      up.kill('SIGKILL');
      await up.finished;
    });

    it('opens a tunnel, carries a message, reports its status, and ends', async () => {
      const up = start('up', '--mode', 'userspace', '--json', ...LISTEN);
      const [line] = await up.output(/^\{.*\}$/m);
      const { forward, ...rest } = JSON.parse(line) as Record<string, string>;
      expect(rest).toMatchObject({ mode: 'userspace', endpoint: emulator.arc });
      const answer = await fetch(forward!, { method: 'POST', body: '"through up"' });
      expect(answer.status).toBe(201);
      const bodies = (await emulator.messages()).map(({ body }) => body);
      expect(bodies).toContain('"through up"');
      expect(await run('health')).toMatchObject({ code: 0, stdout: 'soratun0: up\n' });
      process.kill(childOf(up), 'SIGTERM');
      expect(await up.finished).toMatchObject({ code: 0 });
      expect(await run('health')).toMatchObject({ code: 1 });
    });

    it('runs the emulator, creates a SIM there, and manages it', async () => {
      const listen = ['--api-listen', '127.0.0.1:0', '--arc-listen', '127.0.0.1:0'];
      const platform = start('emulator', '--json', ...listen);
      const [ready] = await platform.output(/^\{.*\}$/m);
      const { api, authKeyId, authKey } = JSON.parse(ready) as Record<string, string>;
      const config = ['--config', '/run/own.json'];
      const key = ['--endpoint', api!, '--auth-key-id', authKeyId!, '--auth-key', authKey!];
      const made = await run('bootstrap', 'authkey', ...config, ...key, '--json');
      expect(made).toMatchObject({ code: 0 });
      const { simId } = JSON.parse(made.stdout) as { simId: string };
      const outputs = {
        'config validate': await run('config', 'validate', ...config),
        config: await run('config', ...config),
        'wg-config': await run('wg-config', ...config),
        'sim list': await run('sim', 'list', ...key),
        'sim show': await run('sim', 'show', ...config, ...key),
        'sim renew-key': await run('sim', 'renew-key', ...config, ...key),
        send: await run('send', '{"by":"own"}', ...config),
        'sim terminate': await run('sim', 'terminate', '--yes', ...config, ...key),
        version: await run('version'),
        completion: await run('completion', 'bash'),
      };
      const failed = Object.entries(outputs).filter(([, { code }]) => code !== 0);
      expect(failed).toEqual([]);
      expect(outputs['sim list'].stdout).toContain(simId);
      platform.kill('SIGKILL');
      await platform.finished;
    }, 60_000);

    it('sends a message without any writable folder', async () => {
      const sent = await processes.run([
        ...[...root, '--remount-ro', '/', '/arctun'],
        ...['send', '"through send"'],
      ]);
      expect(sent).toMatchObject({ code: 0, stdout: '' });
      const bodies = (await emulator.messages()).map(({ body }) => body);
      expect(bodies).toContain('"through send"');
    });

    it('reports that tun mode needs native code if no folder exists to unpack it', async () => {
      const words = [...root, '--remount-ro', '/', '/arctun', 'up', '--mode', 'tun'];
      const tun = await processes.run(words);
      expect(tun).toMatchObject({ code: 1, stdout: '' });
      expect(tun.stderr).toMatch(
        /^Error: cannot create a network interface: .*koffi.*cannot unpack/,
      );
    });
  },
);

/** bwrap itself ends at a signal without passing it on. */
function childOf({ child: { pid } }: TestProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}
