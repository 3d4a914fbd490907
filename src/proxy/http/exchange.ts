/**
 * One request of a client and its answer (RFC 9110 3.7: of a gateway, and of a proxy).
 *
 * Invariant: the client gets the target's whole answer, or a failure with its reason, or, once the
 * head of the answer has left, a connection that is reset. It never gets a part that looks whole.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { failedDial } from '../dial-outcome.js';
import type { Dialer, DialTarget } from '../dialer.js';
import type { ProxyLog } from '../proxy-log.js';
import { Relay } from '../relay.js';
import { resetConnection } from '../reset.js';
import { Watchdog } from '../watchdog.js';
import { type ForwardFailure, statusOf, writeFailure } from './failure.js';
import {
  answerFields,
  areWritable,
  hasBody,
  hasForeignCoding,
  type HeaderField,
  interimFields,
  isChunked,
  requestFields,
  switchFields,
  trailerFields,
} from './header-fields.js';
import { DRAIN_TIMEOUT, MAX_INTERIM } from './limits.js';
import { rawHead, reasonPhrase } from './raw-head.js';
import { refusalOf } from './refusal.js';
import { lingerAndClose, openUpstream } from './upstream.js';

/** Where a request goes. */
export interface Destination {
  readonly target: DialTarget;
  /** The request target of the request line to it, in the form for an origin server. */
  readonly path: string;
}

/** What the exchanges of one listener share. */
export interface ExchangeContext {
  /** Where a request goes, or why nowhere. */
  readonly route: (request: IncomingMessage) => Destination | ForwardFailure;
  /** Added to each request, in place of the client's fields of the same name. */
  readonly headers: readonly HeaderField[];
  readonly dialer: Dialer;
  readonly log: ProxyLog;
  readonly responseTimeout: number;
  readonly idleTimeout: number;
  /** Whether the listener is closing, so that no connection is kept alive. */
  readonly isClosing: () => boolean;
  readonly onFailure: () => void;
}

/** A request as Node hands it over. */
export interface ClientMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The client holds its body back until it is told to go on (RFC 9110 10.1.1). */
  readonly expectsContinue: boolean;
  /** The client asks for another protocol, and Node has let go of its connection (RFC 9110 7.8). */
  readonly upgrades: boolean;
}

/**
 * - `open`: there is no whole answer yet
 * - `ending`: the outcome is decided, and what is left of the answer goes to the client
 * - `switched`: the two connections speak another protocol
 * - `over`: nothing is left to do
 */
type Phase = 'open' | 'ending' | 'switched' | 'over';

export class Exchange {
  readonly #context: ExchangeContext;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #onOver: () => void;
  readonly #watchdog = new Watchdog(() => this.#expire());
  readonly #dialing = new AbortController();
  readonly #upgrades: boolean;
  #awaitsContinue: boolean;
  #interimCount = 0;
  #destination: Destination | undefined;
  #relay: Relay | undefined;
  #phase: Phase = 'open';
  #stream: Duplex | undefined;
  #upstream: ClientRequest | undefined;
  #answer: IncomingMessage | undefined;

  /** @param onOver called once, when the client has its answer or its connection is gone */
  constructor(message: ClientMessage, context: ExchangeContext, onOver: () => void) {
    this.#context = context;
    this.#request = message.request;
    this.#response = message.response;
    this.#upgrades = message.upgrades;
    this.#awaitsContinue = message.expectsContinue;
    this.#onOver = onOver;
    this.#response.once('finish', () => this.#complete());
  }

  /** Whether the end of the client's bytes leaves the exchange as it is: it has switched. */
  get keepsHalfOpen(): boolean {
    return this.#phase === 'switched';
  }

