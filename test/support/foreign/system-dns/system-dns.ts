/**
 * The client's side of a WireGuardGoServer as a machine with systemd-resolved or openresolv: programs in its mount
 * namespace look names up as on a machine on which the package is installed.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ARCTUN, REPOSITORY, type TestProcess } from '../../processes.js';
import { inSpace, type WireGuardGoServer } from '../wireguard-go-server.js';

const FOLDER = join(REPOSITORY, 'test/support/foreign/system-dns');
/** The packages, unpacked by unpack.sh. */
const PACKAGES = join(REPOSITORY, 'build/system-dns');

export type DnsPackage = 'resolved' | 'openresolv';

export class SystemDnsMachine {
  readonly #server: WireGuardGoServer;
  readonly #enter: readonly [string, ...string[]];

  private constructor(server: WireGuardGoServer, pid: string) {
    this.#server = server;
    this.#enter = ['nsenter', `--mount=/proc/${pid}/ns/mnt`, `--net=/proc/${pid}/ns/net`];
  }

  static async start(server: WireGuardGoServer, name: DnsPackage): Promise<SystemDnsMachine> {
    // The daemons end with the first process of their process namespace.
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
    const script = ['bash', join(FOLDER, 'machine.sh'), name, PACKAGES];
    const command = [...inSpace(server.clientSpace), 'unshare', ...namespaces, ...script];
    const machine = server.processes.start(command, { interactive: true });
    await machine.output(/ready/);
    const parent = machine.child.pid!;
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8');
    return new SystemDnsMachine(server, children.trim());
  }

  /** Starts `arctun up`; the caller waits for its output. */
  up(...flags: readonly string[]): TestProcess {
    const { configPath } = this.#server;
    const words = ['up', '--mode', 'tun', '--json', ...flags, '--config', configPath];
    return this.#server.processes.start([...this.#enter, process.execPath, ARCTUN, ...words]);
  }

  /** Returns the exit code and the output of a program. */
  run(...command: readonly string[]) {
    return this.#server.processes.run([...this.#enter, ...command]);
  }

  /** The file that programs read, unless they use systemd-resolved in another way. */
  resolvConf(): string {
    const [program, ...words] = this.#enter;
    return execFileSync(program, [...words, 'cat', '/etc/resolv.conf'], { encoding: 'utf8' });
  }

  /** Returns the IPv4 address of a name, as programs look it up; empty if it has none. */
  async addressOf(name: string): Promise<string> {
    const { stdout } = await this.run('getent', 'ahostsv4', name);
    return /^\S+/.exec(stdout)?.[0] ?? '';
  }
}
