import type { EchoError, EchoSocket, NetstackEngine } from '../../engine/netstack-engine.js';
import { abortable } from '../../lib/waits.js';
import { DialError } from '../../proxy/dialer.js';
import type { EchoChannel, EchoEvent } from '../../proxy/echo-dialer.js';
import { formatIpAddress, type IpAddress } from '../../wire/ip-address.js';
import type { Driver } from '../driver.js';
import { echoErrorText } from './echo-error-text.js';
import { ADDRESS_GONE } from './node-errors.js';

/** The maximum number of events queued for receive(); further events are lost. */
const MAX_WAITING = 64;

/** The combined length of the IP and ICMP headers in bytes. */
const IPV4_HEADERS = 20 + 8;
const IPV6_HEADERS = 40 + 8;

export interface EchoChannelHost {
  readonly engine: NetstackEngine;
  readonly driver: Driver;
  /** The maximum size of an IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  readonly onClose: () => void;
}

/** The callbacks of a pending receive(). */
interface Receiver {
  readonly take: (event: EchoEvent) => void;
  readonly fail: (error: DialError) => void;
}

/** An echo socket of the netstack. */
export class TunnelEchoChannel implements EchoChannel {
  readonly address: string;
  readonly maxPayload: number;
  readonly #host: EchoChannelHost;
  readonly #socket: EchoSocket;
  readonly #isIpv6: boolean;
  readonly #waiting: EchoEvent[] = [];
  #receiver: Receiver | undefined;
  #closed = false;

  /** @throws DialError `exhausted`; the tunnel must have an address of the target's family */
  constructor(host: EchoChannelHost, remote: IpAddress) {
    this.#host = host;
    this.address = formatIpAddress(remote);
    this.#isIpv6 = remote.length === 16;
    this.maxPayload = host.mtu - (this.#isIpv6 ? IPV6_HEADERS : IPV4_HEADERS);
    try {
      this.#socket = host.engine.stack.openEcho(remote, {
        onReply: ({ hopLimit, ...reply }) =>
          this.#handle({ kind: 'reply', at: host.driver.now(), ttl: hopLimit, ...reply }),
        onError: (error) => this.#handleError(error),
        onAddressGone: () => this.#receiver?.fail(addressGone()),
      });
    } catch (error) {
      throw new DialError('exhausted', 'too many pings are running', { cause: error });
    }
  }

  send(sequence: number, payload: Uint8Array): number {
    const end = this.#end();
    if (end !== undefined) throw end;
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
    if (this.#receiver !== undefined)
      throw new TypeError('only one receive() call is allowed at a time');
    const next = this.#waiting.shift();
    if (next !== undefined) return Promise.resolve(next);
    const end = this.#end();
    if (end !== undefined) return Promise.reject(end);
    return abortable<EchoEvent | undefined>(signal, (resolve, reject) => {
      const timer = this.#host.driver.startTimer(timeout, () => resolve(undefined));
      this.#receiver = { take: resolve, fail: reject };
      return () => {
        timer.cancel();
        this.#receiver = undefined;
      };
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
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

  #handleError(error: EchoError): void {
    this.#handle({
      kind: 'error',
      sequence: error.sequence,
      at: this.#host.driver.now(),
      from: formatIpAddress(error.from),
      text: echoErrorText(error, this.#isIpv6),
    });
  }

  #handle(event: EchoEvent): void {
    if (this.#receiver !== undefined) this.#receiver.take(event);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(event);
  }
}

function addressGone(): DialError {
  return new DialError('unreachable', ADDRESS_GONE);
}

function closedError(): DialError {
  return new DialError('closed', 'the channel is closed');
}
