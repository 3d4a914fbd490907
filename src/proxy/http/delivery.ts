/**
 * Sends one request over a reused or a new connection, and sends it again if the target has
 * certainly not read it (docs/decisions/0003-keep-upstream-connections.md).
 */
import type { Duplex } from 'node:stream';

import type { ChosenTunnel } from '../authentication/tunnel-choice.js';
import { DialError, failedDial } from '../dialer.js';
import type { Destination, ExchangeContext } from './exchange-context.js';
import type { ForwardFailure } from './failure.js';
import type { ForwardedRequest } from './forwarded-request.js';
import { bindConnection } from './header-fields.js';
import { keepAliveTimeout, type ResponseHead } from './response-head.js';
import type { ResponseHandler } from './response-parser.js';
import { Upstream, type UpstreamHandler } from './target/upstream.js';

/**
 * How long, in ms, a short request waits for its body before it uses a new connection. Many clients
 * write the head and the body one after the other.
 */
const BODY_TIMEOUT = 20;

/**
 * Receives the response, or the reason why it is incomplete. Called until finish() or destroy().
 */
export interface DeliveryHandler extends ResponseHandler {
  fail(failure: ForwardFailure): void;
  /** Bytes were sent or received. */
  progress(): void;
}

export interface DeliveredRequest {
  readonly destination: Destination;
  readonly forwarded: ForwardedRequest;
  readonly method: string;
  readonly upgrades: boolean;
}

export class Delivery implements UpstreamHandler {
  readonly #context: ExchangeContext;
  readonly #request: DeliveredRequest;
  /** The tunnel of the request. */
  readonly #via: Pick<ChosenTunnel, 'dialer' | 'kept'>;
  readonly #handler: DeliveryHandler;
  #dialing: AbortController | undefined;
  #bodyTimer: NodeJS.Timeout | undefined;
  #upstream: Upstream | undefined;
  #head: ResponseHead | undefined;
  /** Whether the connection was used for an earlier request. */
  #isReused = false;
  /** Whether the request let the target keep the connection open (RFC 9112 9.6). */
  #keepsAlive = false;
  #mayHaveArrived = false;
  #isOver = false;

  constructor(request: DeliveredRequest, context: ExchangeContext, handler: DeliveryHandler) {
    this.#context = context;
    this.#request = request;
    this.#via = request.destination.via ?? context;
    this.#handler = handler;
  }

  /** Whether the target may have read the request. */
  get mayHaveArrived(): boolean {
    return this.#mayHaveArrived;
  }

  /** Starts the delivery. Call read() on the request first. */
  start(): void {
    if (!this.#mayReuse()) void this.#dial();
    else if (this.#request.forwarded.isWhole) this.#reuse();
    else {
      this.#bodyTimer = setTimeout(() => {
        this.#bodyTimer = undefined;
        void this.#dial();
      }, BODY_TIMEOUT);
    }
  }

