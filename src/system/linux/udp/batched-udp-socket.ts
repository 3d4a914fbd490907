/**
 * UDP sockets that handle many datagrams in one system call if Linux supports this: UDP_SEGMENT for
 * sending, UDP_GRO for receiving. Otherwise each datagram takes one call.
 */
import { release } from 'node:os';

import type { DatagramSocket, DatagramSockets } from '../../../ports/datagram-sockets.js';
import type { Datagram } from '../../../ports/datagram.js';
import { DatagramReceiver } from './datagram-receiver.js';
import { DatagramSender, type Segmentation } from './datagram-sender.js';
import { EndpointTable } from './endpoint-table.js';
import type { Libc } from '../libc.js';
import { whenDrained } from '../../network/when-drained.js';
import { Watch } from '../readiness.js';
import { type UdpDescriptor, UdpDescriptors } from './udp-descriptor.js';

/** The first kernel version that handles coalesced datagrams correctly; as in wireguard-go. */
const FIRST_TO_COALESCE = { major: 5, minor: 12 };

/**
 * Creates sockets that share one setting: if segmentation fails on one socket, none of them tries
 * it again.
 *
 * @param kernelRelease in uname(2)'s format
 */
export function batchedUdpSockets(libc: Libc, kernelRelease = release()): DatagramSockets {
  const descriptors = new UdpDescriptors(libc);
  const coalesces = canCoalesce(kernelRelease);
  let segmentation: Segmentation | undefined;
  return {
    open: (local) =>
      // Inside a promise, an exception becomes a rejection.
      new Promise((resolve) => {
        const bound = descriptors.open(local);
        segmentation ??= { isOn: descriptors.probeSegmentation(bound.descriptor) };
        if (coalesces) descriptors.enableCoalescing(bound.descriptor);
        try {
          resolve(new BatchedUdpSocket(libc, { descriptors, bound, segmentation }));
        } catch (error) {
          descriptors.close(bound.descriptor);
          throw error;
        }
      }),
  };
}

function canCoalesce(kernelRelease: string): boolean {
  const [major = 0, minor = 0] = kernelRelease.split('.').map((part) => Number.parseInt(part, 10));
  if (major !== FIRST_TO_COALESCE.major) return major > FIRST_TO_COALESCE.major;
  return minor >= FIRST_TO_COALESCE.minor;
}

interface OpenedSocket {
  readonly descriptors: UdpDescriptors;
  readonly bound: UdpDescriptor;
  readonly segmentation: Segmentation;
}

class BatchedUdpSocket implements DatagramSocket {
  readonly localAddress: string;
  readonly localPort: number;
  onReceive: (datagrams: readonly Datagram[]) => void = () => undefined;
  onDrain: () => void = () => undefined;
  onError: (error: Error, unsent?: Datagram) => void = () => undefined;
  readonly #sender: DatagramSender;
  readonly #receiver: DatagramReceiver;
  readonly #watch: Watch;
  readonly #closeDescriptor: () => void;
  /** The datagrams that the system could not accept yet, starting at #queueHead. */
  #queue: Datagram[] = [];
  #queueHead = 0;
  #queuedBytes = 0;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(libc: Libc, { descriptors, bound, segmentation }: OpenedSocket) {
    const { descriptor } = bound;
    this.localAddress = bound.localAddress;
    this.localPort = bound.localPort;
    const endpoints = new EndpointTable(descriptors.addresses, bound.family);
    const onUnsent = (error: Error, unsent: Datagram) => this.#report(error, unsent);
    const shared = { descriptor, endpoints, segmentation, onUnsent };
    this.#sender = new DatagramSender(libc, shared);
    this.#receiver = new DatagramReceiver(libc, descriptor, endpoints);
    this.#closeDescriptor = () => descriptors.close(descriptor);
    this.#watch = new Watch(libc, descriptor, {
      onReadable: () => this.#receive(),
      onWritable: () => this.#sendQueue(),
    });
    this.#watch.wantReadable(true);
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get isFlushed(): boolean {
    return this.#queue.length === 0;
  }

  send(datagrams: readonly Datagram[]): void {
    if (this.#isClosed) return;
    const isWaiting = this.#queue.length > 0;
    const next = isWaiting ? 0 : this.#sender.send(datagrams, 0);
    for (let index = next; index < datagrams.length; index++) {
      const datagram = datagrams[index] as Datagram;
      this.#queue.push(datagram);
      this.#queuedBytes += datagram.bytes.length;
    }
    if (this.#queue.length > 0) this.#watch.wantWritable(true);
  }

  close(): Promise<void> {
    return (this.#closing ??= new Promise((resolve) => {
      const finish = () => {
        this.#isClosed = true;
        this.#watch.close();
        this.#closeDescriptor();
        resolve();
      };
      whenDrained(this, this.#queue.length === 0, finish);
    }));
  }

  #receive(): boolean {
    const { datagrams, hasMore, error } = this.#receiver.receive();
    if (datagrams.length > 0) this.onReceive(datagrams);
    if (error !== undefined && !this.#isClosed) this.onError(error);
    return hasMore;
  }

  #sendQueue(): void {
    const next = this.#sender.send(this.#queue, this.#queueHead);
    for (; this.#queueHead < next; this.#queueHead++) {
      this.#queuedBytes -= (this.#queue[this.#queueHead] as Datagram).bytes.length;
    }
    if (next < this.#queue.length) {
      this.#shortenQueue();
      return;
    }
    this.#queue = [];
    this.#queueHead = 0;
    this.#watch.wantWritable(false);
    this.onDrain();
  }

  /** Removes sent datagrams in large steps, because each step moves the rest of the queue. */
  #shortenQueue(): void {
    if (this.#queueHead * 2 < this.#queue.length) return;
    this.#queue.splice(0, this.#queueHead);
    this.#queueHead = 0;
  }

  /** Reports an error later, like dgram, so that onError is never called during send(). */
  #report(error: Error, { bytes, ...rest }: Datagram): void {
    // The caller may overwrite the bytes before the report.
    const unsent = { ...rest, bytes: bytes.slice() };
    queueMicrotask(() => {
      if (!this.#isClosed) this.onError(error, unsent);
    });
  }
}
