/**
 * A running `arctun up` of an ordinary user with wireguard-go as the server, services inside the tunnel,
 * and the programs that use them. The namespace of the client has a default route to the server, so
 * that a packet that leaves outside the tunnel for any address arrives on the wire and is counted.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  type Inside,
  inSpace,
  SERVER_OUTSIDE,
  WireGuardGoServer,
} from '../../support/foreign/wireguard-go-server.js';
import {
  ARCTUN,
  type Finished,
  REPOSITORY,
  type TestProcess,
  type TestProcessOptions,
} from '../../support/processes.js';

const NOBODY = 65_534;
const SUPPORT = `${REPOSITORY}test/support/foreign/`;

/** The bytes that each program transfers in each direction, unless its row says otherwise. */
export const LARGE = 10_000_000;

export class ProgramLab {
  readonly server: WireGuardGoServer;
  /** The user's home, which is also the working directory of the programs. */
  readonly home = mkdtempSync(join(tmpdir(), 'arctun-programs-'));
  #up: TestProcess | undefined;
  readonly #sums = new Map<number, string>();

  constructor(inside?: Inside) {
    this.server = new WireGuardGoServer(inside);
    chownSync(this.home, NOBODY, NOBODY);
    // Some services change to another user.
    chmodSync(this.server.folder, 0o711);
    const route = ['route', 'add', 'default', 'via', SERVER_OUTSIDE];
    execFileSync('ip', ['-n', this.server.clientSpace, ...route]);
    this.#addCommand('arctun', `exec '${process.execPath}' '${ARCTUN}' "$@"`);
    this.#addCommand('ssh', `exec /usr/bin/ssh -F '${this.home}/ssh_config' "$@"`);
  }

  /** The folder of the repositories inside the tunnel. */
  get repositories(): string {
    return join(this.server.folder, 'repositories');
  }

  /** Starts `arctun up` in userspace as the user, and waits until the tunnel is up. */
  async startUp(...flags: readonly string[]): Promise<void> {
    const command = ['arctun', 'up', '--mode', 'userspace', '--log-format', 'json', ...flags];
    this.#up = this.start(command);
    await this.#up.output(/is up/);
  }

  /** Everything that `up` has printed. */
  get upOutput(): string {
    return `${this.#up?.stdout ?? ''}${this.#up?.stderr ?? ''}`;
  }

  /** Ends `up` as Ctrl-C does. */
  async stopUp(): Promise<Finished | undefined> {
    this.#up?.kill('SIGINT');
    return this.#up?.finished;
  }

  /** Starts a program of the user in the client's namespace. */
  start(command: readonly string[], options: TestProcessOptions = {}): TestProcess {
    const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
    const env = {
      ARCTUN_CONFIG: readFileSync(this.server.configPath, 'utf8'),
      HOME: this.home,
      PATH: `${this.home}/bin:${process.env.PATH}:/usr/sbin`,
      RUNTIME_DIRECTORY: join(this.home, 'run'),
      XDG_STATE_HOME: join(this.home, 'state'),
      ...options.env,
    };
    const all = [...inSpace(this.server.clientSpace), ...user, ...command];
    return this.server.processes.start(all, { cwd: this.home, ...options, env });
  }

  /** Runs a shell command of the user to its end. `words` follow the command. */
  shell(
    command: string,
    words: readonly string[] = [],
    options: TestProcessOptions = {},
  ): Promise<Finished> {
    return this.start(['bash', '-c', `${command} "$@"`, 'bash', ...words], options).finished;
  }

  /** Runs a Node.js program of the user, in a folder in which it finds the repository's packages. */
  node(program: string, ...words: readonly string[]): Promise<Finished> {
    const command = [process.execPath, '--input-type=module', '-e', program, ...words];
    return this.start(command, { cwd: REPOSITORY }).finished;
  }

  /** Runs a Python program of the user with Debian's Python. */
  python(program: string): Promise<Finished> {
    return this.start(['/usr/bin/python3', '-c', program]).finished;
  }

  /** Starts a server inside the tunnel, and waits for its first output that matches. */
  async inside(
    command: readonly string[],
    ready: RegExp = /listening/,
    stream: 'stdout' | 'stderr' = 'stdout',
  ): Promise<TestProcess> {
    const started = this.server.processes.start([...inSpace(this.server.serverSpace), ...command]);
    await started.output(ready, stream);
    return started;
  }

  /** Starts a program of test/support/foreign inside the tunnel. */
  peer(script: string, ...words: readonly string[]): Promise<TestProcess> {
    return this.inside([process.execPath, `${SUPPORT}${script}`, ...words]);
  }

  /** Starts such a program on the client's machine. */
  async local(script: string, ...words: readonly string[]): Promise<void> {
    const command = [process.execPath, `${SUPPORT}${script}`, ...words];
    const { clientSpace, processes } = this.server;
    await processes.start([...inSpace(clientSpace), ...command]).output(/listening/);
  }

  /** Runs a command inside the tunnel to its end. */
  runInside(...command: readonly string[]): Promise<Finished> {
    return this.server.processes.run([...inSpace(this.server.serverSpace), ...command]);
  }

  /** Adds an address to the side of the server. */
  addAddress(address: string): void {
    const add = ['address', 'add', `${address}/32`, 'dev', 'lo'];
    execFileSync('ip', ['-n', this.server.serverSpace, ...add]);
  }

  /** Writes a file into the user's home, with mode 0600. @returns its path */
  file(name: string, content: string | Uint8Array): string {
    const path = join(this.home, name);
    writeFileSync(path, content, { mode: 0o600 });
    chownSync(path, NOBODY, NOBODY);
    return path;
  }

  /** The SHA-256 of what http-peer.js serves at /bytes/LENGTH, downloaded without a tunnel. */
  async sumOfBytes(length: number): Promise<string> {
    const { service } = this.server.inside;
    const host = service.includes(':') ? `[${service}]` : service;
    const url = `http://${host}/bytes/${length}`;
    let sum = this.#sums.get(length);
    if (sum === undefined) {
      const { stdout } = await this.runInside('sh', '-c', `curl -gsS '${url}' | sha256sum`);
      sum = stdout.slice(0, 64);
      this.#sums.set(length, sum);
    }
    return sum;
  }

  async close(): Promise<void> {
    try {
      await this.server.close();
    } finally {
      rmSync(this.home, { recursive: true });
    }
  }

  #addCommand(name: string, script: string): void {
    mkdirSync(join(this.home, 'bin'), { recursive: true });
    const path = join(this.home, 'bin', name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The answer of http-peer.js to a POST of `body`. */
export function answerTo(body: Uint8Array): { length: number; sha256: string } {
  return { length: body.length, sha256: sha256(body) };
}
