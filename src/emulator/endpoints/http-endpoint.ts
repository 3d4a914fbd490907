/**
 * An HTTP server inside the tunnel. Node's HTTP server parses the requests. Most of Node's timeouts
 * require sockets, so this file has its own timer for each stream.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { SocketAddress } from '../../wire/ip-address.js';
import type { Sim } from '../sim.js';
import type { Sims } from '../sims.js';
import { SimEndpoint } from './sim-endpoint.js';

/** The timeouts of a connection, in milliseconds. */
export interface HttpTimeouts {
  /**
   * The timeout from the connection or the last response to the end of the next request's headers.
   */
  readonly idle: number;
  /** The timeout from the end of a request's headers to its response. */
  readonly request: number;
}

export type RequestHandler = (sim: Sim, request: IncomingMessage, response: ServerResponse) => void;

const MAX_HEADER_BYTES = 16 * 1024;
const DEFAULT_TIMEOUTS: HttpTimeouts = { idle: 75_000, request: 600_000 };

export class HttpEndpoint extends SimEndpoint {
  readonly #onRequest: RequestHandler;
  readonly #timeouts: HttpTimeouts;
  readonly #server: Server;
  readonly #connections = new WeakMap<Duplex, Connection>();

  constructor(
    sims: Pick<Sims, 'byAddress'>,
    onRequest: RequestHandler,
    timeouts: HttpTimeouts = DEFAULT_TIMEOUTS,
  ) {
    super(sims);
    this.#onRequest = onRequest;
    this.#timeouts = timeouts;
    // Node announces its own timeout to clients, and ends a stream after it, 5 s by default.
    const limits = { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: timeouts.idle };
    this.#server = createServer(limits, (request, response) =>
      this.#handleRequest(request, response),
    );
    this.#server.on('clientError', refuseMalformed);
  }

  /** Serves one TCP connection of a client inside the tunnel. */
  readonly handleConnection = (stream: Duplex, remote: SocketAddress): void => {
    if (this.admit(stream, remote) === undefined) return;
    const connection = new Connection(remote, stream);
    this.#connections.set(stream, connection);
    stream.once('close', () => connection.disarm());
    connection.arm(this.#timeouts.idle);
    this.#server.emit('connection', stream);
  };

  #handleRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined) return;
    const sim = this.sims.byAddress(connection.remote.address);
    if (sim === undefined) return;
    connection.arm(this.#timeouts.request);
    response.once('finish', () => connection.arm(this.#timeouts.idle));
    this.#onRequest(sim, request, response);
  }
}

/** One client connection with its current timeout. */
class Connection {
  readonly remote: SocketAddress;
  readonly #stream: Duplex;
  #timer: NodeJS.Timeout | undefined;

  constructor(remote: SocketAddress, stream: Duplex) {
    this.remote = remote;
    this.#stream = stream;
  }

  arm(timeout: number): void {
    this.disarm();
    if (this.#stream.destroyed) return;
    this.#timer = setTimeout(() => this.#stream.destroy(), timeout).unref();
  }

  disarm(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * Ends the stream after the error response. Node would destroy the stream, which resets a netstack
 * connection.
 */
function refuseMalformed(error: NodeJS.ErrnoException, stream: Duplex): void {
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const reason = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request';
  if (stream.writable) stream.end(`HTTP/1.1 ${reason}\r\nConnection: close\r\n\r\n`);
}
