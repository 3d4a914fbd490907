/** The network inside the tunnel, with the API of Node.js. */
import { addAbortSignal } from 'node:stream';

import { parseIpAddress } from '../../wire/ip-address.js';
import { createLookup, type Lookup, type PromisedLookup } from '../names/lookup.js';
import { type AddressDialer, NameDialer } from '../names/name-dialer.js';
import type { DialledConnection } from './dialled-connection.js';
import { connectError, readHost, readPort, systemError } from './node-errors.js';
import type { OpenSockets } from './open-sockets.js';
import type { Clock } from '../../ports/clock.js';
import type { Entropy } from '../../ports/entropy.js';
import { type ListenOptions, TcpServer } from './tcp-server.js';
import { TcpSocket } from './tcp-socket.js';
import { closingTunnel } from '../server/route.js';
import type { TunnelDialer } from '../tunnel-dialer.js';
import { type MessageListener, UdpSocket, type UdpSocketHost } from './udp-socket.js';

/** Options like those of net.connect(). */
export interface ConnectOptions {
  /** An IP address, or a name to resolve inside the tunnel. */
  readonly host: string;
  readonly port: number | string;
  /** Ends the attempt or the connection with an AbortError. */
  readonly signal?: AbortSignal;
  /** Whether this side can send after the peer has sent FIN; defaults to false. */
  readonly allowHalfOpen?: boolean;
  /** See setKeepAlive(true, keepAliveInitialDelay). */
  readonly keepAlive?: boolean;
  /** The delay in milliseconds before the first keepalive probe. */
  readonly keepAliveInitialDelay?: number;
  /** See setNoDelay(noDelay). */
  readonly noDelay?: boolean;
  /** The idle timeout in milliseconds; see setTimeout(timeout). */
  readonly timeout?: number;
}

export interface NodeNetworkHost extends UdpSocketHost {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly sockets: OpenSockets;
  /** Dials IP addresses. */
  readonly dialer: TunnelDialer;
}

export class NodeNetwork {
  readonly lookup: Lookup;
  readonly promisedLookup: PromisedLookup;
  readonly #host: NodeNetworkHost;
  readonly #servers = new Set<TcpServer>();
  readonly #udpSockets = new Set<UdpSocket>();
  #isClosed = false;

  constructor(host: NodeNetworkHost) {
    this.#host = host;
    const { lookup, promisedLookup } = createLookup(host.names);
    this.lookup = lookup;
    this.promisedLookup = promisedLookup;
  }

  /** @throws RangeError `ERR_SOCKET_BAD_PORT`; TypeError `ERR_INVALID_ARG_TYPE` without a host */
  connect(options: ConnectOptions, onConnect?: () => void): TcpSocket {
    const { allowHalfOpen = false, timeout, noDelay } = options;
    const host = readHost(options.host);
    const port = readPort(options.port, 1);
    const socket = new TcpSocket(this.#host.driver, { allowHalfOpen });
    this.#host.sockets.add(socket);
    if (options.signal) addAbortSignal(options.signal, socket);
    if (timeout !== undefined) socket.setTimeout(timeout);
    if (noDelay !== undefined) socket.setNoDelay(noDelay);
    if (options.keepAlive === true) socket.setKeepAlive(true, options.keepAliveInitialDelay);
    if (onConnect) socket.once('connect', onConnect);
    const isClosed = this.#isClosed;
    if (!socket.destroyed) socket.connectBy((signal) => this.#dial(host, port, signal, isClosed));
    return socket;
  }

  listen(options: ListenOptions, onConnection?: (socket: TcpSocket) => void): TcpServer {
    const server = new TcpServer(this.#host, options);
    if (onConnection) server.on('connection', onConnection);
    server.once('close', () => this.#servers.delete(server));
    server.start(this.#isClosed ? closedTunnel('listen') : undefined);
    if (server.listening) this.#servers.add(server);
    return server;
  }

  createUdpSocket(onMessage?: MessageListener): UdpSocket {
    const socket = new UdpSocket(this.#host, (closed) => this.#udpSockets.delete(closed));
    if (onMessage) socket.on('message', onMessage);
    this.#udpSockets.add(socket);
    return socket;
  }

  /** Closes servers and UDP sockets, and prevents new ones; connections stay open. */
  close(): void {
    this.#isClosed = true;
    for (const server of [...this.#servers]) server.close();
    for (const socket of [...this.#udpSockets]) socket.close();
  }

  /** @throws Error like those of net.connect() */
  async #dial(
    host: string,
    port: number,
    signal: AbortSignal,
    isClosed: boolean,
  ): Promise<DialledConnection> {
    const { dialer, names, clock } = this.#host;
    // If all addresses of a name fail, the error is about the first address.
    let first = parseIpAddress(host) === undefined ? undefined : host;
    const noting: AddressDialer<DialledConnection> = {
      dial: (target, abort) => {
        first ??= target.host;
        return dialer.connect(target, abort);
      },
    };
    try {
      if (isClosed) throw closingTunnel();
      const byName = new NameDialer(names, noting, clock);
      return await byName.dial({ host, port }, signal);
    } catch (error) {
      throw connectError(error, { syscall: 'connect', hostname: host, address: first, port });
    }
  }
}

function closedTunnel(syscall: string): Error {
  return systemError('ECONNABORTED', { syscall }, closingTunnel());
}
