/** A unix(7) datagram socket like a service manager's, which records received datagrams. */
import { type Libc, loadLibc, type LibcFunction } from '../../src/system/linux/libc.js';

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0x800 | 0x80000;
const LONGEST = 8192;

export class NotifySocket {
  readonly #recv: LibcFunction;
  readonly #close: LibcFunction;
  readonly #descriptor: number;

  private constructor(libc: Libc, name: string) {
    this.#recv = libc.bind('long recv(int, _Out_ void *, unsigned long, int)');
    this.#close = libc.bind('int close(int)');
    const socket = libc.bind('int socket(int, int, int)');
    const bind = libc.bind('int bind(int, const void *, unsigned int)');
    this.#descriptor = socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
    // Built by hand, because the code under test must not build its own counterpart.
    const family = Buffer.alloc(2);
    new Uint16Array(family.buffer, family.byteOffset, 1)[0] = AF_UNIX;
    const text = name.startsWith('@') ? `\0${name.slice(1)}` : `${name}\0`;
    const address = Buffer.concat([family, Buffer.from(text)]);
    if (bind(this.#descriptor, address, address.length) !== 0) {
      throw new Error(`cannot bind ${name}: errno ${libc.errno()}`);
    }
  }

  /** @param name a path, or `@` and an abstract name */
  static async bind(name: string): Promise<NotifySocket> {
    return new NotifySocket((await loadLibc())!, name);
  }

  /** The next datagram as text; undefined if none is pending. */
  take(): string | undefined {
    const bytes = Buffer.alloc(LONGEST);
    const length = this.#recv(this.#descriptor, bytes, LONGEST, 0);
    return length < 0 ? undefined : bytes.toString('utf8', 0, length);
  }

  /** All datagrams that have arrived so far. */
  takeAll(): string[] {
    const datagrams: string[] = [];
    for (let next = this.take(); next !== undefined; next = this.take()) datagrams.push(next);
    return datagrams;
  }

  close(): void {
    this.#close(this.#descriptor);
  }
}
