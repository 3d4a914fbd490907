/**
 * A local port that serves HTTP/1.1 clients. client/request-reader.ts reads short requests; Node's
 * HTTP server reads all others, and answers unknown methods with 400. exchange.ts handles a request
 * and its response, client-connection.ts their order on a connection.
 */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { DropCounter } from '../../lib/drop-counter.js';
import { markUsed, oldestIdle } from '../../lib/oldest-idle.js';
import { formatAuthority } from '../../lib/text/http-syntax.js';
import type { DialTarget } from '../dialer.js';
import type { ListenAddress } from '../listen-address.js';
import { openPort, type PortOptions } from '../open-port.js';
import { openPassedSockets, type PassedSockets } from '../open-passed-sockets.js';
import { openSocketFile, type SocketPath } from '../open-socket-file.js';
import { ClientConnection } from './client-connection.js';
import type { ClientMessage } from './client/client-message.js';
import type { Destination, ExchangeContext } from './exchange-context.js';
import type { ForwardFailure } from './failure.js';
import type { KeptConnections } from './target/kept-connections.js';
import * as limits from './limits.js';
import { fieldLines } from './raw-head.js';
import { isSwitchWanted, refusalOf } from './refusal.js';
import type { SpoolKeeper } from '../spool/spool-keeper.js';
import { summedLog } from '../summed-log.js';

export interface HttpListenerOptions
  extends
    Omit<PortOptions, 'listen'>,
    Pick<ExchangeContext, 'route' | 'browsers' | 'headers' | 'dialer'> {
  readonly listen: ListenAddress | SocketPath | PassedSockets;
  /**
   * Answers an origin-form request that is never forwarded; returns false to handle the request as
   * usual.
   */
  readonly answer?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Returns the target of a CONNECT request, or the reason why it is refused. */
  readonly connectTarget: (request: IncomingMessage) => ConnectTarget | ForwardFailure;
  /**
   * Called for each connection before HTTP handling starts.
   *
   * @param asHttp hands the connection to HTTP; call it at most once, before reading any bytes
   * @returns the connection, until HTTP takes it over
   */
  readonly accept?: (socket: Socket, asHttp: () => void) => ListenedConnection;
  /** Milliseconds without progress before the response head arrives. Default 60,000. */
  readonly responseTimeout?: number;
  /**
   * Milliseconds without a byte in either direction while a body is in progress. Default 120,000.
   */
  readonly idleTimeout?: number;
  /**
   * The connections to keep for further requests. By default, each connection is used for one
   * request.
   */
  readonly kept?: KeptConnections;
  /** See ExchangeContext. */
  readonly keeper?: SpoolKeeper | undefined;
  /**
   * Milliseconds until an idle connection is closed; 0 means that only the client closes it.
   * Default 65,000.
   */
  readonly keepAliveTimeout?: number;
  /**
   * The maximum number of client connections. At the limit, a new connection replaces the one that
   * has been idle longest, or is closed immediately if none is idle. Default 1024.
   */
  readonly maxConnections?: number;
  /** Counts dropped UDP datagrams, for listeners that carry UDP. */
  readonly drops?: Pick<DropCounter, 'total'> & Iterable<[string, number]>;
}

/** The target of a CONNECT request, and the tunnel to use instead of the listener's. */
export type ConnectTarget = DialTarget & Pick<Destination, 'via'>;

/** A client connection, as the listener sees it. */
export interface ListenedConnection {
  /** Whether a response is pending or incomplete. */
  readonly isBusy: boolean;
  /** Closes the connection if it waits for a request, unless Node has the connection. */
  closeIfIdle(): void;
  /** Fails the exchange in progress. */
  abort(): void;
}

export interface ListenerCounters {
  /** The number of requests received from clients. */
  readonly requests: number;
  /**
   * The number of requests that ended without the target's whole response, not counting those that
   * the client caused.
   */
  readonly failures: number;
  /** The number of connections whose response is pending or incomplete. */
  readonly active: number;
  /** The UDP datagrams that were dropped, by reason; undefined if none was. */
  readonly dropped?: Readonly<Record<string, number>>;
}

