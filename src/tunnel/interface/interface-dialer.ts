/**
 * Dials through the network interface of a tunnel in tun or kernel mode, with the sockets of the
 * operating system. Fails if the system would send to the target outside the interface.
 */
import type { Socket as DgramSocket } from 'node:dgram';
import type { Socket } from 'node:net';

import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { ReceiveQueue } from '../../lib/receive-queue.js';
import type { Clock } from '../../ports/clock.js';
import type { DatagramChannel, DatagramDialer } from '../../proxy/datagram-dialer.js';
import { DialError, type DialFailure, type DialTarget } from '../../proxy/dialer.js';
import type { ConfirmingDialer, ConfirmingStream } from '../../proxy/tcp-exchange.js';
import { maskAddress, parseIpAddress, parseIpPrefix, sameAddress } from '../../wire/ip-address.js';
import { NameDialer } from '../names/name-dialer.js';
import { NameResolver } from '../names/name-resolver.js';
import { maxDatagramPayload } from '../node/datagram-channel.js';
import type { TunnelPorts } from '../tunnel-ports.js';

/** The time in ms after which an unfinished dial fails, as in userspace. */
const DIAL_TIMEOUT = 20_000;

export interface TunnelInterface {
  readonly name: string;
  /** The tunnel's inner addresses, as strings. */
  readonly addresses: readonly string[];
  /** The allowed IPs of all peers, each as `address/length`. */
  readonly allowedIps: readonly string[];
  readonly mtu: number;
  /** The name servers inside the tunnel, as strings. */
  readonly nameServers: readonly string[];
}

/** The sockets of the operating system; see src/system/network/bound-sockets.ts. */
export interface BoundSockets {
  sourceOf(host: string): Promise<string>;
  connect(localAddress: string, target: DialTarget, signal?: AbortSignal): Promise<Socket>;
  connectUdp(localAddress: string, target: DialTarget): Promise<DgramSocket>;
}

export interface InterfaceDialers {
  readonly dialer: ConfirmingDialer;
  readonly datagramDialer: DatagramDialer;
}

export function interfaceDialers(
  tunnel: TunnelInterface,
  sockets: BoundSockets,
  { clock, entropy, log }: Pick<TunnelPorts, 'clock' | 'entropy' | 'log'>,
): InterfaceDialers {
  const streams = new AddressDialer(tunnel, sockets);
  const datagramDialer = new InterfaceDatagramDialer(tunnel, sockets, clock);
  const types = [
    ...(tunnel.addresses.some((address) => !address.includes(':')) ? (['A'] as const) : []),
    ...(tunnel.addresses.some((address) => address.includes(':')) ? (['AAAA'] as const) : []),
  ];
  const names = new NameResolver({
    servers: tunnel.nameServers,
    types,
    datagrams: datagramDialer,
    streams,
    clock,
    entropy,
    log,
  });
  return { dialer: new NameDialer(names, streams, clock), datagramDialer };
}

class AddressDialer implements ConfirmingDialer {
  readonly #tunnel: TunnelInterface;
  readonly #sockets: BoundSockets;

  constructor(tunnel: TunnelInterface, sockets: BoundSockets) {
    this.#tunnel = tunnel;
    this.#sockets = sockets;
  }

