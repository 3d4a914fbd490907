import type { NetstackEngine, UdpError, UdpSocket } from '../../engine/netstack-engine.js';
import { ReceiveQueue } from '../../lib/receive-queue.js';
import type { DatagramHandlers, PushedChannel } from '../../proxy/datagram-dialer.js';
import { DialError } from '../../proxy/dialer.js';
import type { SocketAddress } from '../../wire/ip-address.js';
import type { Driver } from '../driver.js';
import type { BudgetGuard } from '../traffic/budget-gate.js';
import { ADDRESS_GONE } from './node-errors.js';

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
  readonly budget?: BudgetGuard | undefined;
  readonly onClose: () => void;
}

/** A UDP port in the netstack that is connected to one remote endpoint. */
export class TunnelDatagramChannel implements PushedChannel {
  readonly maxPayload: number;
  readonly #host: DatagramChannelHost;
  readonly #socket: UdpSocket;
  readonly #queue: ReceiveQueue<Uint8Array, DialError>;
  #closed = false;

  /** @throws DialError `exhausted`; the tunnel must have an address of the target's family */
  constructor(host: DatagramChannelHost, remote: SocketAddress) {
    this.#host = host;
    this.#queue = new ReceiveQueue(host.driver);
    this.maxPayload = maxDatagramPayload(host.mtu, remote.address.length === 16 ? 6 : 4);
    try {
      this.#socket = host.engine.stack.connectUdp(
        remote,
        (payload) => this.#queue.push(payload),
        (error) => this.#handleError(error),
        { onAddressGone: () => this.#queue.end(addressGone()) },
      );
    } catch (error) {
      throw new DialError('exhausted', 'no UDP port is free', { cause: error });
    }
  }

  send(payload: Uint8Array): void {
    const { ended } = this.#queue;
    if (ended !== undefined) throw ended;
    this.#host.budget?.require();
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
    return this.#queue.receive(timeout, signal);
  }

  subscribe({ onDatagram, onError }: DatagramHandlers): void {
    this.#queue.subscribe({ onItem: onDatagram, onError });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    this.#queue.close(closedError());
    this.#host.onClose();
  }

  #handleError({ kind, remote }: UdpError): void {
    if (kind !== 'port-unreachable' && kind !== 'unreachable') return;
    const error =
      kind === 'port-unreachable'
        ? new DialError('refused', `UDP port ${remote.port} on the target is closed`)
        : new DialError('unreachable', 'the target is unreachable');
    this.#queue.fail(error);
  }
}

function addressGone(): DialError {
  return new DialError('unreachable', ADDRESS_GONE);
}

function closedError(): DialError {
  return new DialError('closed', 'the channel is closed');
}