export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #server: Server;
  /** The servers of further sockets, which pass their connections to #server. */
  #others: readonly NetServer[] = [];
  readonly #connections = new Map<Duplex, ListenedConnection>();
  readonly #context: ExchangeContext;
  /** Node's own handler for new connections. */
  readonly #serveHttp: (socket: Socket) => void;
  #requests = 0;
  #failures = 0;
  #authority = '';
  #closed: Promise<void> | undefined;
  #graceTimer: NodeJS.Timeout | undefined;

  constructor(options: HttpListenerOptions) {
    this.#options = options;
    const { route, browsers, headers, dialer } = options;
    const log = summedLog(options.log);
    this.#context = {
      route,
      browsers,
      headers,
      dialer,
      kept: options.kept,
      keeper: options.keeper,
      log,
      responseTimeout: options.responseTimeout ?? limits.RESPONSE_TIMEOUT,
      idleTimeout: options.idleTimeout ?? limits.IDLE_TIMEOUT,
      isClosing: () => this.#closed !== undefined,
      onFailure: () => this.countFailure(),
    };
    const server = createHttpServer(options);
    this.#server = server;
    const listeners = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    this.#serveHttp = (socket) => listeners.forEach((listener) => listener.call(server, socket));
    this.#wire(server);
  }

  /**
   * The address and actual port of the listener, such as `127.0.0.1:8888`, or `unix:` and its path.
   */
  get authority(): string {
    return this.#authority;
  }

  /** The listener's address as a URL, such as `http://127.0.0.1:8888`, or `unix:` and its path. */
  get url(): string {
    return this.authority.startsWith('unix:') ? this.authority : `http://${this.authority}`;
  }

  get counters(): ListenerCounters {
    const active = [...this.#connections.values()].filter(({ isBusy }) => isBusy).length;
    const { drops } = this.#options;
    const dropped = drops !== undefined && drops.total > 0 && Object.fromEntries(drops);
    const { requests, failures } = { requests: this.#requests, failures: this.#failures };
    return { requests, failures, active, ...(dropped && { dropped }) };
  }

  countRequest(): void {
    this.#requests++;
  }

  countFailure(): void {
    this.#failures++;
  }

  /** @throws UserError if the port or the socket cannot be opened */
  async listen(): Promise<void> {
    const { listen, ...options } = this.#options;
    if ('passed' in listen) {
      const { authority, others } = await openPassedSockets(this.#server, listen, options);
      this.#authority = authority;
      this.#others = others;
    } else if ('path' in listen) {
      this.#authority = await openSocketFile(this.#server, listen, options);
    } else {
      this.#authority = formatAuthority(await openPort(this.#server, { ...options, listen }));
    }
  }

  /**
   * Stops accepting connections and requests, lets exchanges in progress finish, and resolves when
   * all connections are closed. A second call may shorten the grace period.
   *
   * @param graceMs milliseconds after which exchanges in progress fail with `closed`
   */
  close({ graceMs }: { graceMs: number }): Promise<void> {
    this.#closed ??= this.#end();
    clearTimeout(this.#graceTimer);
    this.#graceTimer = setTimeout(() => this.#abort(), graceMs);
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#options.kept?.close();
    const closed = [this.#server, ...this.#others].map(
      (server) => new Promise<void>((resolve) => void server.close(() => resolve())),
    );
    for (const connection of this.#connections.values()) connection.closeIfIdle();
    await Promise.all(closed);
    clearTimeout(this.#graceTimer);
  }

  #abort(): void {
    for (const connection of this.#connections.values()) connection.abort();
    // Wait until the failure responses are in the kernel's send buffers.
    setImmediate(() => {
      this.#server.closeAllConnections();
      for (const socket of this.#connections.keys()) socket.destroy();
    });
  }

  #wire(server: Server): void {
    server.on('connection', (socket) => this.#accept(socket));
    server.on('request', (request, response) => this.#takeNode(request, response, false));
    server.on('checkContinue', (request, response) => this.#takeNode(request, response, true));
    server.on('connect', (request, _socket, head) => this.#connect(request, head));
    server.on('upgrade', (request, _socket, head) => this.#upgrade(request, head));
    server.on('clientError', (error, socket) => this.#http(socket)?.handleError(error));
  }

  #accept(socket: Socket): void {
    if (!this.#makeRoom()) {
      socket.destroy();
      return;
    }
    socket.once('close', () => this.#connections.delete(socket));
    const { accept } = this.#options;
    if (accept === undefined) this.#serve(socket);
    else
      this.#connections.set(
        socket,
        accept(socket, () => this.#serve(socket)),
      );
  }

  /**
   * Keeps one client from occupying all connections by closing the oldest idle one: one that is
   * waiting for a request or for the rest of a handshake.
   *
   * @returns false if none is idle
   */
  #makeRoom(): boolean {
    const { maxConnections = limits.MAX_CONNECTIONS } = this.#options;
    if (this.#connections.size < maxConnections) return true;
    const oldest = oldestIdle(this.#connections);
    const outcome =
      oldest === undefined
        ? 'a new connection was closed'
        : 'the oldest idle connection was closed';
    this.#context.log.warn({ maxConnections }, `too many connections: ${outcome}`);
    if (oldest === undefined) return false;
    this.#connections.delete(oldest);
    oldest.destroy();
    return true;
  }

  #serve(socket: Socket): void {
    const { answer } = this.#options;
    const connection = new ClientConnection(socket, this.#context, {
      keepAliveTimeout: this.#server.keepAliveTimeout,
      isForNode: ({ url }) => answer !== undefined && url.startsWith('/'),
      onRequest: (message) => this.#take(message),
      onNode: () => this.#serveHttp(socket),
    });
    this.#connections.set(socket, connection);
    if (this.#closed !== undefined) socket.destroySoon();
  }

  #http(socket: Duplex): ClientConnection | undefined {
    const connection = this.#connections.get(socket);
    return connection instanceof ClientConnection ? connection : undefined;
  }

  #takeNode(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    ignoreErrors(request, response);
    if (this.#options.answer?.(request, response) === true) this.#count(request.socket);
    else this.#take({ request, response, expectsContinue, upgrades: false });
  }

  #take(message: ClientMessage): void {
    const { socket } = message.request;
    this.#count(socket);
    this.#http(socket)?.add(message);
  }

  #count(socket: Socket): void {
    this.#requests++;
    markUsed(this.#connections, socket);
  }

  #connect(request: IncomingMessage, head: Buffer): void {
    const { socket } = request;
    this.#requests++;
    const connection = this.#http(socket);
    const target = refusalOf(request) ?? this.#options.connectTarget(request);
    if ('reason' in target) {
      connection?.refuseAndClose(target);
      return;
    }
    if (head.length > 0) socket.unshift(head);
    const { host, port, via } = target;
    connection?.connect({ host, port }, via);
  }

  /**
   * Handles an Upgrade. Node detaches the connection for each Upgrade; if the upgrade is refused,
   * the connection is returned to Node.
   */
  #upgrade(request: IncomingMessage, head: Buffer): void {
    const { socket } = request;
    const connection = this.#http(socket);
    if (connection === undefined || connection.resetUnlessFree()) return;
    if (head.length > 0) socket.unshift(head);
    if (!isSwitchWanted(request)) {
      socket.unshift(Buffer.from(headWithoutUpgrade(request), 'latin1'));
      this.#serveHttp(socket);
      return;
    }
    this.#requests++;
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    ignoreErrors(request, response);
    connection.add({ request, response, expectsContinue: false, upgrades: true });
  }
}

/** The socket's own listeners handle connection errors. */
function ignoreErrors(request: IncomingMessage, response: ServerResponse): void {
  request.on('error', () => undefined);
  response.on('error', () => undefined);
}

/** The same request without its Upgrade field (RFC 9110 7.8). */
function headWithoutUpgrade({ method, url, rawHeaders, httpVersion }: IncomingMessage): string {
  const fields: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (name.toLowerCase() !== 'upgrade') fields.push(name, value);
  }
  return `${method ?? ''} ${url ?? ''} HTTP/${httpVersion}\r\n${fieldLines(fields)}\r\n`;
}

function createHttpServer({
  keepAliveTimeout = limits.KEEP_ALIVE_TIMEOUT,
}: HttpListenerOptions): Server {
  const server = createServer({
    insecureHTTPParser: false,
    maxHeaderSize: limits.MAX_HEADER_SIZE,
    headersTimeout: limits.HEADERS_TIMEOUT,
    connectionsCheckingInterval: limits.HEADERS_CHECK_INTERVAL,
    keepAliveTimeout,
    // A body may take any amount of time while it makes progress; see exchange.ts.
    requestTimeout: 0,
  });
  // Disables Node's silent limit of 2,000 fields; the head's size limit suffices.
  server.maxHeadersCount = 0;
  return server;
}