  /** The whole body has arrived. */
  bodyArrived(): void {
    if (this.#bodyTimer === undefined) return;
    clearTimeout(this.#bodyTimer);
    this.#bodyTimer = undefined;
    this.#reuse();
  }

  /** Stops and resumes the response, for a slow client. */
  pause(): void {
    this.#upstream?.stream.pause();
  }

  resume(): void {
    this.#upstream?.stream.resume();
  }

  /** Ends the exchange after the response: keeps or closes the connection. */
  finish(): void {
    const upstream = this.#upstream;
    const head = this.#head;
    this.#end();
    if (upstream === undefined || head === undefined) return;
    const { kept } = this.#via;
    const { isClosing } = this.#context;
    const { forwarded, destination } = this.#request;
    const isBound = forwarded.bindsConnection || bindConnection(head.rawHeaders);
    const keepsAlive = this.#keepsAlive && head.keepsAlive;
    if (!forwarded.isSent) upstream.destroy();
    else if (kept === undefined || !keepsAlive || isClosing() || isBound) upstream.close();
    else kept.keep(destination.target, upstream, keepAliveTimeout(head));
  }

  /** Ends the exchange, and the connection with it. */
  destroy(): void {
    const upstream = this.#upstream;
    this.#end();
    this.#dialing?.abort(new Error('the exchange is over'));
    upstream?.destroy();
  }

  /** Gives the connection to the caller after a 101 response. */
  release(): Duplex | undefined {
    const upstream = this.#upstream;
    this.#end();
    return upstream?.release();
  }

  #end(): void {
    this.#isOver = true;
    this.#upstream = undefined;
    clearTimeout(this.#bodyTimer);
    this.#bodyTimer = undefined;
  }

  /**
   * Whether the request may reuse an open connection. To allow sending it again, the whole request
   * must fit into one segment. Its exact length is known only after the body has arrived.
   */
  #mayReuse(): boolean {
    const { upgrades, forwarded } = this.#request;
    if (this.#via.kept === undefined || upgrades || forwarded.awaitsContinue) return false;
    return forwarded.isWhole || (forwarded.announcedLength ?? Infinity) < MAX_SEGMENT;
  }

  #reuse(): void {
    const ready = this.#via.kept?.ready();
    if (ready === undefined) this.#reuseNow();
    else {
      void ready.then(() => {
        if (!this.#isOver) this.#reuseNow();
      });
    }
  }

  #reuseNow(): void {
    const { headers } = this.#context;
    const { kept } = this.#via;
    const { destination, forwarded } = this.#request;
    this.#keepsAlive = true;
    const head = forwarded.head(destination, headers, true);
    if (head === undefined) {
      this.#refuseHead();
      return;
    }
    const bytes = forwarded.bytes(head);
    const upstream = kept?.take(destination.target, bytes.length);
    this.#isReused = upstream !== undefined;
    if (upstream === undefined) void this.#dial();
    else this.#send(upstream, bytes);
  }

  async #dial(): Promise<void> {
    const { dialer } = this.#via;
    this.#dialing = new AbortController();
    try {
      const { target } = this.#request.destination;
      const stream = await dialer.dial(target, this.#dialing.signal);
      if (this.#isOver) stream.on('error', () => undefined).destroy();
      else this.#open(stream);
    } catch (error) {
      this.#fail(failedDial(error));
    }
  }

  #open(stream: Duplex): void {
    const { headers } = this.#context;
    const { kept } = this.#via;
    const { forwarded, destination } = this.#request;
    const upstream = new Upstream(stream);
    this.#keepsAlive = kept?.expectsMore === true && upstream.segmentSize > 0;
    const head = forwarded.head(destination, headers, this.#keepsAlive);
    if (head !== undefined) {
      this.#send(upstream, forwarded.bytes(head));
      return;
    }
    upstream.destroy();
    this.#refuseHead();
  }

  #send(upstream: Upstream, bytes: Buffer): void {
    const { method, upgrades, forwarded } = this.#request;
    this.#upstream = upstream;
    this.#mayHaveArrived = true;
    upstream.begin(this, { isHead: method === 'HEAD', upgrades });
    forwarded.sendBy(upstream, bytes);
    if (this.#isReused) upstream.expectAnswer();
    this.#handler.progress();
  }

  interim(head: ResponseHead): void {
    this.#handler.interim(head);
  }

  head(head: ResponseHead): void {
    this.#head = head;
    this.#handler.head(head);
  }

  body(bytes: Buffer): void {
    this.#handler.body(bytes);
  }

  end(rawTrailers: readonly string[]): void {
    this.#handler.end(rawTrailers);
  }

  drain(): void {
    this.#request.forwarded.drained();
  }

  malformed(): void {
    this.#fail({ reason: 'bad-answer', message: 'the response is not HTTP/1.1' });
  }

  lost(error: Error | undefined, isUnread: boolean): void {
    const upstream = this.#upstream;
    const doubt = upstream?.unreadDoubt;
    const { destination } = this.#request;
    if (upstream !== undefined && this.#head === undefined)
      this.#via.kept?.lost(destination.target, upstream);
    upstream?.destroy();
    this.#upstream = undefined;
    if (this.#isReused && isUnread && this.#via.kept?.resends === true) {
      this.#isReused = false;
      this.#mayHaveArrived = false;
      this.#context.log.debug(
        {},
        'sent again: the target closed the connection without reading the request',
      );
      void this.#dial();
      return;
    }
    if (this.#isReused && !isUnread) {
      this.#context.log.debug({ doubt }, 'not sent again: the target may have read the request');
    }
    // The dialer has ended the connection and gave the reason.
    if (error instanceof DialError) this.#fail(failedDial(error));
    else this.#fail({ reason: 'reset', message: error === undefined ? CLOSED : LOST });
  }

  #refuseHead(): void {
    const message = 'the request line or a header contains a character that HTTP does not allow';
    this.#fail({ reason: 'bad-request', message });
  }

  #fail(failure: ForwardFailure): void {
    if (this.#isOver) return;
    this.#handler.fail(failure);
  }
}

/** No segment is longer than this, in bytes. */
const MAX_SEGMENT = 65_535;

const CLOSED = 'the target closed the connection before the response was complete';
const LOST = 'the connection to the target was lost';
