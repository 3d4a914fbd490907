/** Receives UDP datagrams with recvmsg(2), many in one call if the system coalesces them. */
import { constants } from 'node:os';

import { clearList } from '../../../lib/clear-list.js';
import type { Datagram, Endpoint } from '../../../ports/datagram.js';
import type { EndpointTable, KnownEndpoint } from './endpoint-table.js';
import { type Libc, SystemCallError } from '../libc.js';
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

/** The maximum number of objects that are kept for later datagrams. */
const MAX_KEPT = 256;

class Received implements Datagram {
  bytes: Uint8Array;
  endpoint: Endpoint;
  trafficClass: number;

  constructor(bytes: Uint8Array, endpoint: Endpoint, trafficClass: number) {
    this.bytes = bytes;
    this.endpoint = endpoint;
    this.trafficClass = trafficClass;
  }
}

export interface ReceivedTurn {
  datagrams: readonly Datagram[];
  /** Whether reading stopped before the socket was empty. */
  hasMore: boolean;
  error: Error | undefined;
}

export class DatagramReceiver {
  readonly #libc: Libc;
  readonly #recvmsg: () => number;
  readonly #endpoints: EndpointTable;
  readonly #message: SocketMessage;
  readonly #slab: ReceiveSlab;
  /** The datagrams of the latest turn. */
  readonly #datagrams: Datagram[] = [];
  readonly #turn: ReceivedTurn = { datagrams: this.#datagrams, hasMore: false, error: undefined };
  /** The objects of earlier datagrams, for the next ones. */
  readonly #kept: Received[] = [];
  /** The length of each datagram except the last in the latest message; 0 without coalescing. */
  #segment = 0;
  /** The latest message's traffic class; the system coalesces only datagrams with the same one. */
  #trafficClass = 0;

  constructor(libc: Libc, descriptor: number, endpoints: EndpointTable) {
    this.#libc = libc;
    this.#endpoints = endpoints;
    this.#message = new SocketMessage(libc, 1);
    const recvmsg = libc.bind('long recvmsg(int, uintptr_t, int)');
    // V8 would create an object whenever it passes a large number from a field.
    const { address } = this.#message;
    this.#recvmsg = () => recvmsg(descriptor, address, 0);
    this.#slab = new ReceiveSlab(libc, 'datagram', LONGEST_MESSAGE);
  }

  /**
   * Receives the available datagrams, up to the limits for one turn. The result is valid until the
   * next call, and the datagrams' bytes until any descriptor of this thread is read.
   */
  receive(): Readonly<ReceivedTurn> {
    this.#slab.reuse();
    clearList(this.#datagrams);
    this.#turn.error = undefined;
    this.#turn.hasMore = this.#read();
    return this.#turn;
  }

  /** Returns whether reading stopped before the socket was empty. */
  #read(): boolean {
    const datagrams = this.#datagrams;
    let bytes = 0;
    for (let call = 0; call < CALLS_PER_TURN && bytes < BYTES_PER_TURN; call++) {
      this.#message.prepareToReceive();
      this.#message.buffers.set(0, this.#slab.reserve(), LONGEST_MESSAGE);
      const length = this.#recvmsg();
      if (length < 0) {
        const errno = this.#libc.errno();
        if (errno === constants.errno.EINTR) continue;
        if (errno !== constants.errno.EAGAIN)
          this.#turn.error = new SystemCallError('recvmsg', errno);
        return false;
      }
      bytes += length;
      if (!this.#message.isTruncated()) this.#split(length, datagrams);
    }
    return true;
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
      const bytes = this.#slab.part(start + offset, size);
      datagrams.push(this.#datagram(datagrams.length, bytes, endpoint, trafficClass));
      offset += size;
    } while (offset < length);
  }

  /** Returns the datagram with this number in its turn. */
  #datagram(index: number, bytes: Uint8Array, endpoint: Endpoint, trafficClass: number): Received {
    const kept = this.#kept[index];
    if (kept === undefined) {
      const received = new Received(bytes, endpoint, trafficClass);
      if (index < MAX_KEPT) this.#kept.push(received);
      return received;
    }
    kept.bytes = bytes;
    kept.endpoint = endpoint;
    kept.trafficClass = trafficClass;
    return kept;
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
