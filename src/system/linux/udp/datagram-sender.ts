/**
 * Sends UDP datagrams with sendmsg(2). Consecutive datagrams of equal length to one endpoint are
 * sent in one call, and the system splits them (UDP_SEGMENT). Every other datagram is sent in its
 * own call.
 */
import { constants } from 'node:os';

import type { Datagram } from '../../../ports/datagram.js';
import type { EndpointTable, KnownEndpoint } from './endpoint-table.js';
import { type Libc, type LibcFunction, SystemCallError } from '../libc.js';
import { LITTLE_ENDIAN } from '../machine-word.js';
import { isIpv4OnTheWire } from './socket-address.js';
import { SocketMessage } from './socket-message.js';
import {
  IP_PKTINFO,
  IP_PKTINFO_ADDRESS,
  IP_PKTINFO_LENGTH,
  IP_TOS,
  IPV6_PKTINFO,
  IPV6_PKTINFO_LENGTH,
  IPV6_TCLASS,
  SOL_IP,
  SOL_IPV6,
  SOL_UDP,
  UDP_SEGMENT,
} from './udp-options.js';

/** Limits that every kernel with UDP_SEGMENT accepts: UDP_MAX_SEGMENTS, and one IPv4 packet. */
const LONGEST_RUN = 64;
const LARGEST_RUN = 65_507;

const {
  EAGAIN,
  EADDRNOTAVAIL,
  EINTR,
  EINVAL,
  EIO,
  EMSGSIZE,
  ENETUNREACH,
  ENOPROTOOPT,
  EOPNOTSUPP,
} = constants.errno;

/**
 * The errors if the kernel or the interface does not support segmentation, or does not support this
 * length.
 */
const REFUSES_SEGMENTATION = new Set([EIO, EINVAL, EMSGSIZE, ENOPROTOOPT, EOPNOTSUPP]);

/** The errors if the local address was removed, or if the endpoint is not reachable from it. */
const REFUSES_SOURCE = new Set([EINVAL, EADDRNOTAVAIL, ENETUNREACH]);

/** Whether the system segments runs of datagrams. After one refusal, this stays off. */
export interface Segmentation {
  isOn: boolean;
}

export interface SenderOptions {
  readonly descriptor: number;
  readonly endpoints: EndpointTable;
  readonly segmentation: Segmentation;
  /** Called with each datagram that cannot be sent. */
  readonly onUnsent: (error: Error, unsent: Datagram) => void;
}

export class DatagramSender {
  readonly #libc: Libc;
  readonly #sendmsg: LibcFunction;
  readonly #options: SenderOptions;
  readonly #message: SocketMessage;

  constructor(libc: Libc, options: SenderOptions) {
    this.#libc = libc;
    this.#sendmsg = libc.bind('long sendmsg(int, uintptr_t, int)');
    this.#options = options;
    this.#message = new SocketMessage(libc, LONGEST_RUN);
  }

  /**
   * Sends datagrams in order, starting at index `first`.
   *
   * @returns the index of the first datagram that the system could not accept yet
   */
  send(datagrams: readonly Datagram[], first: number): number {
    let next = first;
    while (next < datagrams.length) {
      const taken = this.#sendRun(datagrams, next);
      if (taken === 0) return next;
      next += taken;
    }
    return next;
  }