  async dial(target: DialTarget, signal?: AbortSignal): Promise<ConfirmingStream> {
    signal?.throwIfAborted();
    const source = await sourceFor(target.host, this.#tunnel, this.#sockets);
    const limit = AbortSignal.timeout(DIAL_TIMEOUT);
    const either = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    try {
      return confirming(await this.#sockets.connect(source, target, either));
    } catch (error) {
      signal?.throwIfAborted();
      if (limit.aborted) throw new DialError('timeout', TEXTS.timeout);
      throw dialError(error);
    }
  }
}

/** The system does not report acknowledgments, so bytes count once the system has them. */
function confirming(socket: Socket): ConfirmingStream {
  return Object.defineProperty(socket, 'unacknowledgedBytes', {
    get: () => socket.writableLength,
  }) as Socket & { readonly unacknowledgedBytes: number };
}

/**
 * Returns the interface's address for the target.
 *
 * @throws DialError `no-route` if the target is outside the allowed IPs, or if the system routes it
 * elsewhere
 */
async function sourceFor(
  host: string,
  { name, addresses, allowedIps }: TunnelInterface,
  sockets: BoundSockets,
): Promise<string> {
  const address = parseIpAddress(host);
  if (address === undefined) throw new DialError('no-route', `${host} is not an IP address`);
  const isAllowed = allowedIps.some((text) => {
    const prefix = parseIpPrefix(text);
    if (prefix?.address.length !== address.length) return false;
    return sameAddress(maskAddress(address, prefix.prefixLength), prefix.address);
  });
  if (!isAllowed) throw new DialError('no-route', `${host} is outside the allowed IPs`);
  const source = await sockets.sourceOf(host).catch((error: unknown) => {
    throw dialError(error);
  });
  // The most specific route decides, for example that of another VPN.
  const own = addresses.find((text) => isSame(text, source));
  if (own === undefined) {
    throw new DialError('no-route', `this system does not route ${host} to ${name}`);
  }
  return own;
}

function isSame(text: string, other: string): boolean {
  const [left, right] = [parseIpAddress(text), parseIpAddress(other)];
  return left !== undefined && right !== undefined && sameAddress(left, right);
}

class InterfaceDatagramDialer implements DatagramDialer {
  readonly #tunnel: TunnelInterface;
  readonly #sockets: BoundSockets;
  readonly #clock: Pick<Clock, 'startTimer'>;

  constructor(tunnel: TunnelInterface, sockets: BoundSockets, clock: Pick<Clock, 'startTimer'>) {
    this.#tunnel = tunnel;
    this.#sockets = sockets;
    this.#clock = clock;
  }

  async open(target: DialTarget, signal?: AbortSignal): Promise<DatagramChannel> {
    signal?.throwIfAborted();
    const source = await sourceFor(target.host, this.#tunnel, this.#sockets);
    const socket = await this.#sockets.connectUdp(source, target).catch((error: unknown) => {
      throw dialError(error);
    });
    const family = target.host.includes(':') ? 6 : 4;
    const maxPayload = maxDatagramPayload(this.#tunnel.mtu, family);
    return new InterfaceChannel(socket, { maxPayload, target, clock: this.#clock });
  }
}

interface InterfaceChannelOptions {
  readonly maxPayload: number;
  readonly target: DialTarget;
  readonly clock: Pick<Clock, 'startTimer'>;
}

class InterfaceChannel implements DatagramChannel {
  readonly maxPayload: number;
  readonly #socket: DgramSocket;
  readonly #target: DialTarget;
  readonly #queue: ReceiveQueue<Uint8Array>;

  constructor(socket: DgramSocket, { maxPayload, target, clock }: InterfaceChannelOptions) {
    this.#socket = socket;
    this.maxPayload = maxPayload;
    this.#target = target;
    this.#queue = new ReceiveQueue(clock);
    socket.on('message', (payload) => this.#queue.push(payload));
    socket.on('error', (error) => this.#queue.fail(this.#explain(error)));
  }

  send(payload: Uint8Array): void {
    const { ended } = this.#queue;
    if (ended !== undefined) throw ended;
    if (payload.length > this.maxPayload) {
      throw new RangeError(`the datagram must be at most ${this.maxPayload} bytes long`);
    }
    // The caller may reuse the payload, and node:dgram sends it later.
    this.#socket.send(Uint8Array.from(payload), (error) => {
      if (error !== null) this.#queue.fail(this.#explain(error));
    });
  }

  receive(timeout: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#queue.receive(timeout, signal);
  }

  close(): void {
    if (this.#queue.ended !== undefined) return;
    this.#queue.close(new DialError('closed', 'the channel is closed'));
    this.#socket.close();
  }

  #explain(error: unknown): DialError {
    const known = dialError(error);
    if (known.reason !== 'refused') return known;
    return new DialError('refused', `UDP port ${this.#target.port} on the target is closed`);
  }
}

const TEXTS = {
  refused: 'the target refused the connection',
  timeout: 'the target is not answering',
  unreachable: 'the target is unreachable',
  'not-ready': "the tunnel's network interface is not available",
} as const;

const FAILURES: Partial<Record<string, keyof typeof TEXTS & DialFailure>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'not-ready',
  ENETDOWN: 'not-ready',
};

function dialError(error: unknown): DialError {
  if (error instanceof DialError) return error;
  const reason = FAILURES[codeOf(error) ?? ''];
  if (reason === undefined) return new DialError('unreachable', messageOf(error));
  return new DialError(reason, TEXTS[reason], { cause: error });
}
