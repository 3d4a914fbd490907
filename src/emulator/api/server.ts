/**
 * The emulator's HTTP server. /v1 serves the API of the OpenAPI document, /metadata serves the
 * metadata service for cellular connections, and /emulator serves the test paths. Injected faults
 * apply to /v1 and /metadata.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

import type { WallClock } from '../../ports/clock.js';
import {
  type BrowserPolicy,
  checkBrowser,
  CLOSED_TO_PAGES,
  REFUSAL_STATUS,
} from '../../proxy/http/browser-check.js';
import { closeServer, limitConnections } from '../../proxy/limit-connections.js';
import { type Fault, Faults } from '../faults.js';
import { type HttpResponse, sendResponse, sendHalf } from '../http-response.js';
import type { MessageStore } from '../messages.js';
import { metadataResponse } from '../metadata.js';
import { notSaved, pageRefused, REFUSALS } from './refusals.js';
import type { CallNotes } from './api-context.js';
import { faultResponse, isCarriedOut } from './fault-response.js';
import type { HandlerOptions } from './all-operations.js';
import { API_ROOT } from './openapi.js';
import type { ArcNetwork } from '../arc-network.js';
import type { EmulatorPage } from '../page/emulator-page.js';
import { isPagePath } from '../page/page-paths.js';
import { isOwnMachine } from './own-machine.js';
import { ownResponse } from './own-paths.js';
import { type ApiRequest, hideCredentials, RequestLog } from './request-log.js';
import { type ApiCall, createApiRouter, type ApiRouter } from './router.js';

export interface ApiServerOptions extends HandlerOptions {
  readonly messages: MessageStore;
  /** The Arc server's network, through which SIMs are pinged, and the page sends downlinks. */
  readonly network: Pick<ArcNetwork, 'dialer' | 'datagramDialer' | 'lastHandshake' | 'ping'>;
  readonly wallClock: WallClock;
  /** Which requests browsers may send. */
  readonly browsers?: BrowserPolicy;
  /** Replaces the Arc server's key. */
  readonly renewServerKey: () => void;
  /** Called for each call when its response is known, before the response is sent. */
  readonly onRequest?: (request: ApiRequest) => void;
  /**
   * Called after each call that may have changed the state, before the response is sent.
   * @throws Error that explains why the state could not be saved
   */
  readonly saveState?: () => Promise<void>;
}

export interface ApiServer {
  /** Starts listening. @throws Error with the system's `code` (EADDRINUSE, EACCES …) */
  listen(host: string, port: number): Promise<{ address: string; port: number }>;
  /** Closes all connections; resolves when everything is closed. */
  close(): Promise<void>;
}

/** The maximum body size in bytes. No API operation needs a body larger than 16 KiB. */
export const MAX_BODY_BYTES = 64 * 1024;

/** The base path of the metadata service for cellular connections. */
export const METADATA_ROOT = '/metadata';

const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};

const MAX_CONNECTIONS = 256;

