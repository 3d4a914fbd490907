/**
 * Sends a view to each listening page every second, as server-sent events (HTML 9.2). Without
 * listeners, nothing is computed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Clock, Timer } from '../../ports/clock.js';
import { canStream } from '../limit-connections.js';

export interface EventStreamOptions {
  /** Returns the data of the next event. Must not reject. */
  readonly view: () => Promise<object>;
  readonly clock: Clock;
}

/** The interval of the events in milliseconds. */
const INTERVAL = 1_000;

/** A listener is dropped if it has read nothing for this number of intervals. */
const MAX_MISSED = 30;

/** The maximum number of listeners; further ones get 503. */
const MAX_LISTENERS = 16;

/** How soon a page reconnects, in milliseconds. */
const RETRY = `retry: 2000\n\n`;

/** A comment, which keeps the connection alive while a view is not ready. */
const HEARTBEAT = ': waiting\n\n';

export class EventStream {
  readonly #options: EventStreamOptions;
  /** The listeners, each with the number of events that it has missed in a row. */
  readonly #listeners = new Map<ServerResponse, number>();
  #timer: Timer | undefined;
  #isAsking = false;
  #isClosed = false;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  /** The number of listeners. */
  get size(): number {
    return this.#listeners.size;
  }

  /** Answers a request with events until either side closes the connection. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    if (this.#isClosed || this.#listeners.size >= MAX_LISTENERS) {
      refuse(response, 'too many pages are listening; close one of them');
      return;
    }
    if (request.method !== 'HEAD' && !canStream(response)) {
      refuse(response, 'send this request on another connection');
      return;
    }
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    this.#listeners.set(response, 0);
    response.on('error', () => undefined);
    response.once('close', () => this.#remove(response));
    response.write(RETRY);
    void this.#send();
    if (this.#timer === undefined) this.#arm();
  }

  /** Ends all connections. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const response of this.#listeners.keys()) response.destroy();
    this.#listeners.clear();
  }

  #arm(): void {
    this.#timer = this.#options.clock.startTimer(INTERVAL, () => {
      if (this.#isAsking) this.#writeAll(HEARTBEAT);
      else void this.#send();
      if (this.#listeners.size > 0) this.#arm();
      else this.#timer = undefined;
    });
  }

  async #send(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const view = await this.#options.view();
    this.#isAsking = false;
    this.#writeAll(`data: ${JSON.stringify(view)}\n\n`);
  }

  /** Skips listeners whose last event is still waiting, so that nothing piles up. */
  #writeAll(text: string): void {
    for (const [response, missed] of this.#listeners) {
      if (!response.writableNeedDrain) {
        this.#listeners.set(response, 0);
        response.write(text);
      } else if (missed >= MAX_MISSED) {
        response.destroy();
      } else {
        this.#listeners.set(response, missed + 1);
      }
    }
  }

  #remove(response: ServerResponse): void {
    this.#listeners.delete(response);
    if (this.#listeners.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

function refuse(response: ServerResponse, why: string): void {
  response.writeHead(503, { 'Content-Type': 'text/plain', 'Retry-After': '10' }).end(`${why}\n`);
}
