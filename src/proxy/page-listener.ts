/** A local port that serves a few status pages to probes. Only GET and HEAD are allowed. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { messageOf } from '../lib/errors/error-message.js';
import { formatAuthority } from '../lib/text/http-syntax.js';
import {
  type BrowserPolicy,
  checkBrowser,
  CLOSED_TO_PAGES,
  REFUSAL_STATUS,
} from './http/browser-check.js';
import { closeServer, limitConnections } from './limit-connections.js';
import { openPort, type PortOptions } from './open-port.js';

export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Further header fields. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request itself, for as long as it wants. Must not throw or reject. */
export type Stream = (request: IncomingMessage, response: ServerResponse) => void;

export interface PageListenerOptions extends Omit<PortOptions, 'risk'> {
  /** The page for each path, generated for each request. */
  readonly pages: ReadonlyMap<string, () => Promise<Page>>;
  /** The stream for each path. */
  readonly streams?: ReadonlyMap<string, Stream>;
  /** Which browser requests to allow. */
  readonly browsers?: BrowserPolicy;
}

/** The maximum size of a request head in bytes. */
const MAX_HEADER_SIZE = 8 * 1024;

/** The time limit, in milliseconds, for a whole request and for a connection without a request. */
const REQUEST_TIMEOUT = 10_000;
const KEEP_ALIVE_TIMEOUT = 5_000;

/** The interval in milliseconds at which Node checks connections against REQUEST_TIMEOUT. */
const CHECK_INTERVAL = 5_000;

/** The connection limit; see limitConnections(). */
const MAX_CONNECTIONS = 64;

/**
 * Starts the listener and resolves when the port is open.
 *
 * @throws UserError of kind `failed` or `permission` if the port cannot be opened
 */
export async function startPageListener(options: PageListenerOptions): Promise<PageListener> {
  const listener = new PageListener(options);
  await listener.listen();
  return listener;
}

export class PageListener {
  readonly #options: PageListenerOptions;
  readonly #server: Server;

  constructor(options: PageListenerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_SIZE,
        headersTimeout: REQUEST_TIMEOUT,
        requestTimeout: REQUEST_TIMEOUT,
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
        connectionsCheckingInterval: CHECK_INTERVAL,
      },
      (request, response) => void this.#answer(request, response),
    );
    limitConnections(this.#server, MAX_CONNECTIONS);
  }

  /** The listener's address and actual port as a URL, such as `http://127.0.0.1:9100`. */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${formatAuthority({ host: address, port })}`;
  }

  /** @throws UserError if the port cannot be opened */
  async listen(): Promise<void> {
    await openPort(this.#server, { ...this.#options, risk: 'see the state of this tunnel' });
  }

  /** Closes all connections immediately, because responses to probes need not be completed. */
  close(): Promise<void> {
    return closeServer(this.#server);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Serving a page has no side effects, so reads are always allowed.
    const policy = { ...CLOSED_TO_PAGES, ...this.#options.browsers, areReadsFree: true };
    const refusal = checkBrowser(request, response, policy);
    if (refusal === 'answered') return;
    const stream = refusal === undefined ? this.#streamFor(request) : undefined;
    if (stream !== undefined) {
      stream(request, response);
      return;
    }
    const { status, contentType, body, headers } =
      refusal === undefined
        ? await this.#pageFor(request)
        : textPage(REFUSAL_STATUS[refusal.reason], refusal.message);
    response.writeHead(status, {
      'Content-Type': contentType,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      ...headers,
      ...(status === 405 && { Allow: 'GET, HEAD' }),
    });
    // Node omits the body for HEAD.
    response.end(body);
  }

  #streamFor(request: IncomingMessage): Stream | undefined {
    return isRead(request) ? this.#options.streams?.get(pathOf(request)) : undefined;
  }

  async #pageFor(request: IncomingMessage): Promise<Page> {
    const { pages, streams } = this.#options;
    const path = pathOf(request);
    const page = pages.get(path);
    if (page === undefined && streams?.has(path) !== true)
      return textPage(404, `not found; available paths: ${this.#paths()}`);
    if (page === undefined || !isRead(request))
      return textPage(405, 'only GET and HEAD are supported');
    try {
      return await page();
    } catch (error) {
      this.#options.log.error({ error: messageOf(error) }, `cannot create the page ${path}`);
      return textPage(500, 'cannot create this page');
    }
  }

  #paths(): string {
    const paths = [...this.#options.pages.keys(), ...(this.#options.streams?.keys() ?? [])];
    // The files of a page are of no use without the page.
    return paths.filter((path) => !path.includes('.')).join(', ');
  }
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?')[0] ?? '';
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

export function textPage(status: number, line: string): Page {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${line}\n` };
}
