/**
 * The emulator's page: the SIMs, and the messages as they arrive. Its form sends a message to a SIM.
 * The caller has already checked the request's Host and Origin (proxy/http/browser-check.ts), so
 * pages of other origins cannot use the form.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';

import type { WallClock } from '../../ports/clock.js';
import { canStream } from '../../proxy/limit-connections.js';
import { isJson } from '../api/all-operations.js';
import { REFUSALS } from '../api/refusals.js';
import type { ArcNetwork } from '../arc-network.js';
import { type HttpResponse, sendResponse } from '../http-response.js';
import type { Message, MessageStore } from '../messages.js';
import type { PlatformState } from '../platform-state.js';
import { documentText } from './document.js';
import { Downlinks } from './downlink.js';
import { endpointText, MAX_MESSAGES, messageRows } from './message-rows.js';
import { PAGE_PATHS } from './page-paths.js';
import { SCRIPT } from './script.js';
import { simList, simName } from './sim-rows.js';
import { STYLE } from './style.js';
import { eventText, Viewers } from './viewers.js';

export interface EmulatorPageOptions {
  readonly state: Pick<PlatformState, 'sims'>;
  readonly messages: Pick<MessageStore, 'all' | 'subscribe'>;
  readonly network: Pick<ArcNetwork, 'dialer' | 'datagramDialer' | 'lastHandshake'>;
  readonly wallClock: WallClock;
  /** The Arc server's endpoint, to show on the page. */
  readonly endpoint: string;
  /** How often to check whether the SIMs have changed, in milliseconds. */
  readonly refreshInterval?: number;
}

export interface PageCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const REFRESH_INTERVAL = 1_000;

/** Messages that arrive within this many milliseconds are sent to the pages together. */
const MESSAGE_DELAY = 100;

/** Allows nothing but the page's own files, and does not allow other pages to show it in a frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const FIELDS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
};

export class EmulatorPage {
  readonly #options: EmulatorPageOptions;
  readonly #downlinks: Downlinks;
  readonly #viewers = new Viewers((count) => this.#setRefreshing(count > 0));
  readonly #unsubscribe: () => void;
  /** Messages that have not been sent to the pages yet, at most MAX_MESSAGES. */
  #news: Message[] = [];
  #newsTimer: NodeJS.Timeout | undefined;
  #refreshTimer: NodeJS.Timeout | undefined;
  /** The last event about the SIMs. */
  #simsEvent = '';

  constructor(options: EmulatorPageOptions) {
    this.#options = options;
    this.#downlinks = new Downlinks({ sims: options.state.sims, network: options.network });
    this.#unsubscribe = options.messages.subscribe((message) => this.#addNews(message));
  }

  close(): void {
    this.#unsubscribe();
    this.#downlinks.close();
    this.#viewers.close();
    this.#setRefreshing(false);
    clearTimeout(this.#newsTimer);
  }

  /** Answers a request for one of PAGE_PATHS from this machine. */
  async answer(call: PageCall, response: ServerResponse): Promise<void> {
    const { path, method } = call;
    const isPost = path === PAGE_PATHS.downlink;
    if (isPost ? method !== 'POST' : method !== 'GET' && method !== 'HEAD') {
      sendResponse(response, REFUSALS.methodUnknown, '  ');
    } else if (path === PAGE_PATHS.events) {
      this.#openEvents(response, method);
    } else {
      sendResponse(response, isPost ? await this.#sendDownlink(call) : this.#file(path), '  ');
    }
  }

  #openEvents(response: ServerResponse, method: string): void {
    if (method === 'HEAD') response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end();
    else if (!canStream(response)) sendResponse(response, REFUSALS.pipelined, '  ');
    else if (this.#viewers.isFull) sendResponse(response, REFUSALS.tooManyViewers, '  ');
    else {
      this.#simsEvent = this.#createSimsEvent();
      const { messages, state } = this.#options;
      const all = messages.all().slice(-MAX_MESSAGES);
      const rows = messageRows(all, state.sims);
      this.#viewers.add(response, this.#simsEvent + eventText('messages', { rows }));
    }
  }

  #file(path: string): HttpResponse {
    if (path === PAGE_PATHS.style) return file('text/css', STYLE);
    if (path === PAGE_PATHS.script) return file('text/javascript', SCRIPT);
    const { state, messages, endpoint } = this.#options;
    return file(
      'text/html',
      documentText({
        endpoint,
        sims: this.#simList(),
        messageRows: messageRows(messages.all(), state.sims),
      }),
    );
  }

  /** A browser sends this body type to another origin only if that origin allows it (Fetch 4.8). */
  #sendDownlink({ headers, body }: PageCall): Promise<HttpResponse> {
    return isJson(headers) ? this.#downlinks.send(body) : Promise.resolve(REFUSALS.bodyNotJson);
  }

  #setRefreshing(isRefreshing: boolean): void {
    if (isRefreshing === (this.#refreshTimer !== undefined)) return;
    clearInterval(this.#refreshTimer);
    const { refreshInterval = REFRESH_INTERVAL } = this.#options;
    this.#refreshTimer = isRefreshing
      ? setInterval(() => this.#refresh(), refreshInterval).unref()
      : undefined;
  }

  #refresh(): void {
    const event = this.#createSimsEvent();
    if (event === this.#simsEvent) return;
    this.#simsEvent = event;
    this.#viewers.send(event);
  }

  #addNews(message: Message): void {
    if (this.#refreshTimer === undefined) return;
    this.#news.push(message);
    if (this.#news.length > MAX_MESSAGES) this.#news.shift();
    this.#newsTimer ??= setTimeout(() => this.#sendNews(), MESSAGE_DELAY).unref();
  }

  #sendNews(): void {
    this.#newsTimer = undefined;
    const news = this.#news;
    this.#news = [];
    const last = news.at(-1);
    if (last === undefined) return;
    const { sims } = this.#options.state;
    const sim = sims.get(last.simId);
    const summary = `${endpointText(last)} from ${sim ? simName(sim) : last.simId}`;
    this.#viewers.send(eventText('news', { rows: messageRows(news, sims), summary }));
  }

  #createSimsEvent(): string {
    return eventText('sims', this.#simList());
  }

  #simList(): ReturnType<typeof simList> {
    const { state, messages, network, wallClock } = this.#options;
    return simList({ sims: state.sims, messages, network, now: wallClock.unixMilliseconds() });
  }
}

function file(type: string, body: string): HttpResponse {
  return { status: 200, headers: { ...FIELDS, 'Content-Type': `${type}; charset=utf-8` }, body };
}
