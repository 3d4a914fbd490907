/**
 * The Unified Endpoint over HTTP. Each request is recorded under the SIM that sent it and answered
 * 201 with an empty body, whatever its method and path.
 *
 * Node's own server parses the requests. It was made for sockets and leaves every deadline to
 * them, so each stream has one timer here.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { WallClock } from '../../lib/clock.js';
import { DropCounter } from '../../lib/drop-counter.js';
import type { SocketAddress } from '../../wire/ip-address.js';
import { encodeBody, type MessageStore } from '../messages.js';
import type { PlatformState } from '../platform-state.js';

/** Milliseconds. */
export interface UnifiedEndpointTimeouts {
  /** From the connection, or from the last answer, to the next request's last header. */
  readonly idle: number;
  /** From a request's last header to its answer. */
  readonly request: number;
}

export interface UnifiedEndpointOptions {
  readonly sims: Pick<PlatformState, 'simByAddress'>;
  readonly messages: MessageStore;
  readonly wallClock: WallClock;
  readonly timeouts?: UnifiedEndpointTimeouts;
}

export type ConnectionDropReason = 'no-sim' | 'too-many';

/** Of each body so many bytes are kept; the rest is counted. */
export const KEPT_BODY_BYTES = 64 * 1024;

export const MAX_CONNECTIONS = 1024;

const MAX_HEADER_BYTES = 16 * 1024;
const DEFAULT_TIMEOUTS: UnifiedEndpointTimeouts = { idle: 75_000, request: 600_000 };

export class UnifiedEndpoint {
  /** Connections that were not served. */
  readonly drops = new DropCounter<ConnectionDropReason>();
  readonly #options: UnifiedEndpointOptions;
  readonly #timeouts: UnifiedEndpointTimeouts;
  readonly #server: Server;
  readonly #connections = new Map<Duplex, Connection>();

  constructor(options: UnifiedEndpointOptions) {
    this.#options = options;
    this.#timeouts = options.timeouts ?? DEFAULT_TIMEOUTS;
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) =>
      this.#handleRequest(request, response),
    );
    this.#server.on('clientError', refuseMalformed);
  }

  /** Serves one TCP connection of a client inside the tunnel. */
  readonly handleConnection = (stream: Duplex, remote: SocketAddress): void => {
    // A connection that breaks is the client's affair.
    stream.on('error', () => undefined);
    const simId = this.#options.sims.simByAddress(remote.address)?.simId;
    if (simId === undefined || this.#connections.size >= MAX_CONNECTIONS) {
      this.drops.count(simId === undefined ? 'no-sim' : 'too-many');
      stream.destroy();
      return;
    }
    const connection = new Connection(simId, stream);
    this.#connections.set(stream, connection);
    stream.once('close', () => {
      connection.disarm();
      this.#connections.delete(stream);
    });
    connection.arm(this.#timeouts.idle);
    this.#server.emit('connection', stream);
  };

  /** Destroys all connections. */
  close(): void {
    for (const stream of this.#connections.keys()) stream.destroy();
  }

  #handleRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined) return;
    connection.arm(this.#timeouts.request);
    const kept = Buffer.alloc(Math.min(KEPT_BODY_BYTES, contentLength(request)));
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      if (bytes < kept.length) chunk.copy(kept, bytes);
      bytes += chunk.length;
    });
    request.on('end', () => {
      this.#record(connection.simId, request, kept.subarray(0, bytes), bytes);
      response.writeHead(201, { 'Content-Length': '0' }).end();
    });
    response.once('finish', () => connection.arm(this.#timeouts.idle));
  }

  #record(simId: string, request: IncomingMessage, kept: Uint8Array, bytes: number): void {
    this.#options.messages.add({
      simId,
      at: new Date(this.#options.wallClock.unixMilliseconds()).toISOString(),
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      ...encodeBody(kept, bytes),
    });
  }
}

/** One client's connection, with the deadline of what it is waiting for. */
class Connection {
  readonly simId: string;
  readonly #stream: Duplex;
  #timer: NodeJS.Timeout | undefined;

  constructor(simId: string, stream: Duplex) {
    this.simId = simId;
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

/** Node would destroy the stream behind its answer, and a stream of the netstack is reset by that. */
function refuseMalformed(error: NodeJS.ErrnoException, stream: Duplex): void {
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const reason = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request';
  if (stream.writable) stream.end(`HTTP/1.1 ${reason}\r\nConnection: close\r\n\r\n`);
}

/** The announced length of the body; unbounded where it comes in chunks. */
function contentLength({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return Infinity;
  return Number(headers['content-length'] ?? 0);
}
