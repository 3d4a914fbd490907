/**
 * A private root as on Lambda: read-only except /tmp, layers in /opt, the function in /var/task. A
 * waiting process holds its mount namespace; commands enter that namespace.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Bind {
  readonly from: string;
  /** The path in the root; a missing file or folder is created. */
  readonly to: string;
}

/** The size of /tmp: Lambda's default. */
const TMP_SIZE = '512m';

export class PrivateRoot {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /**
   * @param folder an empty folder; the root is mounted on it only within the namespace
   * @throws Error if this user may not mount
   */
  static async make(folder: string, binds: readonly Bind[]): Promise<PrivateRoot> {
    const command = ['setpriv', '--pdeathsig', 'KILL', 'bash', '-c', script(folder, binds)];
    const holder = spawn('unshare', ['--mount', '--propagation', 'private', ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let told = '';
    holder.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
    const ready = await Promise.race([
      once(holder.stdout, 'data').then(() => true),
      once(holder, 'exit').then(() => false),
    ]);
    if (!ready) throw new Error(`no root of the sandbox's own: ${told}`);
    return new PrivateRoot(holder);
  }

  /** The prefix that makes a command run in the root. */
  enter(): string[] {
    return ['nsenter', '--target', String(this.#holder.pid), '--mount', '--root', '--wd=/'];
  }

  async close(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const ended = once(this.#holder, 'exit');
    this.#holder.kill('SIGKILL');
    await ended;
  }
}

function script(folder: string, binds: readonly Bind[]): string {
  return `
    set -e
    PATH=$PATH:/usr/sbin:/sbin
    mount --make-rprivate /
    mount -t tmpfs -o mode=755 sandbox ${quote(folder)}
    cd ${quote(folder)}
    bind() {
      # It is there where a folder above it has been bound.
      if [ -e ".$2" ]; then return; fi
      if [ -d "$1" ]; then mkdir -p ".$2"; else mkdir -p ".$(dirname "$2")"; : >".$2"; fi
      mount -o bind,ro "$1" ".$2"
    }
    for path in /bin /sbin /lib /lib32 /lib64 /libx32 /usr /etc; do
      if [ -L "$path" ]; then cp -P "$path" .; elif [ -d "$path" ]; then bind "$path" "$path"; fi
    done
    mkdir -p proc dev tmp run opt
    mount --rbind /proc proc
    mount --rbind /dev dev
    mount -t tmpfs -o mode=1777,size=${TMP_SIZE} tmp tmp
    ${binds.map(({ from, to }) => `bind ${quote(from)} ${quote(to)}`).join('\n    ')}
    { cat /etc/hosts; echo '127.0.0.1 sandbox.localdomain sandbox'; } >run/hosts
    mount -o bind,ro run/hosts etc/hosts
    mount -o remount,ro ${quote(folder)}
    pivot_root . .
    umount -l .
    cd /
    echo ready
    exec sleep infinity
  `;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
