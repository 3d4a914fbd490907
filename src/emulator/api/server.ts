/**
 * The API over HTTP, for loopback. Under /v1 stands what the OpenAPI document describes; under
 * /emulator, what a test wants to see: which messages arrived and which calls were made.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { OpenAPIBackend } from 'openapi-backend';

import type { WallClock } from '../../lib/clock.js';
import type { MessageStore } from '../messages.js';
import { type Answer, REFUSALS } from './answer.js';
import { createHandlers, type HandlerOptions } from './handlers.js';
import { API_ROOT, OPENAPI_DOCUMENT } from './openapi.js';
import { type ApiRequest, hideCredentials, RequestLog } from './request-log.js';

export interface ApiServerOptions extends HandlerOptions {
  readonly messages: MessageStore;
  readonly wallClock: WallClock;
  /** Called for each request under /v1 when its answer is known, before it is sent. */
  readonly onRequest?: (request: ApiRequest) => void;
}

export interface ApiServer {
  /** Listens. @throws Error with the system's `code` (EADDRINUSE, EACCES …) */
  listen(host: string, port: number): Promise<{ address: string; port: number }>;
  /** Ends all connections; resolves when nothing is open any more. */
  close(): Promise<void>;
}

/** Bytes. The largest body of the operations here is below 1 KiB. */
export const MAX_BODY_BYTES = 64 * 1024;

const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};
const MAX_CONNECTIONS = 256;

/** Prepares the server; nothing is open before `listen`. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const backend = new OpenAPIBackend({
    definition: OPENAPI_DOCUMENT,
    apiRoot: API_ROOT,
    strict: true,
    // Checks and compiles nothing ahead of time; that the document is valid is a test's business.
    quick: true,
    ignoreTrailingSlashes: false,
    ...createHandlers(options),
  });
  await backend.init();
  const exchange = new ApiExchange(backend, options);
  const server = createServer(LIMITS, (request, response) => {
    void exchange.handle(request, response);
  });
  server.maxConnections = MAX_CONNECTIONS;
  return { listen: (host, port) => listen(server, host, port), close: () => close(server) };
}

class ApiExchange {
  readonly #backend: OpenAPIBackend;
  readonly #options: ApiServerOptions;
  readonly #requests = new RequestLog();

  constructor(backend: OpenAPIBackend, options: ApiServerOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { path, query } = splitTarget(request);
    const body = await readBody(request);
    if (body === 'aborted') return;
    // The prefix is checked here: openapi-backend would take /v1sims for /v1/sims.
    if (!path.startsWith(`${API_ROOT}/`)) {
      send(response, this.#inspect(request, path, query), '  ');
      return;
    }
    const answer = await this.#call(request, path, body);
    this.#log(request, answer);
    send(response, answer);
  }

  /** The emulator's own paths. */
  #inspect({ method }: IncomingMessage, path: string, query: URLSearchParams): Answer {
    const view = this.#view(path, query.get('simId'));
    if (view === undefined) return REFUSALS.pathUnknown;
    return method === 'GET' ? { status: 200, body: view } : REFUSALS.methodUnknown;
  }

  #view(path: string, simId: string | null): object | undefined {
    const { messages } = this.#options;
    if (path === '/emulator/requests') return this.#requests.all();
    if (path !== '/emulator/messages') return undefined;
    return simId === null ? messages.all() : messages.of(simId);
  }

  async #call(
    request: IncomingMessage,
    path: string,
    body: Exclude<Body, 'aborted'>,
  ): Promise<Answer> {
    if (body === 'too-large') return REFUSALS.bodyTooLarge;
    // None of the operations has a query, and the validator need not meet one.
    const { method = '' } = request;
    const headers = request.headers as Record<string, string>;
    try {
      const call = { method, path, headers, body: body.text };
      const answer: unknown = await this.#backend.handleRequest(call);
      return answer as Answer;
    } catch (error) {
      return error instanceof URIError ? REFUSALS.pathMalformed : REFUSALS.internal;
    }
  }

  #log(request: IncomingMessage, { status }: Answer): void {
    const record: ApiRequest = {
      at: new Date(this.#options.wallClock.unixMilliseconds()).toISOString(),
      method: request.method ?? '',
      path: request.url ?? '',
      headers: hideCredentials(request.headers),
      status,
    };
    this.#requests.add(record);
    this.#options.onRequest?.(record);
  }
}

function splitTarget({ url = '' }: IncomingMessage): { path: string; query: URLSearchParams } {
  const [path = '', ...query] = url.split('?');
  return { path, query: new URLSearchParams(query.join('?')) };
}

type Body = { readonly text: string } | 'too-large' | 'aborted';

/** The whole body, within MAX_BODY_BYTES and the server's request timeout. */
function readBody(request: IncomingMessage): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
      else resolve('too-large');
    });
    request.on('end', () => resolve({ text: Buffer.concat(chunks).toString() }));
    request.on('error', () => resolve('aborted'));
    request.on('close', () => resolve('aborted'));
  });
}

function send(response: ServerResponse, { status, body }: Answer, indent = ''): void {
  if (body === undefined) {
    response.writeHead(status).end();
    return;
  }
  const text = Buffer.from(`${JSON.stringify(body, undefined, indent)}\n`);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': text.length };
  // The rest of a body that nobody reads would stand before the next request.
  if (status === REFUSALS.bodyTooLarge.status) response.setHeader('Connection', 'close');
  response.writeHead(status, headers).end(text);
}

function listen(
  server: Server,
  host: string,
  port: number,
): Promise<{ address: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      if (address === null || typeof address === 'string') throw new TypeError('no IP socket');
      resolve({ address: address.address, port: address.port });
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
