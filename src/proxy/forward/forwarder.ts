/**
 * An HTTP/1.1 server on this machine that passes each request to one target inside the tunnel:
 * soraproxy's forwarder to the Unified Endpoint. Method, path, query, header fields, status and
 * bodies go through as they are; header-fields.ts names the exceptions. Requests and answers are in
 * exchange.ts, their order on a connection in client-connection.ts.
 *
 * Not here: CONNECT and protocol upgrades, which are refused, and methods that Node's parser does
 * not know, which it answers with 400.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Dialer, DialTarget } from '../dialer.js';
import { formatAuthority, type ListenAddress } from '../listen-address.js';
import { listenError } from '../listen-error.js';
import { ClientConnection } from '../http/client-connection.js';
import type { ExchangeContext, ForwarderLog } from '../http/exchange.js';
import type { HeaderField } from '../http/header-fields.js';
import * as limits from '../http/limits.js';

export type { ForwarderLog } from '../http/exchange.js';

export interface ForwarderOptions {
  readonly listen: ListenAddress;
  /** IP text and port inside the tunnel. */
  readonly target: DialTarget;
  /**
   * Added to each request, in place of the client's fields of the same name. A `Host` here takes the
   * place of the target's address, which is sent otherwise.
   */
  readonly headers: readonly HeaderField[];
  readonly dialer: Dialer;
  readonly log: ForwarderLog;
  /** Milliseconds without progress until the answer's head is there. Default 60,000. */
  readonly responseTimeout?: number;
  /** Milliseconds without a byte either way while a body is under way. Default 120,000. */
  readonly idleTimeout?: number;
  /** Connections of clients at one time; one more is closed at once. Default 1024. */
  readonly maxConnections?: number;
}

export interface ForwarderCounters {
  /** Requests that clients have sent. */
  readonly requests: number;
  /** Those of them that ended without the target's whole answer, for another cause than the client. */
  readonly failures: number;
  /** Connections that are waiting for an answer, or for the rest of one. */
  readonly active: number;
}

/**
 * Resolves when the port is open.
 *
 * @throws UserError of kind `failed` or `permission` when the port cannot be had
 */
export async function startForwarder(options: ForwarderOptions): Promise<Forwarder> {
  const forwarder = new Forwarder(options);
  await forwarder.listen();
  return forwarder;
}

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #server: Server;
  readonly #connections = new Map<Duplex, ClientConnection>();
  readonly #context: ExchangeContext;
  #requests = 0;
  #failures = 0;
  #url = '';
  #closed: Promise<void> | undefined;
  #graceTimer: NodeJS.Timeout | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#context = {
      target: options.target,
      headers: options.headers,
      dialer: options.dialer,
      log: options.log,
      responseTimeout: options.responseTimeout ?? limits.RESPONSE_TIMEOUT,
      idleTimeout: options.idleTimeout ?? limits.IDLE_TIMEOUT,
      isClosing: () => this.#closed !== undefined,
      onFailure: () => this.#failures++,
    };
    this.#server = createForwardServer(options.maxConnections ?? limits.MAX_CONNECTIONS);
    this.#wire(this.#server);
  }

  /** Where it listens, with the port that it got: `http://127.0.0.1:8888`. */
  get url(): string {
    return this.#url;
  }

  get counters(): ForwarderCounters {
    const active = [...this.#connections.values()].filter(({ isBusy }) => isBusy).length;
    return { requests: this.#requests, failures: this.#failures, active };
  }

  /** @throws UserError when the port cannot be had */
  listen(): Promise<void> {
    const { listen, log } = this.#options;
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException) => reject(listenError(listen, error));
      this.#server.once('error', onError);
      this.#server.listen({ host: listen.host, port: listen.port }, () => {
        this.#server.off('error', onError);
        this.#server.on('error', (error) => log.error({ error: error.message }, 'listener failed'));
        const { address, port } = this.#server.address() as AddressInfo;
        this.#url = `http://${formatAuthority({ host: address, port })}`;
        resolve();
      });
    });
  }

  /**
   * Takes no more connections and requests, lets what runs come to its end, and resolves when
   * nothing is open. A second call may shorten the time.
   *
   * @param graceMs milliseconds after which what still runs fails as `closed`
   */
  close({ graceMs }: { graceMs: number }): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#server.close(() => {
        clearTimeout(this.#graceTimer);
        resolve();
      });
      for (const connection of this.#connections.values()) connection.closeIfSilent();
    });
    clearTimeout(this.#graceTimer);
    this.#graceTimer = setTimeout(() => this.#abort(), graceMs);
    return this.#closed;
  }

  #abort(): void {
    for (const connection of this.#connections.values()) connection.abort();
    // The failures are on their way to the system now; none waits for its client.
    setImmediate(() => this.#server.closeAllConnections());
  }

  #wire(server: Server): void {
    const { log, maxConnections = limits.MAX_CONNECTIONS } = this.#options;
    server.on('connection', (socket) => this.#connect(socket));
    server.on('request', (request, response) => this.#take(request, response, false));
    server.on('checkContinue', (request, response) => this.#take(request, response, true));
    server.on('connect', (request) => this.#refuseConnect(request.socket));
    server.on('clientError', (error, socket) => this.#connections.get(socket)?.handleError(error));
    server.on('drop', () => log.warn({ maxConnections }, 'too many connections: one was dropped'));
  }

  #connect(socket: Socket): void {
    this.#connections.set(socket, new ClientConnection(socket, this.#context));
    socket.once('close', () => this.#connections.delete(socket));
  }

  #take(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    this.#requests++;
    this.#connections.get(request.socket)?.add({ request, response, expectsContinue });
  }

  #refuseConnect(socket: Socket): void {
    this.#requests++;
    const message = 'the forwarder has one target; CONNECT is for proxies';
    this.#connections.get(socket)?.refuseAndClose({ reason: 'method-not-allowed', message });
  }
}

function createForwardServer(maxConnections: number): Server {
  const server = createServer({
    insecureHTTPParser: false,
    maxHeaderSize: limits.MAX_HEADER_SIZE,
    headersTimeout: limits.HEADERS_TIMEOUT,
    connectionsCheckingInterval: limits.HEADERS_CHECK_INTERVAL,
    keepAliveTimeout: limits.KEEP_ALIVE_TIMEOUT,
    // A body may take as long as it makes progress: see exchange.ts.
    requestTimeout: 0,
  });
  server.maxConnections = maxConnections;
  // Node drops what is above its default of 2,000 fields without a word; the size is the bound.
  server.maxHeadersCount = 0;
  return server;
}
