/** The Debian packages, installed by apt in a Debian system that has only what apt needs. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startEmulatorProcess } from '../support/emulator-process.js';
import { Processes } from '../support/processes.js';
import { DebianRoot } from '../support/release/debian-root.js';
import {
  AMD64,
  type Architecture,
  ARM64,
  commandPath,
  files,
  VERSION,
  VERSION_LINE,
} from '../support/release/files.js';
import { carryMessages, doMainJob, type Start } from '../support/release/main-job.js';
import { describeWith } from '../support/runner/requirements.js';

const UNITS = ['arctun.service', 'arctun-tun.service'];
const SETTINGS = '/etc/arctun/environment';

const processes = new Processes();
afterAll(() => processes.close());

describeWith(
  ['linux', 'root', 'release', 'mmdebstrap', 'unshare', 'nsenter', 'qemu-aarch64-static'],
  'in a new Debian system',
  () => {
    let folder: string;
    let debian: DebianRoot;
    /** What was installed before each test. */
    let before: readonly string[];

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'arctun-debian-'));
      debian = await DebianRoot.make(join(folder, 'root'), processes);
      debian.add(commandPath('qemu-aarch64-static'));
    }, 1_800_000);
    afterAll(async () => {
      await debian.close();
      rmSync(folder, { recursive: true });
    });
    beforeEach(async () => {
      before = await debian.installedFiles();
    });

    const install = (architecture: Architecture, ...options: string[]) => {
      const file = debian.add(files.debianPackage(architecture));
      return debian.output('apt-get', 'install', ...options, file);
    };
    const newFiles = async () => {
      const known = new Set(before);
      return (await debian.installedFiles()).filter((line) => !known.has(line));
    };

    it('the package for amd64 does its main job, and a purge leaves nothing', async () => {
      // apt would ask whether to install another package.
      await install(AMD64);
      expect(await debian.output('dpkg', '--verify', 'arctun')).toBe('');
      const start: Start = (words, env) => debian.start(['arctun', ...words], env);
      await doMainJob(start, '/tmp/amd64.json');

      const verified = await debian.run('systemd-analyze', 'verify', '--man=yes', ...UNITS);
      expect(verified).toEqual({ code: 0, stdout: '', stderr: '' });
      await expectManualPages();

      await debian.output('systemctl', 'enable', ...UNITS);
      await debian.output('sh', '-c', `echo ARCTUN_LOG_LEVEL=debug >${SETTINGS}`);
      await install(AMD64, '--reinstall');
      expect(await debian.output('cat', SETTINGS)).toBe('ARCTUN_LOG_LEVEL=debug\n');
      const isEnabled = await debian.output('systemctl', 'is-enabled', ...UNITS);
      expect(isEnabled).toBe('enabled\nenabled\n');

      await debian.output('apt-get', 'remove', '-y', 'arctun');
      expect(await debian.run('arctun', 'version')).toMatchObject({ code: 127 });
      expect(await debian.output('cat', SETTINGS)).toBe('ARCTUN_LOG_LEVEL=debug\n');
      await debian.output('apt-get', 'purge', '-y', 'arctun');
      expect(await newFiles()).toEqual([]);
    });

    it('the package for arm64 does its main job with the libraries of Debian', async () => {
      await install(ARM64);
      const program = ['/packages/qemu-aarch64-static', '/usr/bin/arctun'];
      const start: Start = (words, env) => debian.start([...program, ...words], env);
      expect(await start(['version']).finished).toMatchObject({ code: 0, stdout: VERSION_LINE });
      const emulator = await startEmulatorProcess(processes);
      // The start time of a process, which identifies the owner of a journal, changes in qemu.
      const executable = debian.add(files.executable(AMD64));
      const words = [executable, 'bootstrap', 'authkey', '--config', '/tmp/arm64.json'];
      const created = await debian.start(words, emulator.env).finished;
      expect(created).toMatchObject({ code: 0 });
      await carryMessages(start, '/tmp/arm64.json', emulator);
      await debian.output('apt-get', 'purge', '-y', 'arctun:arm64');
      expect(await newFiles()).toEqual([]);
    });

    async function expectManualPages(): Promise<void> {
      const pages = (await debian.output('dpkg', '--listfiles', 'arctun'))
        .split('\n')
        .filter((path) => path.startsWith('/usr/share/man/man1/'));
      expect(pages.length).toBeGreaterThan(20);
      for (const page of pages) {
        const { code, stdout, stderr } = await debian.run(
          'man',
          '--warnings',
          '--local-file',
          page,
        );
        expect({ page, code, stderr }).toEqual({ page, code: 0, stderr: '' });
        expect(stdout).toContain(VERSION);
      }
      expect(await debian.output('man', 'arctun')).toContain('EXIT STATUS');
    }
  },
);

describeWith(['linux', 'release', 'dpkg-deb', 'bash', 'zsh', 'fish'], 'a Debian package', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-debian-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([AMD64, ARM64])('has completions that each shell can read: $debian', (architecture) => {
    const root = extract(architecture);
    const scripts = {
      bash: 'bash-completion/completions/arctun',
      zsh: 'zsh/vendor-completions/_arctun',
      fish: 'fish/vendor_completions.d/arctun.fish',
    };
    for (const [shell, path] of Object.entries(scripts)) {
      const words = ['-n', join(root, 'usr/share', path)];
      expect(execFileSync(shell, words, { encoding: 'utf8' })).toBe('');
    }
  });

  it.each([AMD64, ARM64])('names its version in its changelog: $debian', (architecture) => {
    const documents = join(extract(architecture), 'usr/share/doc/arctun');
    const read = (name: string) =>
      execFileSync('gzip', ['-dc', join(documents, name)], { encoding: 'utf8' });
    const version = VERSION.replaceAll('-', '~');
    expect(read('changelog.gz').split('\n')[0]).toBe(`arctun (${version}) stable; urgency=medium`);
    if (readdirSync(documents).includes('CHANGELOG.md.gz'))
      expect(read('CHANGELOG.md.gz')).toContain(`## ${VERSION}\n`);
    expect(readFileSync(join(documents, 'copyright'), 'utf8')).toContain('MIT License');
  });

  function extract(architecture: Architecture): string {
    const root = join(folder, architecture.debian);
    execFileSync('dpkg-deb', ['--extract', files.debianPackage(architecture), root]);
    return root;
  }
});
