/** Sends datagrams to a unix(7) socket, which Node.js does not support. */
import { type Libc, type LibcFunction, SystemCallError } from '../libc.js';
import { LITTLE_ENDIAN } from '../machine-word.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** struct sockaddr_un: the family, then at most this many bytes of the name (unix(7)). */
const NAME = 2;
const NAME_LENGTH = 108;

/** Sends each datagram from a new, unnamed socket. */
export class UnixDatagramSender {
  readonly #libc: Libc;
  readonly #socket: LibcFunction;
  readonly #sendto: LibcFunction;
  readonly #close: LibcFunction;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#socket = libc.bind('int socket(int, int, int)');
    this.#sendto = libc.bind(
      'long sendto(int, const void *, unsigned long, int, const void *, unsigned int)',
    );
    this.#close = libc.bind('int close(int)');
  }

  /**
   * Sends a datagram without waiting.
   *
   * @param name an absolute path, or `@` followed by a name in the abstract namespace
   * @throws SystemCallError; the code is EAGAIN if the receiver's buffer is full
   * @throws RangeError for an invalid name
   */
  send(name: string, bytes: Uint8Array): void {
    const address = encodeUnixAddress(name);
    const descriptor = this.#socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) throw new SystemCallError('socket', this.#libc.errno());
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const sent = this.#sendto(descriptor, bytes, bytes.length, flags, address, address.length);
    // Read errno before close(), which may change it.
    const error = sent < 0 ? new SystemCallError('sendto', this.#libc.errno()) : undefined;
    this.#close(descriptor);
    if (error !== undefined) throw error;
  }
}

/** Encodes struct sockaddr_un for a path or, after `@`, an abstract name. */
export function encodeUnixAddress(name: string): Uint8Array {
  const isAbstract = name.startsWith('@');
  const text = Buffer.from(name);
  // An abstract name ends where the address ends; a path ends with a NUL byte (unix(7)).
  const bytes = new Uint8Array(NAME + text.length + (isAbstract ? 0 : 1));
  if (bytes.length > NAME + NAME_LENGTH) throw new RangeError(`${name} is too long for a socket`);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, LITTLE_ENDIAN);
  bytes.set(text, NAME);
  if (isAbstract) bytes[NAME] = 0;
  return bytes;
}
