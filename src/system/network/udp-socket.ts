/** Datagram sockets with node:dgram, which is available on every platform. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

import type { DatagramSocket, DatagramSockets } from '../../ports/datagram-sockets.js';
import type { Datagram, Endpoint } from '../../ports/datagram.js';
import { whenDrained } from './when-drained.js';

/**
 * The buffer size to request, in bytes. The request may fail, because the size exceeds Linux's
 * default limit.
 */
const SOCKET_BUFFER = 4 * 1024 * 1024;

/**
 * The maximum number of senders to remember, so that each sender keeps the same Endpoint object.
 */
const ENDPOINT_CACHE = 256;

export const udpSockets: DatagramSockets = {
  async open({ address, port, fwmark = 0 }) {
    if (fwmark !== 0) throw noMark();
    const socket = createSocket({
      type: isIPv6(address) ? 'udp6' : 'udp4',
      // Skip the resolver and its turn of the event loop, because destinations are always IP
      // addresses.
      lookup: (host, _options, done) => done(null, host, isIPv6(host) ? 6 : 4),
    });
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: Error) => {
        socket.close();
        reject(error);
      };
      socket.once('error', refuse);
      socket.bind({ address, port, exclusive: true }, () => {
        socket.off('error', refuse);
        resolve();
      });
    });
    try {
      socket.setRecvBufferSize(SOCKET_BUFFER);
      socket.setSendBufferSize(SOCKET_BUFFER);
    } catch {
      // Ignore an error, because a smaller buffer only reduces the speed.
    }
    return new DgramSocket(socket);
  },
};

/**
 * Builds the error for a mark, which node:dgram cannot set. Without the mark, datagrams could be
 * routed into their own tunnel.
 */
function noMark(): Error {
  return Object.assign(new Error('packets can be marked only with batched sockets'), {
    code: 'ENOTSUP',
  });
}

function invalidPort(): Error {
  return Object.assign(new Error('cannot send to port 0'), { code: 'EINVAL' });
}

class DgramSocket implements DatagramSocket {
  readonly localAddress: string;
  readonly localPort: number;
  onReceive: (datagrams: readonly Datagram[]) => void = () => undefined;
  onDrain: () => void = () => undefined;
  onError: (error: Error, unsent?: Datagram) => void = () => undefined;
  readonly #socket: Socket;
  readonly #endpoints = new Map<string, Endpoint>();
  #received: Datagram[] = [];
  #queuedBytes = 0;
  #closed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.localAddress = address;
    this.localPort = port;
    socket.on('error', (error) => this.onError(error));
    socket.on('message', (bytes, from) => this.#collect(bytes, from));
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get isFlushed(): boolean {
    return this.#queuedBytes === 0;
  }

  send(datagrams: readonly Datagram[]): void {
    if (this.#closed) return;
    for (const datagram of datagrams) {
      const { bytes, endpoint } = datagram;
      const size = bytes.length;
      const settle = (error: Error | null) => {
        this.#queuedBytes -= size;
        if (error !== null && !this.#closed) this.onError(error, datagram);
        if (this.#queuedBytes === 0 && !this.#closed) this.onDrain();
      };
      this.#queuedBytes += size;
      // A datagram can arrive from port 0, but node:dgram throws an exception for an answer to it.
      if (endpoint.port === 0) process.nextTick(settle, invalidPort());
      else this.#socket.send(bytes, endpoint.port, endpoint.address, settle);
    }
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      // close() drops queued datagrams, so wait until the kernel has accepted them.
      const finish = () => {
        this.#closed = true;
        this.#socket.close(() => resolve());
      };
      whenDrained(this, this.#queuedBytes === 0, finish);
    });
  }

  /** Collects the datagrams of one turn of the event loop, to deliver them together. */
  #collect(bytes: Uint8Array, from: RemoteInfo): void {
    if (this.#received.length === 0) setImmediate(() => this.#flush());
    this.#received.push({ bytes, endpoint: this.#endpoint(from) });
  }

  #flush(): void {
    const received = this.#received;
    this.#received = [];
    if (!this.#closed) this.onReceive(received);
  }

  #endpoint({ address, port }: RemoteInfo): Endpoint {
    const key = `${address} ${port}`;
    let endpoint = this.#endpoints.get(key);
    if (endpoint === undefined) {
      if (this.#endpoints.size >= ENDPOINT_CACHE) this.#endpoints.clear();
      endpoint = { address, port };
      this.#endpoints.set(key, endpoint);
    }
    return endpoint;
  }
}
