import type { EchoError, EchoSocket, NetstackEngine } from '../../engine/netstack-engine.js';
import { ReceiveQueue } from '../../lib/receive-queue.js';
import { DialError } from '../../proxy/dialer.js';
import type { EchoChannel, EchoEvent } from '../../proxy/echo-dialer.js';
import { formatIpAddress, type IpAddress } from '../../wire/ip-address.js';
import type { Driver } from '../driver.js';
import type { BudgetGuard } from '../traffic/budget-gate.js';
import { echoErrorText } from './echo-error-text.js';
import { ADDRESS_GONE } from './node-errors.js';

/** The combined length of the IP and ICMP headers in bytes. */
const IPV4_HEADERS = 20 + 8;
const IPV6_HEADERS = 40 + 8;

export interface EchoChannelHost {
  readonly engine: NetstackEngine;
  readonly driver: Driver;
  /** The maximum size of an IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  readonly budget?: BudgetGuard | undefined;
  readonly onClose: () => void;
}

/** An echo socket of the netstack. */
export class TunnelEchoChannel implements EchoChannel {
  readonly address: string;
  readonly maxPayload: number;
  readonly #host: EchoChannelHost;
  readonly #socket: EchoSocket;
  readonly #isIpv6: boolean;
  readonly #queue: ReceiveQueue<EchoEvent, DialError>;
  #closed = false;

  /** @throws DialError `exhausted`; the tunnel must have an address of the target's family */
  constructor(host: EchoChannelHost, remote: IpAddress) {
    this.#host = host;
    this.#queue = new ReceiveQueue(host.driver);
    this.address = formatIpAddress(remote);
    this.#isIpv6 = remote.length === 16;
    this.maxPayload = host.mtu - (this.#isIpv6 ? IPV6_HEADERS : IPV4_HEADERS);
    try {
      this.#socket = host.engine.stack.openEcho(remote, {
        onReply: ({ hopLimit, ...reply }) =>
          this.#queue.push({ kind: 'reply', at: host.driver.now(), ttl: hopLimit, ...reply }),
        onError: (error) => this.#handleError(error),
        onAddressGone: () => this.#queue.end(addressGone()),
      });
    } catch (error) {
      throw new DialError('exhausted', 'too many pings are running', { cause: error });
    }
  }

  send(sequence: number, payload: Uint8Array): number {
    const { ended } = this.#queue;
    if (ended !== undefined) throw ended;
    this.#host.budget?.require();
    if (payload.length > this.maxPayload) {
      throw new RangeError(
        `the payload is ${payload.length} bytes long, but must be at most ${this.maxPayload} bytes to fit into a packet`,
      );
    }
    const isTaken = this.#socket.send(sequence, payload);
    this.#host.driver.schedule();
    if (!isTaken) throw new DialError('exhausted', 'too many packets are waiting to be sent');
    return this.#host.driver.now();
  }

  receive(timeout: number, signal?: AbortSignal): Promise<EchoEvent | undefined> {
    return this.#queue.receive(timeout, signal);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    this.#queue.close(closedError());
    this.#host.onClose();
  }

  #handleError(error: EchoError): void {
    this.#queue.push({
      kind: 'error',
      sequence: error.sequence,
      at: this.#host.driver.now(),
      from: formatIpAddress(error.from),
      text: echoErrorText(error, this.#isIpv6),
    });
  }
}

function addressGone(): DialError {
  return new DialError('unreachable', ADDRESS_GONE);
}

function closedError(): DialError {
  return new DialError('closed', 'the channel is closed');
}
