/** Receives UDP datagrams with recvmsg(2), many in one call if the system coalesces them. */
import { constants } from 'node:os';

import type { Datagram } from '../../../ports/datagram.js';
import type { EndpointTable, KnownEndpoint } from './endpoint-table.js';
import { type Libc, type LibcFunction, SystemCallError } from '../libc.js';
import { LITTLE_ENDIAN } from '../machine-word.js';
import { ReceiveSlab } from './receive-slab.js';
import { SocketMessage } from './socket-message.js';
import {
  IP_PKTINFO,
  IP_PKTINFO_ADDRESS,
  IP_TOS,
  IPV6_PKTINFO,
  IPV6_TCLASS,
  SOL_IP,
  SOL_IPV6,
  SOL_UDP,
  UDP_GRO,
} from './udp-options.js';

/** The maximum length in bytes of a datagram, or of several coalesced ones. */
const LONGEST_MESSAGE = 65_535;

/** The limits for one turn of the event loop, so that timers and other input are not delayed. */
const CALLS_PER_TURN = 32;
const BYTES_PER_TURN = 256 * 1024;

export interface ReceivedTurn {
  readonly datagrams: readonly Datagram[];
  /** Whether reading stopped before the socket was empty. */
  readonly hasMore: boolean;
  readonly error?: Error;
}

export class DatagramReceiver {
  readonly #libc: Libc;
  readonly #recvmsg: LibcFunction;
  readonly #descriptor: number;
  readonly #endpoints: EndpointTable;
  readonly #message: SocketMessage;
  readonly #slab: ReceiveSlab;
  /** The length of each datagram except the last in the latest message; 0 without coalescing. */
  #segment = 0;
  /** The latest message's traffic class; the system coalesces only datagrams with the same one. */
  #trafficClass = 0;

  constructor(libc: Libc, descriptor: number, endpoints: EndpointTable) {
    this.#libc = libc;
    this.#recvmsg = libc.bind('long recvmsg(int, uintptr_t, int)');
    this.#descriptor = descriptor;
    this.#endpoints = endpoints;
    this.#message = new SocketMessage(libc, 1);
    this.#slab = new ReceiveSlab(libc, LONGEST_MESSAGE);
  }

  /**
   * Receives the available datagrams, up to the limits for one turn. Their bytes are valid until
   * any descriptor of this thread is read.
   */
  receive(): ReceivedTurn {
    this.#slab.reuse();
    const datagrams: Datagram[] = [];
    let bytes = 0;
    for (let call = 0; call < CALLS_PER_TURN && bytes < BYTES_PER_TURN; call++) {
      this.#message.prepareToReceive();
      this.#message.buffers.set(0, this.#slab.reserve(), LONGEST_MESSAGE);
      const length = this.#recvmsg(this.#descriptor, this.#message.address, 0);
      if (length < 0) {
        const errno = this.#libc.errno();
        if (errno === constants.errno.EINTR) continue;
        if (errno === constants.errno.EAGAIN) return { datagrams, hasMore: false };
        return { datagrams, hasMore: false, error: new SystemCallError('recvmsg', errno) };
      }
      bytes += length;
      if (!this.#message.isTruncated()) this.#split(length, datagrams);
    }
    return { datagrams, hasMore: true };
  }

  #split(length: number, datagrams: Datagram[]): void {
    const known = this.#endpoints.sender(this.#message.name());
    this.#readControl(known);
    const segment = this.#segment || length;
    const { endpoint } = known;
    const trafficClass = this.#trafficClass;
    const start = this.#slab.take(length);
    let offset = 0;
    // Use a do-while loop, which also delivers an empty datagram.
    do {
      const size = Math.min(segment, length - offset);
      datagrams.push({ bytes: this.#slab.part(start + offset, size), endpoint, trafficClass });
      offset += size;
    } while (offset < length);
  }

  /** Parses the segment size, the traffic class and the local address of the datagrams. */
  #readControl(known: KnownEndpoint): void {
    const message = this.#message;
    this.#segment = 0;
    this.#trafficClass = 0;
    for (let data = message.nextControl(); data !== -1; data = message.nextControl(data)) {
      if (message.isControl(data, SOL_UDP, UDP_GRO)) {
        this.#segment = message.view.getInt32(data, LITTLE_ENDIAN);
      } else if (message.isControl(data, SOL_IP, IP_PKTINFO)) {
        this.#keepSource(known, data + IP_PKTINFO_ADDRESS, 4);
      } else if (message.isControl(data, SOL_IPV6, IPV6_PKTINFO)) {
        this.#keepSource(known, data, 16);
      } else if (message.isControl(data, SOL_IP, IP_TOS)) {
        this.#trafficClass = message.view.getUint8(data);
      } else if (message.isControl(data, SOL_IPV6, IPV6_TCLASS)) {
        this.#trafficClass = message.view.getInt32(data, LITTLE_ENDIAN);
      }
    }
  }

  #keepSource(known: KnownEndpoint, offset: number, length: number): void {
    const { source } = known;
    const { view } = this.#message;
    if (source !== undefined && hasBytes(view, offset, source)) return;
    known.source = new Uint8Array(view.buffer, offset, length).slice();
  }
}

function hasBytes(view: DataView, offset: number, bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) {
    if (view.getUint8(offset + index) !== bytes[index]) return false;
  }
  return true;
}
