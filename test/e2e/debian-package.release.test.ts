/**
 * The Debian package, installed by dpkg in a copy of this machine's root folder, in which Node
 * is missing.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { stepsOf } from '../docs/blocks.js';
import { type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { writeExecutable } from '../support/executable.js';
import {
  ARCTUN,
  type Finished,
  Processes,
  REPOSITORY,
  type TestProcess,
} from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const { version: VERSION } = JSON.parse(readFileSync(`${REPOSITORY}package.json`, 'utf8')) as {
  readonly version: string;
};
const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';
/** The blocks of the guide: install, create a SIM, purge. */
const GUIDE = stepsOf(readFileSync(`${REPOSITORY}docs/guides/debian.md`, 'utf8')).flatMap((step) =>
  step.kind === 'block' && step.language === 'sh' ? [step.text] : [],
);
const UNITS = 'arctun.service arctun-tun.service';
const LINK = '/etc/systemd/system/multi-user.target.wants/arctun.service';

const processes = new Processes();
let folder: string;
let file: string;

describeWith(['linux', 'root', 'git', 'dpkg-deb', 'executable'], 'the Debian package', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-debian-'));
    chmodSync(folder, 0o755);
    await writeExecutable(join(folder, `arctun-linux-${process.arch}`));
    const script = join(REPOSITORY, 'tools/release/write-packages.js');
    execFileSync(process.execPath, [script, folder, '--fast'], { stdio: 'pipe' });
    file = join(folder, `arctun_${VERSION}_${ARCHITECTURE}.deb`);
  }, 300_000);
  afterAll(async () => {
    await processes.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('contains the program, the services and the documents, all owned by root', () => {
    const entries = execFileSync('dpkg-deb', ['--contents', file], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => /^(\S+) (\S+) .* \.(\/\S*)$/.exec(line)!.slice(1));
    expect(new Set(entries.map(([, owner]) => owner))).toEqual(new Set(['root/root']));
    const modes = new Map(entries.map(([mode, , path]) => [path, mode]));
    expect(Object.fromEntries(modes)).toMatchObject({
      '/usr/bin/arctun': '-rwxr-xr-x',
      '/etc/arctun/': 'drwx------',
      '/etc/arctun/environment': '-rw-r--r--',
      '/usr/lib/systemd/system/arctun.service': '-rw-r--r--',
      '/usr/lib/systemd/system/arctun-tun.service': '-rw-r--r--',
      '/usr/share/bash-completion/completions/arctun': '-rw-r--r--',
      '/usr/share/zsh/vendor-completions/_arctun': '-rw-r--r--',
      '/usr/share/fish/vendor_completions.d/arctun.fish': '-rw-r--r--',
      '/usr/share/man/man1/arctun.1.gz': '-rw-r--r--',
      '/usr/share/man/man1/arctun-sim-renew-key.1.gz': '-rw-r--r--',
      '/usr/share/doc/arctun/copyright': '-rw-r--r--',
      '/usr/share/doc/arctun/changelog.gz': '-rw-r--r--',
      '/usr/share/doc/arctun/sbom.json.gz': '-rw-r--r--',
    });
    const folders = entries.filter(
      ([mode, , path]) => mode!.startsWith('d') && path !== '/etc/arctun/',
    );
    expect(new Set(folders.map(([mode]) => mode))).toEqual(new Set(['drwxr-xr-x']));
  });

  it('has the same bytes if it is built again', () => {
    const first = readFileSync(file);
    const script = join(REPOSITORY, 'tools/release/write-packages.js');
    execFileSync('sh', [
      '-c',
      'umask 077; exec "$@"',
      'sh',
      process.execPath,
      script,
      folder,
      '--fast',
    ]);
    expect(readFileSync(file).equals(first)).toBe(true);
  }, 300_000);

  it('has the time that SOURCE_DATE_EPOCH sets', () => {
    const place = mkdtempSync(join(folder, 'dated-'));
    const program = `arctun-linux-${process.arch}`;
    linkSync(join(folder, program), join(place, program));
    const script = join(REPOSITORY, 'tools/release/write-packages.js');
    const env = { ...process.env, SOURCE_DATE_EPOCH: '1000000000', TZ: 'UTC' };
    execFileSync(process.execPath, [script, place, '--fast'], { stdio: 'pipe', env });
    const words = ['--contents', join(place, basename(file))];
    const entries = execFileSync('dpkg-deb', words, { encoding: 'utf8', env }).trim().split('\n');
    const dates = entries.map((line) => / (\d{4}-\d\d-\d\d) /.exec(line)?.[1]);
    expect(new Set(dates)).toEqual(new Set(['2001-09-09']));
  }, 300_000);

  describeWith(['unshare', 'nsenter', 'systemd-analyze'], 'after dpkg -i', () => {
    let root: string;
    let holder: TestProcess;
    let emulator: EmulatorProcess;

    beforeAll(async () => {
      root = join(folder, 'root');
      holder = processes.start(['unshare', '--mount', 'sh', '-euc', ROOT, 'sh', folder]);
      await holder.output(/^ready$/m);
      emulator = await startEmulatorProcess(processes);
    }, 120_000);
    afterAll(async () => {
      holder.kill('SIGKILL');
      await holder.finished;
    });

    const inside = (words: readonly string[], env: NodeJS.ProcessEnv = {}): TestProcess =>
      processes.start(
        ['nsenter', `--target=${holder.child.pid}`, '--mount', 'chroot', root, ...words],
        { env, cwd: '/' },
      );
    const run = (...words: string[]): Promise<Finished> => inside(words).finished;
    /** Returns how systemctl was called since the last call. */
    const systemctlCalls = async (): Promise<string[]> => {
      const { stdout } = await run('sh', '-c', 'cat /systemctl-calls; rm /systemctl-calls');
      return stdout.trim().split('\n');
    };
    /** Runs a block of the guide in the folder of the package. */
    const guide = (number: number, env?: NodeJS.ProcessEnv): Promise<Finished> => {
      const block = GUIDE[number]!.replace('amd64', ARCHITECTURE);
      return inside(['bash', '-euc', `cd '${folder}'\n${block}`], env).finished;
    };

    it('enables no service, does not ask, and does not need Node', async () => {
      expect(await run('node', '--version')).not.toMatchObject({ code: 0 });
      expect(GUIDE).toHaveLength(3);
      const installed = await guide(0);
      expect(installed).toMatchObject({ code: 0 });
      expect(installed.stdout).toMatch(`{"revision":"","version":"${VERSION}"}\n`);
      expect(await systemctlCalls()).toEqual(['--system daemon-reload']);
      expect(await run('dpkg', '--verify', 'arctun')).toMatchObject({ code: 0, stdout: '' });
      expect((await run('systemctl', 'is-enabled', 'arctun')).stdout).toBe('disabled\n');
      expect((await run('systemctl', 'is-enabled', 'arctun-tun')).stdout).toBe('disabled\n');
    }, 120_000);

    it('creates a SIM and carries a message with the command of the unit', async () => {
      const config = '/etc/arctun/arc.json';
      expect(await guide(1, emulator.env)).toMatchObject({ code: 0 });
      const unit = (await run('cat', '/usr/lib/systemd/system/arctun.service')).stdout;
      const [, command = ''] = /^ExecStart=(.*)$/m.exec(unit)!;
      const words = command.replace('%d/arc.json', config).split(' ');
      const listen = ['--forward-listen=127.0.0.1:0', '--proxy-listen=127.0.0.1:0', '--json'];
      const up = inside([...words, ...listen]);
      const [line] = await up.output(/^\{.*\}$/m);
      const { forward } = JSON.parse(line) as { forward: string };
      const answer = await fetch(forward, { method: 'POST', body: '"packaged"' });
      expect(answer.status).toBe(201);
      expect((await emulator.messages()).map(({ body }) => body)).toContain('"packaged"');
      up.kill('SIGTERM');
      expect(await up.finished).toMatchObject({ code: 0 });
    }, 120_000);

    it('keeps changed settings in an upgrade, and the enabled service', async () => {
      const change = 'echo ARCTUN_LOG_LEVEL=info >/etc/arctun/environment';
      await run('sh', '-c', change);
      expect(await run('systemctl', 'enable', 'arctun')).toMatchObject({ code: 0 });
      expect(await run('dpkg', '--install', file)).toMatchObject({ code: 0 });
      expect(await systemctlCalls()).toEqual(['--system daemon-reload', `try-restart ${UNITS}`]);
      expect((await run('cat', '/etc/arctun/environment')).stdout).toBe('ARCTUN_LOG_LEVEL=info\n');
      expect((await run('systemctl', 'is-enabled', 'arctun')).stdout).toBe('enabled\n');
    }, 120_000);

    it('keeps its settings if it is removed, and the key of the SIM if it is purged', async () => {
      expect(await run('dpkg', '--remove', 'arctun')).toMatchObject({ code: 0 });
      expect(await systemctlCalls()).toEqual([`stop ${UNITS}`, '--system daemon-reload']);
      expect(await run('test', '-e', '/usr/bin/arctun')).toMatchObject({ code: 1 });
      expect(await run('test', '-e', '/etc/arctun/environment')).toMatchObject({ code: 0 });
      expect(await guide(2)).toMatchObject({ code: 0 });
      expect(await run('test', '-L', LINK)).toMatchObject({ code: 1 });
      const left = await run('find', '/', '-xdev', '-path', '*arctun*', '-newer', '/installing');
      expect(left.stdout.split('\n').filter((path) => /^\/(etc|usr|var)\//.test(path))).toEqual([
        '/etc/arctun',
        '/etc/arctun/arc.json',
      ]);
      expect(await run('dpkg', '--status', 'arctun')).toMatchObject({ code: 1 });
    }, 120_000);
  });

  describeWith(['qemu-aarch64-static', 'arm64-libraries'], 'for arm64', () => {
    it('contains a program that sends a message', async () => {
      // In a folder of its own, because the other tests need only the package for this machine.
      const arm64 = mkdtempSync(join(folder, 'arm64-'));
      await writeExecutable(join(arm64, 'arctun-linux-arm64'), 'arm64');
      const script = join(REPOSITORY, 'tools/release/write-packages.js');
      execFileSync(process.execPath, [script, arm64, '--fast'], { stdio: 'pipe' });
      const built = join(arm64, `arctun_${VERSION}_arm64.deb`);
      const field = ['--field', built, 'Architecture'];
      expect(execFileSync('dpkg-deb', field, { encoding: 'utf8' })).toBe('arm64\n');
      execFileSync('dpkg-deb', ['--extract', built, join(arm64, 'root')]);
      const emulator = await startEmulatorProcess(processes);
      const program = ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'];
      // The start time of a process, which identifies the owner of a journal, changes in qemu.
      const bootstrap = [process.execPath, ARCTUN, 'bootstrap', 'authkey'];
      const options = { cwd: arm64, env: emulator.env };
      expect(await processes.run(bootstrap, options)).toMatchObject({ code: 0 });
      const send = [...program, join(arm64, 'root/usr/bin/arctun'), 'send', '"from arm64"'];
      expect(await processes.run(send, { cwd: arm64 })).toMatchObject({ code: 0 });
      expect((await emulator.messages()).map(({ body }) => body)).toEqual(['"from arm64"']);
    }, 300_000);
  });

  describeWith(['lintian'], 'lintian', () => {
    it('finds no fault', () => {
      const words = ['--allow-root', '--tag-display-limit=0', '--fail-on=error,warning', file];
      expect(execFileSync('lintian', words, { encoding: 'utf8' })).toBe('');
    }, 300_000);
  });
});

/**
 * Mounts a copy of the root folder, whose changes go to a folder of the test, and removes Node from
 * it. Because systemd does not run in there, a script replaces systemctl and records the calls, except
 * those that only write links. The mounts end with the process.
 */
const ROOT = `
cd "$1"
mkdir changes work root
mount -t overlay -o lowerdir=/,upperdir="$1/changes",workdir="$1/work" overlay root
for folder in proc dev tmp; do mount --rbind /$folder root/$folder; done
for program in $(which -a node npm); do rm -f "root$program"; done
# In a container, this file forbids to start services.
rm -f root/usr/sbin/policy-rc.d
mkdir -p root/run/systemd/system
mv root/usr/bin/systemctl root/usr/bin/systemctl-of-debian
cat >root/usr/bin/systemctl <<'END'
#!/bin/sh
case $* in *enable*) exec systemctl-of-debian --root=/ "$@" ;; esac
echo "$*" >>/systemctl-calls
END
chmod 755 root/usr/bin/systemctl
touch root/installing
echo ready
exec sleep infinity
`;
