import type { NetstackEngine, UdpError, UdpSocket } from '../../engine/netstack-engine.js';
import { ReceiveQueue } from '../../lib/receive-queue.js';
import type { DatagramHandlers, PushedChannel } from '../../proxy/datagram-dialer.js';
import { DialError } from '../../proxy/dialer.js';
import type { SocketAddress } from '../../wire/ip-address.js';
import type { Driver } from '../driver.js';
import type { BudgetGuard } from '../traffic/budget-gate.js';
import { ADDRESS_GONE } from './node-errors.js';

/** The combined length of the headers of IP and of UDP or ICMP echo in bytes. */
const IPV4_HEADERS = 20 + 8;
const IPV6_HEADERS = 40 + 8;

/**
 * Returns the maximum payload in bytes of UDP or ICMP echo, for packets of at most `mtu` bytes. Such
 * a payload is fragmented only if the path's MTU is smaller than the tunnel's.
 */
export function maxDatagramPayload(mtu: number, family: 4 | 6 = 4): number {
  return mtu - (family === 4 ? IPV4_HEADERS : IPV6_HEADERS);
}

export interface ChannelHost {
  readonly engine: NetstackEngine;
  readonly driver: Driver;
  /** The maximum size of an IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  readonly budget?: BudgetGuard | undefined;
  readonly onClose: () => void;
}

export abstract class TunnelChannel<Item, Socket extends { close(): void }> {
  readonly maxPayload: number;
  protected readonly host: ChannelHost;
  protected readonly socket: Socket;
  protected readonly queue: ReceiveQueue<Item, DialError>;
  #isClosed = false;

  /**
   * @param family that of the target; the tunnel must have such an address
   * @param open opens the socket, whose items go to the queue
   * @param full why open() has thrown an exception
   * @throws DialError `exhausted`
   */
  constructor(
    host: ChannelHost,
    family: 4 | 6,
    open: (queue: ReceiveQueue<Item, DialError>) => Socket,
    full: string,
  ) {
    this.host = host;
    this.queue = new ReceiveQueue(host.driver);
    this.maxPayload = maxDatagramPayload(host.mtu, family);
    try {
      this.socket = open(this.queue);
    } catch (error) {
      throw new DialError('exhausted', full, { cause: error });
    }
  }

  receive(timeout: number, signal?: AbortSignal): Promise<Item | undefined> {
    return this.queue.receive(timeout, signal);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.socket.close();
    this.queue.close(new DialError('closed', 'the channel is closed'));
    this.host.onClose();
  }

  /** Call this before a payload is given to the socket. @throws see DatagramChannel */
  protected requireSendable(payload: Uint8Array): void {
    const { ended } = this.queue;
    if (ended !== undefined) throw ended;
    this.host.budget?.require();
    if (payload.length <= this.maxPayload) return;
    throw new RangeError(
      `the payload is ${payload.length} bytes long, but must be at most ${this.maxPayload} bytes to fit into a packet`,
    );
  }

  /** Call this with the socket's answer. @throws DialError `exhausted` */
  protected sent(isTaken: boolean): void {
    this.host.driver.schedule();
    if (!isTaken) throw new DialError('exhausted', 'too many packets are waiting to be sent');
  }
}

/** Why a channel ends if the tunnel's address has changed. */
export function addressGone(): DialError {
  return new DialError('unreachable', ADDRESS_GONE);
}

/** A UDP port in the netstack that is connected to one remote endpoint. */
export class TunnelDatagramChannel
  extends TunnelChannel<Uint8Array, UdpSocket>
  implements PushedChannel
{
  constructor(host: ChannelHost, remote: SocketAddress) {
    const open = (queue: ReceiveQueue<Uint8Array, DialError>): UdpSocket =>
      host.engine.stack.connectUdp(
        remote,
        (payload) => queue.push(payload),
        (error) => handleError(queue, error),
        { onAddressGone: () => queue.end(addressGone()) },
      );
    super(host, remote.address.length === 16 ? 6 : 4, open, 'no UDP port is free');
  }

  send(payload: Uint8Array): void {
    this.requireSendable(payload);
    this.sent(this.socket.send(payload));
  }

  subscribe({ onDatagram, onError }: DatagramHandlers): void {
    this.queue.subscribe({ onItem: onDatagram, onError });
  }
}

function handleError(queue: ReceiveQueue<Uint8Array, DialError>, { kind, remote }: UdpError): void {
  if (kind !== 'port-unreachable' && kind !== 'unreachable') return;
  const error =
    kind === 'port-unreachable'
      ? new DialError('refused', `UDP port ${remote.port} on the target is closed`)
      : new DialError('unreachable', 'the target is unreachable');
  queue.fail(error);
}
