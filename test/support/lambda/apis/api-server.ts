/** The HTTP server of a sandbox, on a free loopback port, for both APIs. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { isExtensionsApi, serveExtensionsApi } from './extensions-api.js';
import { notFound, readBody, refuse } from './replies.js';
import { isRuntimeApi, serveRuntimeApi } from './runtime-api.js';
import type { RuntimeDomain } from './runtime-domain.js';

export class ApiServer {
  /** The running processes; while undefined, all requests are refused. */
  domain: RuntimeDomain | undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    // GET next has no timeout, because it waits for the next invocation.
    this.#server.requestTimeout = 0;
    this.#server.headersTimeout = 0;
    this.#server.keepAliveTimeout = 0;
  }

  static async start(): Promise<ApiServer> {
    const made = new ApiServer();
    made.#server.listen(0, '127.0.0.1');
    await once(made.#server, 'listening');
    return made;
  }

  /** host:port */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that disconnects while it waits is not an error.
    response.on('error', () => undefined);
    const body = await readBody(request);
    const { domain } = this;
    const path = request.url ?? '/';
    if (domain === undefined) refuse(response, 'Sandbox.Gone', 'no process runs here', 500);
    else if (isExtensionsApi(path)) serveExtensionsApi(domain, request, response, body);
    else if (isRuntimeApi(path)) serveRuntimeApi(domain, request, response, body);
    else notFound(response);
  }
}
