/** Starts an unpacked image with runc, with the restrictions of Kubernetes' restricted profile. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Processes, TestProcess } from '../processes.js';
import type { UnpackedImage } from './image.js';

export interface ContainerOptions {
  /** The name of the network namespace, which `ip netns` made. */
  readonly network: string;
  /** The words after the entrypoint; default those of the image. */
  readonly words?: readonly string[];
  /** The program in the image that runs the entrypoint, if it is for another architecture. */
  readonly interpreter?: string;
  /** Variables in addition to those of the image. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files and folders of this machine, each with its path in the container. */
  readonly binds?: readonly { from: string; to: string; isReadOnly?: boolean }[];
}

let serial = 0;

export class RuncContainer {
  readonly process: TestProcess;
  readonly #id = `arctun-${process.pid}-${serial++}`;
  readonly #folder: string;

  constructor(
    image: UnpackedImage,
    options: ContainerOptions,
    { processes, folder }: { readonly processes: Processes; readonly folder: string },
  ) {
    this.#folder = join(folder, this.#id);
    mkdirSync(this.#folder);
    writeFileSync(join(this.#folder, 'config.json'), JSON.stringify(bundleOf(image, options)));
    this.process = processes.start([...this.#runc('run'), '--bundle', this.#folder, this.#id]);
  }

  /** Runs the program in the container, as a health check does, with the image's environment. */
  exec(command: readonly string[], env: Readonly<Record<string, string>> = {}): number {
    const settings = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    try {
      execFileSync('runc', [...this.#runc('exec').slice(1), ...settings, this.#id, ...command], {
        stdio: 'ignore',
      });
      return 0;
    } catch (error) {
      return (error as { status: number }).status;
    }
  }

  /** The process ID of the program on this machine. */
  get pid(): number {
    const [, ...words] = this.#runc('state');
    const state = execFileSync('runc', [...words, this.#id], { encoding: 'utf8' });
    return (JSON.parse(state) as { pid: number }).pid;
  }

  status(): string {
    return readFileSync(`/proc/${this.pid}/status`, 'utf8');
  }

  kill(signal: 'TERM' | 'KILL'): void {
    const [, ...words] = this.#runc('kill');
    execFileSync('runc', [...words, this.#id, signal], { stdio: 'ignore' });
  }

  /** Ends the container, which would survive the runc that started it. */
  async close(): Promise<void> {
    if (!this.process.running) return;
    this.kill('KILL');
    await this.process.finished;
  }

  #runc(command: string): string[] {
    return ['runc', '--root', join(this.#folder, 'state'), command];
  }
}

function bundleOf(
  image: UnpackedImage,
  { network, words, interpreter, env, binds = [] }: ContainerOptions,
) {
  const { config } = image.config;
  const [uid, gid] = config.User.split(':').map(Number) as [number, number];
  const none = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid, gid },
      args: [
        ...(interpreter === undefined ? [] : [interpreter]),
        ...[...config.Entrypoint, ...(words ?? config.Cmd)],
      ],
      env: [...config.Env, ...Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`)],
      cwd: config.WorkingDir,
      capabilities: none,
      noNewPrivileges: true,
    },
    root: { path: image.root, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      // As Docker and containerd mount it, without the shared memory.
      mount('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
      mount('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro']),
      ...binds.map(({ from, to, isReadOnly = false }) => ({
        ...{ destination: to, type: 'bind', source: from },
        options: ['bind', isReadOnly ? 'ro' : 'rw'],
      })),
    ],
    linux: {
      namespaces: [
        ...['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
        { type: 'network', path: `/run/netns/${network}` },
      ],
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}

function mount(destination: string, type: string, options: readonly string[]) {
  return { destination, type, source: type, options };
}