  /** Starts, unless the client or the listener went away while the exchange was waiting. */
  start(): void {
    if (this.#phase !== 'open') return;
    const destination = refusalOf(this.#request) ?? this.#context.route(this.#request);
    if ('reason' in destination) {
      this.fail(destination);
      return;
    }
    this.#destination = destination;
    this.#watchdog.arm(this.#context.responseTimeout);
    void this.#dial(destination);
  }

  /** The client's connection is gone: ends the upstream side at once. */
  clientGone(): void {
    // A relay hears of it by itself.
    if (this.#phase === 'over' || this.#phase === 'switched') return;
    if (this.#phase === 'open') this.#context.log.debug({}, 'client went away');
    this.#complete();
    this.#endUpstream();
  }

  /** Ends the exchange with a failure: as an answer while there is none, else by a reset. */
  fail(failure: ForwardFailure): void {
    this.#relay?.abort();
    if (this.#phase !== 'open') return;
    const { log, onFailure, isClosing } = this.#context;
    const { reason, silence, message } = failure;
    onFailure();
    this.#endUpstream();
    if (this.#response.headersSent) {
      log.warn({ reason }, `answer cut off: ${message}`);
      this.#reset();
      return;
    }
    const why = { reason, ...(silence && { silence }), status: statusOf(failure) };
    log.warn(why, `not forwarded: ${message}`);
    const isBodyLost =
      this.#awaitsContinue || reason === 'request-timeout' || reason === 'bad-request';
    // The client may or may not send its body after all: there is no telling the next request.
    // RFC 9112 6.3: nor where a coding hides how long the body is.
    if (isBodyLost || reason === 'not-implemented' || isClosing()) {
      this.#response.shouldKeepAlive = false;
    }
    writeFailure(this.#response, failure, this.#destination?.target);
    this.#end(!isBodyLost);
  }

  async #dial(destination: Destination): Promise<void> {
    try {
      const stream = await this.#context.dialer.dial(destination.target, this.#dialing.signal);
      stream.on('error', (error) => this.#broken(error));
      if (this.#phase === 'open') this.#send(stream, destination);
      else stream.destroy();
    } catch (error) {
      this.fail(failedDial(error));
    }
  }

  #send(stream: Duplex, destination: Destination): void {
    this.#stream = stream;
    if (stream.destroyed) {
      this.#closed();
      return;
    }
    const upstream = this.#open(stream, destination);
    if (upstream === undefined) return;
    this.#upstream = upstream;
    upstream.on('error', (error) => this.#broken(error));
    upstream.on('information', (interim) => this.#inform(interim));
    // Without a listener Node takes a 101 for the end of the connection.
    if (this.#upgrades) upstream.once('upgrade', (...parts) => this.#switch(...parts));
    upstream.once('response', (answer) => this.#startAnswer(answer));
    // Node tells of a close only where its parser has seen the connection; an answer tells of its own.
    stream.once('close', () =>
      setImmediate(() => {
        if (this.#answer === undefined) this.#closed();
      }),
    );
    this.#sendBody(upstream);
    this.#progress();
  }

  #sendBody(upstream: ClientRequest): void {
    const request = this.#request;
    request.pipe(upstream, { end: false });
    request.on('data', () => {
      // It does not wait to be told any more.
      this.#awaitsContinue = false;
      this.#progress();
    });
    request.once('end', () => {
      if (this.#phase !== 'open') return;
      if (isChunked(request)) upstream.addTrailers(trailerFields(request));
      upstream.end();
      this.#progress();
    });
    upstream.on('drain', () => this.#progress());
  }

  #open(stream: Duplex, { target, path }: Destination): ClientRequest | undefined {
    const method = this.#request.method ?? '';
    const fields = requestFields(this.#request, target, {
      added: this.#context.headers,
      expectsContinue: this.#awaitsContinue,
      upgrades: this.#upgrades,
    });
    if (areWritable(path, fields)) {
      return openUpstream(stream, { method, path, fields, hasBody: hasBody(this.#request) });
    }
    const message = 'the request line or a header holds a character that HTTP bars';
    this.fail({ reason: 'bad-request', message });
    return undefined;
  }

  /** RFC 9110 15.2: interim answers are passed on, to those that know of them. */
  #inform({ statusCode, statusMessage, rawHeaders }: InterimAnswer): void {
    if (this.#phase !== 'open') return;
    const fields = interimFields(rawHeaders);
    // They go past Node's queue, so that there have to be few.
    const isTaken = this.#request.httpVersionMinor >= 1 && ++this.#interimCount <= MAX_INTERIM;
    if (statusCode === 100 && this.#awaitsContinue) {
      // Node closes the connection behind the answer of a client that it has not told itself.
      this.#response.writeContinue();
    } else if (isTaken && areWritable('', fields)) {
      const head = rawHead(statusCode, reasonPhrase({ statusMessage }), fields);
      this.#request.socket.write(head, 'latin1');
    }
    if (statusCode === 100) this.#awaitsContinue = false;
    this.#progress();
  }

  /** RFC 9110 15.2.2: from the answer on, both connections speak what the two have agreed on. */
  #switch(answer: IncomingMessage, stream: Duplex, head: Uint8Array): void {
    if (this.#phase !== 'open') return;
    const { socket } = this.#request;
    const fields = switchFields(answer);
    if (!areWritable('', fields)) {
      this.fail({ reason: 'bad-answer', message: 'the answer holds what HTTP/1.1 bars' });
      return;
    }
    this.#phase = 'switched';
    this.#watchdog.stop();
    this.#response.detachSocket(socket);
    socket.write(rawHead(101, reasonPhrase(answer), fields), 'latin1');
    if (head.length > 0) stream.unshift(head);
    this.#relay = new Relay(socket, stream, () => this.#complete());
  }

  #startAnswer(answer: IncomingMessage): void {
    if (this.#phase !== 'open') return;
    const { statusCode = 0 } = answer;
    const fields = answerFields(answer, this.#goesInChunks(answer));
    // RFC 9112 6.1: what a coding besides chunked has wrapped would go on without its wrapping.
    if (statusCode < 200 || hasForeignCoding(answer) || !areWritable('', fields)) {
      this.fail({ reason: 'bad-answer', message: 'the answer holds what HTTP/1.1 bars' });
      return;
    }
    this.#answer = answer;
    // Told or not, the client may send its body after all: there is no telling the next request.
    if (this.#context.isClosing() || this.#awaitsContinue) this.#response.shouldKeepAlive = false;
    this.#response.sendDate = false;
    this.#response.writeHead(statusCode, reasonPhrase(answer), fields);
    // The head goes at once, in the bytes in which it came: see openUpstream().
    this.#response.write('', 'latin1');
    answer.once('end', () => this.#endAnswer(answer));
    // A close before the end, and not `complete`: that is set on a body without a length, too, when
    // its connection has been cut.
    answer.once('close', () => this.#closed());
    answer.on('error', () => undefined);
    answer.pipe(this.#response, { end: false });
    answer.on('data', () => this.#progress());
    this.#progress();
  }

  #endAnswer(answer: IncomingMessage): void {
    if (!answer.complete) this.#closed();
    if (this.#phase !== 'open') return;
    const isSent = this.#request.complete && this.#upstream?.writableFinished === true;
    if (isSent && this.#stream !== undefined) lingerAndClose(this.#stream);
    else this.#endUpstream();
    // Node writes them where the answer goes in chunks.
    this.#response.addTrailers(trailerFields(answer));
    this.#end(!this.#awaitsContinue);
  }

  /** Whether Node will send the answer in chunks as it came, so that trailers find their way. */
  #goesInChunks(answer: IncomingMessage): boolean {
    const hasNoBody = answer.statusCode === 204 || answer.statusCode === 304;
    if (hasNoBody || this.#request.method === 'HEAD') return false;
    return isChunked(answer) && this.#response.useChunkedEncodingByDefault;
  }

  #broken(error: Error): void {
    // Node has all of the answer, and it only waits for the client to take it.
    if (this.#answer?.complete === true) return;
    const isParseError = 'code' in error && String(error.code).startsWith('HPE_');
    if (isParseError) this.fail({ reason: 'bad-answer', message: 'the answer is not HTTP/1.1' });
    else this.fail({ reason: 'reset', message: 'the connection to the target was lost' });
  }

  #closed(): void {
    const message = 'the target closed the connection before its answer was whole';
    this.fail({ reason: 'reset', message });
  }

  /**
   * Ends the answer. What is left of the request is read and dropped: an unread byte would turn the
   * close of the connection into a reset, and that could take the answer with it (RFC 9112 9.6).
   *
   * @param awaitsBody whether the rest of the request is on its way
   */
  #end(awaitsBody: boolean): void {
    this.#phase = 'ending';
    this.#watchdog.arm(DRAIN_TIMEOUT + this.#context.idleTimeout);
    if (this.#upstream !== undefined) this.#request.unpipe(this.#upstream);
    this.#request.resume();
    if (this.#request.complete || this.#response.shouldKeepAlive || !awaitsBody) {
      this.#response.end();
      return;
    }
    const timer = setTimeout(() => this.#response.end(), DRAIN_TIMEOUT);
    this.#request.once('close', () => {
      clearTimeout(timer);
      this.#response.end();
    });
  }

  /** RST, as a FIN would end an answer without Content-Length or chunks as if it were whole. */
  #reset(): void {
    resetConnection(this.#request.socket);
    this.#complete();
  }

  #complete(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#watchdog.stop();
    this.#onOver();
  }

  #endUpstream(): void {
    this.#dialing.abort(new Error('the exchange is over'));
    this.#upstream?.destroy();
    this.#stream?.destroy();
  }

  #progress(): void {
    if (this.#phase !== 'open') return;
    const isBodyUnderWay = this.#answer !== undefined || this.#awaitsClient();
    const { idleTimeout, responseTimeout } = this.#context;
    this.#watchdog.arm(isBodyUnderWay ? idleTimeout : responseTimeout);
  }

  /** Whether the next step is the client's: there is more of its body, and room for it. */
  #awaitsClient(): boolean {
    if (this.#awaitsContinue || this.#request.complete) return false;
    return this.#upstream?.writableNeedDrain === false;
  }

  #expire(): void {
    if (this.#phase === 'ending') this.#reset();
    else if (this.#answer === undefined && this.#awaitsClient()) {
      const message = 'the client stopped in the middle of its body';
      this.fail({ reason: 'request-timeout', message });
    } else this.fail({ reason: 'timeout', message: 'the target does not answer in time' });
  }
}

/** What Node tells of a 1xx answer. */
interface InterimAnswer {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly rawHeaders: string[];
}
