/** Opens the system's UDP sockets with options that node:dgram cannot set. */
import { isIPv6 } from 'node:net';
import { constants } from 'node:os';

import type { LocalBinding } from '../../../ports/datagram-sockets.js';
import { type Libc, type LibcFunction, SystemCallError } from '../libc.js';
import { LITTLE_ENDIAN } from '../machine-word.js';
import { AF_INET, AF_INET6, SOCKET_ADDRESS_LENGTH, SocketAddresses } from './socket-address.js';
import * as option from './udp-options.js';

const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;

/**
 * The buffer size in bytes. Linux's default, which is ten times smaller, would lose datagrams
 * during bursts.
 */
const SOCKET_BUFFER = 4 * 1024 * 1024;

export interface UdpDescriptor {
  readonly descriptor: number;
  readonly family: number;
  readonly localAddress: string;
  readonly localPort: number;
}

/** Performs system calls on a UDP socket's descriptor, with preallocated parameter memory. */
export class UdpDescriptors {
  readonly addresses: SocketAddresses;
  readonly #libc: Libc;
  readonly #socket: LibcFunction;
  readonly #bind: LibcFunction;
  readonly #getsockname: LibcFunction;
  readonly #setsockopt: LibcFunction;
  readonly #close: LibcFunction;
  /** Memory for a socket address, then a number. */
  readonly #memory = new Uint8Array(128);
  readonly #view = new DataView(this.#memory.buffer);
  readonly #address: number;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.addresses = new SocketAddresses(libc);
    this.#socket = libc.bind('int socket(int, int, int)');
    this.#bind = libc.bind('int bind(int, uintptr_t, unsigned int)');
    this.#getsockname = libc.bind('int getsockname(int, uintptr_t, uintptr_t)');
    this.#setsockopt = libc.bind('int setsockopt(int, int, int, uintptr_t, unsigned int)');
    this.#close = libc.bind('int close(int)');
    this.#address = Number(libc.address(this.#memory));
  }

  /**
   * Opens a bound, non-blocking, close-on-exec socket that reports the local address and the
   * traffic class of each received datagram.
   *
   * @throws SystemCallError for `socket`, `bind`, or `setsockopt SO_MARK` (EPERM: a mark requires
   * CAP_NET_ADMIN)
   */
  open({ address, port, fwmark = 0 }: LocalBinding): UdpDescriptor {
    const family = isIPv6(address) ? AF_INET6 : AF_INET;
    const local = this.addresses.encode(address, port, family);
    if (local === undefined) throw new SystemCallError('bind', constants.errno.EINVAL);
    const descriptor = this.#socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) throw new SystemCallError('socket', this.#libc.errno());
    try {
      if (fwmark !== 0 && !this.#set(descriptor, option.SOL_SOCKET, option.SO_MARK, fwmark)) {
        throw new SystemCallError('setsockopt SO_MARK', this.#libc.errno());
      }
      this.#enlargeBuffers(descriptor);
      this.#bindTo(descriptor, local);
      const bound = this.#localEnd(descriptor);
      // A socket that is bound to one address always replies from that address.
      if (isUnspecified(bound.address)) this.#askForLocalAddress(descriptor, family);
      this.#askForTrafficClass(descriptor, family);
      return { descriptor, family, localAddress: bound.address, localPort: bound.port };
    } catch (error) {
      this.close(descriptor);
      throw error;
    }
  }

  /** Returns whether the system segments runs of sent datagrams (Linux 4.18). */
  probeSegmentation(descriptor: number): boolean {
    return this.#set(descriptor, option.SOL_UDP, option.UDP_SEGMENT, 0);
  }

  /** Allows the system to coalesce received datagrams (Linux 5.0). */
  enableCoalescing(descriptor: number): boolean {
    return this.#set(descriptor, option.SOL_UDP, option.UDP_GRO, 1);
  }

  close(descriptor: number): void {
    this.#close(descriptor);
  }

  /**
   * Enlarges the buffers, beyond the normal limit if the process has CAP_NET_ADMIN. A smaller
   * buffer only reduces the speed.
   */
  #enlargeBuffers(descriptor: number): void {
    for (const [force, request] of [
      [option.SO_RCVBUFFORCE, option.SO_RCVBUF],
      [option.SO_SNDBUFFORCE, option.SO_SNDBUF],
    ] as const) {
      if (this.#set(descriptor, option.SOL_SOCKET, force, SOCKET_BUFFER)) continue;
      this.#set(descriptor, option.SOL_SOCKET, request, SOCKET_BUFFER);
    }
  }

  /**
   * Makes the system report each datagram's local address, so that replies can use it as their
   * source.
   */
  #askForLocalAddress(descriptor: number, family: number): void {
    if (family === AF_INET) this.#set(descriptor, option.SOL_IP, option.IP_PKTINFO, 1);
    else this.#set(descriptor, option.SOL_IPV6, option.IPV6_RECVPKTINFO, 1);
  }

  /** Enables reports of the traffic class. An IPv6 socket also receives IPv4. */
  #askForTrafficClass(descriptor: number, family: number): void {
    this.#set(descriptor, option.SOL_IP, option.IP_RECVTOS, 1);
    if (family === AF_INET6) this.#set(descriptor, option.SOL_IPV6, option.IPV6_RECVTCLASS, 1);
  }

  #bindTo(descriptor: number, local: Uint8Array): void {
    this.#memory.set(local);
    if (this.#bind(descriptor, this.#address, local.length) < 0) {
      throw new SystemCallError('bind', this.#libc.errno());
    }
  }

  #localEnd(descriptor: number): { address: string; port: number } {
    this.#view.setUint32(SOCKET_ADDRESS_LENGTH, SOCKET_ADDRESS_LENGTH, LITTLE_ENDIAN);
    const length = this.#address + SOCKET_ADDRESS_LENGTH;
    if (this.#getsockname(descriptor, this.#address, length) < 0) {
      throw new SystemCallError('getsockname', this.#libc.errno());
    }
    const size = this.#view.getUint32(SOCKET_ADDRESS_LENGTH, LITTLE_ENDIAN);
    return this.addresses.decode(this.#memory.subarray(0, size));
  }

  #set(descriptor: number, level: number, option: number, value: number): boolean {
    this.#view.setInt32(0, value, LITTLE_ENDIAN);
    return this.#setsockopt(descriptor, level, option, this.#address, 4) === 0;
  }
}

function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}
