/**
 * A netlink(7) socket in this network namespace. The kernel replies during the call that sends a
 * request, so no wait is needed.
 */
import { type Libc, type LibcFunction, SystemCallError } from '../libc.js';
import { LITTLE_ENDIAN } from '../machine-word.js';
import type { NetlinkMessage, NetlinkRequest } from './netlink-message.js';
import * as netlink from './netlink-message.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;

const SOL_NETLINK = 270;
/** Makes error messages omit the request, which they would otherwise quote. */
const NETLINK_CAP_ACK = 10;
/** Makes errors include the kernel's message. */
const NETLINK_EXT_ACK = 11;
const NLMSGERR_ATTR_MSG = 1;

const MSG_DONTWAIT = 0x40;

/** A buffer size in bytes larger than any reply from the kernel. */
const BUFFER_LENGTH = 64 * 1024;

/** The maximum number of attempts to read a list that changes while being read. */
const MOST_LISTS = 5;

/** The error if the kernel rejects a request; includes the kernel's message, if any. */
export class NetlinkError extends SystemCallError {
  /** The kernel's message; empty if there is none. */
  readonly detail: string;

  constructor(request: string, errno: number, detail: string) {
    super(request, errno);
    this.detail = detail;
    if (detail !== '') this.message += ` (${detail})`;
  }
}

/** Each method throws NetlinkError on a refusal (EPERM, EEXIST, ESRCH …). */
export class NetlinkSocket {
  readonly #libc: Libc;
  readonly #send: LibcFunction;
  readonly #recv: LibcFunction;
  readonly #close: () => void;
  readonly #descriptor: number;
  readonly #buffer = new Uint8Array(BUFFER_LENGTH);
  readonly #address: number;
  #sequence = 0;

  /**
   * @param protocol a protocol number from netlink(7), such as NETLINK_ROUTE
   * @throws SystemCallError
   */
  constructor(libc: Libc, protocol: number) {
    this.#libc = libc;
    this.#send = libc.bind('long send(int, uintptr_t, unsigned long, int)');
    this.#recv = libc.bind('long recv(int, uintptr_t, unsigned long, int)');
    this.#address = Number(libc.address(this.#buffer));
    const socket = libc.bind('int socket(int, int, int)');
    this.#descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (this.#descriptor < 0) throw new SystemCallError('socket', libc.errno());
    const close = libc.bind('int close(int)');
    this.#close = () => close(this.#descriptor);
    this.#askForWords();
  }

  /**
   * Sends a request whose reply is an acknowledgment.
   *
   * @param name the request in error messages
   */
  change(name: string, request: NetlinkRequest): void {
    const reply = this.ask(request);
    if (reply?.type !== netlink.NLMSG_ERROR) throw new Error(`${name}: no response`);
    throwRefusal(name, reply);
  }

  /** Sends a request and returns the first message of the reply, which may be an error message. */
  ask(request: NetlinkRequest): NetlinkMessage | undefined {
    this.#request(request);
    return this.#receive().find(({ sequence }) => sequence === this.#sequence);
  }

  /** Reads a list of objects. `decode` returns undefined for a message of another type. */
  list<Item>(
    name: string,
    request: NetlinkRequest,
    decode: (message: NetlinkMessage) => Item | undefined,
  ): Item[] {
    for (let list = 1; ; list++) {
      const { messages, isInterrupted } = this.#list(name, request);
      if (isInterrupted && list < MOST_LISTS) continue;
      return messages.map(decode).filter((item) => item !== undefined);
    }
  }

  close(): void {
    this.#close();
  }

  #list(name: string, request: NetlinkRequest) {
    this.#request(request);
    const messages: NetlinkMessage[] = [];
    let isInterrupted = false;
    for (;;) {
      for (const message of this.#receive()) {
        if (message.sequence !== this.#sequence) continue;
        if ((message.flags & netlink.NLM_F_DUMP_INTR) !== 0) isInterrupted = true;
        if (message.type === netlink.NLMSG_ERROR) throwRefusal(name, message);
        if (message.type === netlink.NLMSG_DONE) {
          throwFailure(name, message);
          return { messages, isInterrupted };
        }
        messages.push(message);
      }
    }
  }

  #request(request: NetlinkRequest): void {
    const bytes = netlink.encodeRequest(request, ++this.#sequence);
    this.#buffer.set(bytes);
    const sent = this.#send(this.#descriptor, this.#address, bytes.length, 0);
    // A request may contain a private key.
    bytes.fill(0);
    this.#buffer.fill(0, 0, bytes.length);
    if (sent < 0) throw new SystemCallError('send', this.#libc.errno());
  }

  #receive(): NetlinkMessage[] {
    const length = this.#recv(this.#descriptor, this.#address, BUFFER_LENGTH, MSG_DONTWAIT);
    if (length < 0) throw new SystemCallError('recv', this.#libc.errno());
    const received = this.#buffer.subarray(0, length);
    const messages = netlink.decodeMessages(received);
    received.fill(0);
    return messages;
  }

  /** Enables error messages (Linux 4.12); an older kernel returns only the error number. */
  #askForWords(): void {
    const setsockopt = this.#libc.bind('int setsockopt(int, int, int, uintptr_t, unsigned int)');
    new DataView(this.#buffer.buffer).setInt32(0, 1, LITTLE_ENDIAN);
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK]) {
      setsockopt(this.#descriptor, SOL_NETLINK, option, this.#address, 4);
    }
  }
}

/** Throws NetlinkError if a list has failed after it began: its last message has an error number. */
function throwFailure(name: string, { body }: NetlinkMessage): void {
  const errno = -(netlink.readNumber(body) ?? 0) | 0;
  if (errno > 0) throw new NetlinkError(name, errno, '');
}

/** Throws NetlinkError for an error message, unless its number is 0, which acknowledges. */
export function throwRefusal(name: string, { body, flags }: NetlinkMessage): void {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const errno = -view.getInt32(0, LITTLE_ENDIAN);
  if (errno === 0) return;
  let detail = '';
  // After the error number comes the request's header, or without NLM_F_CAPPED the whole request.
  const quoted = (flags & netlink.NLM_F_CAPPED) !== 0 ? 16 : view.getUint32(4, LITTLE_ENDIAN);
  if ((flags & netlink.NLM_F_ACK_TLVS) !== 0) {
    const words = netlink.decodeAttributes(body, 4 + quoted).get(NLMSGERR_ATTR_MSG);
    detail = Buffer.from(words ?? [])
      .toString('utf8')
      .replace(/\0+$/, '');
  }
  throw new NetlinkError(name, errno, detail);
}
