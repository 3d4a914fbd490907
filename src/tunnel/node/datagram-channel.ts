import type { NetstackEngine, UdpError, UdpSocket } from '../../engine/netstack-engine.js';
import { abortable } from '../../lib/waits.js';
import type { DatagramHandlers, PushedChannel } from '../../proxy/datagram-dialer.js';
import { DialError } from '../../proxy/dialer.js';
import type { SocketAddress } from '../../wire/ip-address.js';
import type { Driver } from '../driver.js';
import { ADDRESS_GONE } from './node-errors.js';

/** The maximum number of datagrams queued for receive(); further datagrams are dropped. */
const MAX_WAITING = 64;

/** The combined length of the IP and UDP headers in bytes. */
const IPV4_HEADERS = 20 + 8;
const IPV6_HEADERS = 40 + 8;

/**
 * Returns the maximum datagram payload in bytes, for packets of at most `mtu` bytes. Such a
 * datagram is fragmented only if the path's MTU is smaller than the tunnel's.
 */
export function maxDatagramPayload(mtu: number, family: 4 | 6 = 4): number {
  return mtu - (family === 4 ? IPV4_HEADERS : IPV6_HEADERS);
}

export interface DatagramChannelHost {
  readonly engine: NetstackEngine;
  readonly driver: Driver;
  /** The maximum size of an IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  readonly onClose: () => void;
}

/** The callbacks of a pending receive(). */
interface Receiver {
  readonly take: (payload: Uint8Array) => void;
  readonly fail: (error: DialError) => void;
}

/** A UDP port in the netstack that is connected to one remote endpoint. */
export class TunnelDatagramChannel implements PushedChannel {
  readonly maxPayload: number;
  readonly #host: DatagramChannelHost;
  readonly #socket: UdpSocket;
  readonly #waiting: Uint8Array[] = [];
  #receiver: Receiver | undefined;
  #handlers: DatagramHandlers | undefined;
  #error: DialError | undefined;
  #closed = false;

  /** @throws DialError `exhausted`; the tunnel must have an address of the target's family */
  constructor(host: DatagramChannelHost, remote: SocketAddress) {
    this.#host = host;
    this.maxPayload = maxDatagramPayload(host.mtu, remote.address.length === 16 ? 6 : 4);
    try {
      this.#socket = host.engine.stack.connectUdp(
        remote,
        (payload) => this.#handleDatagram(payload),
        (error) => this.#handleError(error),
        { onAddressGone: () => this.#lose() },
      );
    } catch (error) {
      throw new DialError('exhausted', 'no UDP port is free', { cause: error });
    }
  }

  send(payload: Uint8Array): void {
    const end = this.#end();
    if (end !== undefined) throw end;
    if (payload.length > this.maxPayload) {
      throw new RangeError(
        `the datagram is ${payload.length} bytes long, but must be at most ${this.maxPayload} bytes to fit into a packet`,
      );
    }
    const taken = this.#socket.send(payload);
    this.#host.driver.schedule();
    if (!taken) throw new DialError('exhausted', 'too many datagrams are waiting to be sent');
  }

  receive(timeout: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    if (this.#receiver !== undefined)
      throw new TypeError('only one receive() call is allowed at a time');
    const next = this.#waiting.shift();
    if (next !== undefined) return Promise.resolve(next);
    const error = this.#end() ?? this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error);
    return this.#wait(timeout, signal);
  }

  subscribe(handlers: DatagramHandlers): void {
    this.#handlers = handlers;
    for (const payload of this.#waiting.splice(0)) handlers.onDatagram(payload);
    if (this.#error !== undefined) handlers.onError(this.#error);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers = undefined;
    this.#socket.close();
    this.#waiting.length = 0;
    this.#receiver?.fail(closedError());
    this.#host.onClose();
  }

  /** Returns the error if the channel has ended; otherwise undefined. */
  #end(): DialError | undefined {
    if (this.#closed) return closedError();
    return this.#socket.isClosed ? addressGone() : undefined;
  }

  #wait(timeout: number, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    return abortable<Uint8Array | undefined>(signal, (resolve, reject) => {
      const timer = this.#host.driver.startTimer(timeout, () => resolve(undefined));
      this.#receiver = { take: resolve, fail: reject };
      return () => {
        timer.cancel();
        this.#receiver = undefined;
      };
    });
  }

  #handleDatagram(payload: Uint8Array): void {
    if (this.#handlers !== undefined) this.#handlers.onDatagram(payload);
    else if (this.#receiver !== undefined) this.#receiver.take(payload);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(payload);
  }

  #handleError({ kind, remote }: UdpError): void {
    if (kind !== 'port-unreachable' && kind !== 'unreachable') return;
    const error =
      kind === 'port-unreachable'
        ? new DialError('refused', `UDP port ${remote.port} on the target is closed`)
        : new DialError('unreachable', 'the target is unreachable');
    if (this.#handlers !== undefined) this.#handlers.onError(error);
    else if (this.#receiver !== undefined) this.#receiver.fail(error);
    else this.#error = error;
  }

  #lose(): void {
    this.#handlers?.onError(addressGone());
    this.#receiver?.fail(addressGone());
  }
}

function addressGone(): DialError {
  return new DialError('unreachable', ADDRESS_GONE);
}

function closedError(): DialError {
  return new DialError('closed', 'the channel is closed');
}