/** Prepares the server, which does not open a socket before `listen`. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const exchange = new ApiExchange(await createApiRouter(options), options);
  const server = createServer(LIMITS, (request, response) => {
    // An error in one call must end only that call, not the emulator.
    exchange.handle(request, response).catch(() => response.destroy());
  });
  limitConnections(server, MAX_CONNECTIONS);
  return {
    listen: (host, port) => listen(server, host, port),
    close: async () => {
      await exchange.close();
      await closeServer(server);
    },
  };
}

class ApiExchange {
  readonly #router: ApiRouter;
  readonly #options: ApiServerOptions;
  readonly #browsers: BrowserPolicy;
  readonly #requests = new RequestLog();
  readonly #faults = new Faults();
  /** The page, which is loaded at its first request. */
  #page: Promise<EmulatorPage> | undefined;

  constructor(router: ApiRouter, options: ApiServerOptions) {
    this.#router = router;
    this.#options = options;
    // GET requests are always allowed, because no GET operation changes anything.
    this.#browsers = { ...CLOSED_TO_PAGES, ...options.browsers, areReadsFree: true };
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = checkBrowser(request, response, this.#browsers);
    if (refusal === 'answered') return;
    if (refusal !== undefined) {
      sendResponse(response, pageRefused(REFUSAL_STATUS[refusal.reason], refusal.message), '  ');
      return;
    }
    const body = await readBody(request);
    if (body === 'aborted') return;
    const call = { ...splitTarget(request), headers: request.headers, body };
    // Check the prefix here, because openapi-backend would treat /v1sims as /v1/sims.
    if ([API_ROOT, METADATA_ROOT].some((root) => call.path.startsWith(`${root}/`))) {
      await this.#answer(call, request, response);
    } else {
      const isLocal = isOwnMachine(request.socket.remoteAddress);
      if (isLocal && isPagePath(call.path)) await this.#answerPage(call, response);
      else sendResponse(response, await this.#own(call, isLocal), '  ');
    }
  }

  async close(): Promise<void> {
    (await this.#page)?.close();
  }

  async #answerPage({ body, ...call }: Call, response: ServerResponse): Promise<void> {
    if (body === 'too-large') {
      deliver(response, REFUSALS.bodyTooLarge, undefined);
      return;
    }
    this.#page ??= this.#loadPage();
    await (await this.#page).answer({ ...call, body: body.text }, response);
  }

  async #loadPage(): Promise<EmulatorPage> {
    const { EmulatorPage } = await import('../page/emulator-page.js');
    return new EmulatorPage({ ...this.#options, endpoint: this.#options.arcServer.endpoint });
  }

  /** Handles a call to the API or the metadata service. */
  async #answer(call: Call, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = this.#router.operationOf(call);
    const fault = this.#faults.take({ operation, method: call.method, path: call.path });
    const notes: CallNotes = {};
    const isMet = fault === undefined || isCarriedOut(fault);
    const own = isMet ? await this.#carryOut(call, notes) : undefined;
    const answer = fault === undefined ? own : faultResponse(fault, own);
    const isCut = fault?.cut === 'before' || fault?.cut === 'after';
    this.#log(request, isCut ? 0 : (answer?.status ?? 0), notes);
    if (fault !== undefined) await pause(response, fault.delayMs);
    if (response.destroyed) return;
    if (answer === undefined || isCut) request.socket.destroy();
    else deliver(response, answer, fault);
  }

  async #carryOut({ body, ...call }: Call, notes: CallNotes): Promise<HttpResponse> {
    if (body === 'too-large') return REFUSALS.bodyTooLarge;
    if (call.path.startsWith(METADATA_ROOT)) {
      const { sims, groups } = this.#options.state;
      const path = call.path.slice(METADATA_ROOT.length);
      return metadataResponse(groups, sims.line(), { method: call.method, path });
    }
    const answer = await this.#router.answer({ ...call, body: body.text }, notes);
    return this.#saved(answer);
  }

  /** Handles a call to the emulator's own paths. */
  async #own({ body, ...call }: Call, isLocal: boolean): Promise<HttpResponse> {
    if (body === 'too-large') return REFUSALS.bodyTooLarge;
    const { state, messages, renewServerKey } = this.#options;
    const options = {
      state,
      messages,
      requests: this.#requests,
      faults: this.#faults,
      renewServerKey,
    };
    return this.#saved(ownResponse(options, { ...call, isLocal, body: body.text }));
  }

  /** Saves the state to disk, if configured, before the response is sent. */
  async #saved(answer: HttpResponse): Promise<HttpResponse> {
    try {
      await this.#options.saveState?.();
      return answer;
    } catch (error) {
      return notSaved((error as Error).message);
    }
  }

  #log(request: IncomingMessage, status: number, notes: CallNotes): void {
    const record: ApiRequest = {
      at: new Date(this.#options.wallClock.unixMilliseconds()).toISOString(),
      method: request.method ?? '',
      path: request.url ?? '',
      headers: hideCredentials(request.headers),
      status,
      ...notes,
    };
    this.#requests.add(record);
    this.#options.onRequest?.(record);
  }
}

interface Call extends Omit<ApiCall, 'body'> {
  readonly body: Exclude<Body, 'aborted'>;
}

function splitTarget({
  method = '',
  url = '',
}: IncomingMessage): Omit<ApiCall, 'headers' | 'body'> {
  const [path = '', ...query] = url.split('?');
  return { method, path, query: new URLSearchParams(query.join('?')) };
}

function deliver(response: ServerResponse, answer: HttpResponse, fault: Fault | undefined): void {
  if (fault?.cut === 'within') {
    sendHalf(response, answer);
    return;
  }
  // Unread body bytes would be parsed as the next request.
  if (answer === REFUSALS.bodyTooLarge) response.setHeader('connection', 'close');
  sendResponse(response, answer);
}

/** Waits for the given milliseconds, or until the client disconnects. */
async function pause(response: ServerResponse, delay: number): Promise<void> {
  if (delay === 0 || response.destroyed) return;
  const ended = new AbortController();
  response.once('close', () => ended.abort());
  await setTimeout(delay, undefined, ended).catch(() => undefined);
}

type Body = { readonly text: string } | 'too-large' | 'aborted';

/** Reads the whole body, within MAX_BODY_BYTES and the server's request timeout. */
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

async function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  await once(server.listen(port, host), 'listening');
  return server.address() as AddressInfo;
}
