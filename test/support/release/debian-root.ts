/** A Debian system in a folder, made by mmdebstrap from the packages of a mirror. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { Finished, Processes, TestProcess } from '../processes.js';

/** The release of Debian whose systemd supports the services. */
const SUITE = 'trixie';
/** The libraries for arm64, whose packages apt then finds in the folder. */
const PACKAGES = ['systemd', 'man-db', 'libc6:arm64', 'libgcc-s1:arm64', 'libstdc++6:arm64'];
/** Where programs and packages install files that stay, without caches, logs and the lists of packages. */
const KEPT = ['/etc', '/opt', '/root', '/srv', '/usr', '/var'];
const CHANGING = /^\/var\/(cache|log|lib\/(apt|dpkg))\/|^\/etc\/ld\.so\.cache /;

export class DebianRoot {
  readonly path: string;
  readonly #processes: Processes;
  readonly #holder: TestProcess;

  private constructor(path: string, processes: Processes, holder: TestProcess) {
    this.path = path;
    this.#processes = processes;
    this.#holder = holder;
  }

  /** Installs Debian in a folder, and mounts /proc and /dev there until `close`. */
  static async make(path: string, processes: Processes): Promise<DebianRoot> {
    execFileSync(
      'mmdebstrap',
      [
        ...['--quiet', '--mode=root', '--variant=apt', '--architectures=amd64,arm64'],
        ...[`--include=${PACKAGES.join(',')}`, ...downloadSettings(), SUITE, path],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const holder = processes.start(['unshare', '--mount', 'sh', '-euc', MOUNTS, 'sh', path]);
    await holder.output(/^ready$/m);
    return new DebianRoot(path, processes, holder);
  }

  /** Starts a program in the root, without the variables of the test. */
  start(command: readonly string[], env: NodeJS.ProcessEnv = {}): TestProcess {
    const variables = {
      ...{ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C.UTF-8' },
      ...{ DEBIAN_FRONTEND: 'noninteractive', ARCTUN_MODE: 'userspace' },
      ...{ RUNTIME_DIRECTORY: '/run', XDG_STATE_HOME: '/tmp/state' },
      ...env,
    };
    const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const enter = ['nsenter', `--target=${this.#holder.child.pid}`, '--mount', 'chroot', this.path];
    return this.#processes.start([...enter, 'env', '-i', ...settings, ...command], { cwd: '/' });
  }

  run(...command: readonly string[]): Promise<Finished> {
    return this.start(command).finished;
  }

  /** Runs a command that must succeed, and returns its output. */
  async output(...command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...command);
    if (code !== 0)
      throw new Error(`${command.join(' ')}: exit code ${code}\n${stdout}\n${stderr}`);
    return stdout;
  }

  /** Copies a file into a folder of the root. @returns its path there */
  add(file: string, folder = '/packages'): string {
    mkdirSync(join(this.path, folder), { recursive: true });
    const path = join(folder, basename(file));
    copyFileSync(file, join(this.path, path));
    return path;
  }

  /** Lists the installed files, with the owner, mode and size of each. */
  async installedFiles(): Promise<string[]> {
    const format = ['-printf', String.raw`%p %y %m %u:%g %s\n`];
    const found = await this.output('find', ...KEPT, '-xdev', '-not', '-type', 'd', ...format);
    const folders = await this.output('find', ...KEPT, '-xdev', '-type', 'd', '-printf', '%p d\\n');
    return `${found}${folders}`
      .split('\n')
      .filter((line) => line !== '' && !CHANGING.test(line))
      .sort();
  }

  async close(): Promise<void> {
    this.#holder.kill('SIGKILL');
    await this.#holder.finished;
  }
}

/** The settings of this machine's apt for downloads, such as a proxy. */
function downloadSettings(): string[] {
  const dump = execFileSync('apt-config', ['dump', 'Acquire'], { encoding: 'utf8' });
  const wanted = /^Acquire::(Check-(Valid-Until|Date)|(https?|Retries)(::\w+)*) ".+";$/;
  return dump
    .split('\n')
    .filter((line) => wanted.test(line))
    .map((line) => `--aptopt=${line}`);
}

/** The mounts end with the process. */
const MOUNTS = `
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs tmpfs "$1/run"
mount -t tmpfs tmpfs "$1/tmp"
echo ready
exec sleep infinity
`;