  /** Returns the number of datagrams that were sent or failed; 0 if the socket buffer is full. */
  #sendRun(datagrams: readonly Datagram[], first: number): number {
    const datagram = datagrams[first] as Datagram;
    const known = this.#options.endpoints.find(datagram.endpoint);
    if (known === undefined) {
      this.#options.onUnsent(new SystemCallError('sendmsg', EINVAL), datagram);
      return 1;
    }
    if (datagram.isSourceInDoubt === true) known.source = undefined;
    const { segmentation } = this.#options;
    const end = segmentation.isOn ? this.#endOfRun(datagrams, first) : first + 1;
    const errno = this.#trySend(datagrams, first, end, known);
    if (errno === EAGAIN) return 0;
    if (errno === 0) return end - first;
    if (end - first === 1 || !REFUSES_SEGMENTATION.has(errno)) {
      return this.#fail(errno, datagrams, first, end);
    }
    // If the first datagram also fails when sent alone, segmentation is not the cause.
    const alone = this.#trySend(datagrams, first, first + 1, known);
    if (alone === EAGAIN) return 0;
    if (alone !== 0) return this.#fail(alone, datagrams, first, first + 1);
    segmentation.isOn = false;
    return 1;
  }

  #fail(errno: number, datagrams: readonly Datagram[], first: number, end: number): number {
    const error = new SystemCallError('sendmsg', errno);
    for (let index = first; index < end; index++) {
      this.#options.onUnsent(error, datagrams[index] as Datagram);
    }
    return end - first;
  }

  /** Returns the index after a run, in which all datagrams but the last have the same length. */
  #endOfRun(datagrams: readonly Datagram[], first: number): number {
    const { bytes, endpoint, trafficClass = 0 } = datagrams[first] as Datagram;
    const segment = bytes.length;
    const limit = Math.min(datagrams.length, first + LONGEST_RUN);
    let total = segment;
    let end = first + 1;
    for (; end < limit; end++) {
      const next = datagrams[end] as Datagram;
      const { length } = next.bytes;
      total += length;
      if (length > segment || length === 0 || total > LARGEST_RUN) break;
      if (next.endpoint !== endpoint || (next.trafficClass ?? 0) !== trafficClass) break;
      if (next.isSourceInDoubt === true) break;
      if (length < segment) return end + 1;
    }
    return end;
  }

  /**
   * Sends a run. If its source address is rejected, sends the run again without a source address.
   * Returns errno; 0 for success.
   */
  #trySend(
    datagrams: readonly Datagram[],
    first: number,
    end: number,
    known: KnownEndpoint,
  ): number {
    const { bytes, trafficClass = 0 } = datagrams[first] as Datagram;
    for (let index = first; index < end; index++) {
      this.#message.buffers.setBytes(index - first, (datagrams[index] as Datagram).bytes);
    }
    this.#message.setBufferCount(end - first);
    this.#message.setName(known.socketAddress);
    const segment = end - first > 1 ? bytes.length : 0;
    for (;;) {
      this.#writeControl(known, segment, trafficClass);
      const result = this.#sendmsg(this.#options.descriptor, this.#message.address, 0);
      if (result >= 0) return 0;
      const errno = this.#libc.errno();
      if (known.source !== undefined && REFUSES_SOURCE.has(errno)) known.source = undefined;
      else if (errno !== EINTR) return errno;
    }
  }

  #writeControl(known: KnownEndpoint, segment: number, trafficClass: number): void {
    const message = this.#message;
    message.clearControl();
    if (segment !== 0) {
      const data = message.addControl(SOL_UDP, UDP_SEGMENT, 2);
      message.view.setUint16(data, segment, LITTLE_ENDIAN);
    }
    if (known.source !== undefined) writeSource(message, known.source);
    if (trafficClass !== 0) {
      const data = isIpv4OnTheWire(known.socketAddress)
        ? message.addControl(SOL_IP, IP_TOS, 4)
        : message.addControl(SOL_IPV6, IPV6_TCLASS, 4);
      message.view.setInt32(data, trafficClass, LITTLE_ENDIAN);
    }
  }
}

/** Writes the source address; the routing table still chooses the interface. */
function writeSource(message: SocketMessage, source: Uint8Array): void {
  const isIpv4 = source.length === 4;
  const data = isIpv4
    ? message.addControl(SOL_IP, IP_PKTINFO, IP_PKTINFO_LENGTH)
    : message.addControl(SOL_IPV6, IPV6_PKTINFO, IPV6_PKTINFO_LENGTH);
  const length = isIpv4 ? IP_PKTINFO_LENGTH : IPV6_PKTINFO_LENGTH;
  const bytes = message.part(data, length);
  bytes.fill(0);
  bytes.set(source, isIpv4 ? IP_PKTINFO_ADDRESS : 0);
}
