/**
 * One request of a client and its answer (RFC 9110 3.7, gateway).
 *
 * Invariant: the client gets the target's whole answer, or a failure with its reason, or, once the
 * head of the answer has left, a connection that is reset. It never gets a part that looks whole.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Dialer, DialTarget } from '../dialer.js';
import { dialFailure, type ForwardFailure, statusOf, writeFailure } from './failure.js';
import {
  answerFields,
  areWritable,
  hasBody,
  hasForeignCoding,
  type HeaderField,
  requestFields,
} from './header-fields.js';
import { DRAIN_TIMEOUT } from './limits.js';
import { resetConnection } from './reset.js';
import { originTarget } from './request-target.js';
import { lingerAndClose, openUpstream } from './upstream.js';
import { Watchdog } from '../watchdog.js';

export interface ForwarderLog {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

/** What the exchanges of one forwarder share. */
export interface ExchangeContext {
  readonly target: DialTarget;
  readonly headers: readonly HeaderField[];
  readonly dialer: Dialer;
  readonly log: ForwarderLog;
  readonly responseTimeout: number;
  readonly idleTimeout: number;
  /** Whether the forwarder is closing, so that no connection is kept alive. */
  readonly isClosing: () => boolean;
  readonly onFailure: () => void;
}

/** A request as Node hands it over. */
export interface ClientMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The client holds its body back until it is told to go on (RFC 9110 10.1.1). */
  readonly expectsContinue: boolean;
}

/**
 * - `open`: there is no whole answer yet
 * - `ending`: the outcome is decided, and what is left of the answer goes to the client
 * - `over`: nothing is left to do
 */
type Phase = 'open' | 'ending' | 'over';

export class Exchange {
  readonly #context: ExchangeContext;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #onOver: () => void;
  readonly #watchdog = new Watchdog(() => this.#expire());
  readonly #dialing = new AbortController();
  #awaitsContinue: boolean;
  #phase: Phase = 'open';
  #stream: Duplex | undefined;
  #upstream: ClientRequest | undefined;
  #answer: IncomingMessage | undefined;

  /** @param onOver called once, when the client has its answer or its connection is gone */
  constructor(message: ClientMessage, context: ExchangeContext, onOver: () => void) {
    this.#context = context;
    this.#request = message.request;
    this.#response = message.response;
    this.#awaitsContinue = message.expectsContinue;
    this.#onOver = onOver;
    this.#response.once('finish', () => this.#complete());
  }

  /** Starts, unless the client or the forwarder went away while the exchange was waiting. */
  start(): void {
    if (this.#phase !== 'open') return;
    const refusal = refusalOf(this.#request);
    if (refusal !== undefined) {
      this.fail(refusal);
      return;
    }
    this.#watchdog.arm(this.#context.responseTimeout);
    void this.#dial();
  }

  /** The client's connection is gone: ends the upstream side at once. */
  clientGone(): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'open') this.#context.log.debug({}, 'client went away');
    this.#complete();
    this.#endUpstream();
  }

  /** Ends the exchange with a failure: as an answer while there is none, else by a reset. */
  fail(failure: ForwardFailure): void {
    if (this.#phase !== 'open') return;
    const { log, onFailure, target, isClosing } = this.#context;
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
    if (isBodyLost || isClosing()) this.#response.shouldKeepAlive = false;
    writeFailure(this.#response, failure, target);
    this.#end(!isBodyLost);
  }

  async #dial(): Promise<void> {
    const { dialer, target } = this.#context;
    try {
      const stream = await dialer.dial(target, this.#dialing.signal);
      stream.on('error', (error) => this.#broken(error));
      if (this.#phase === 'open') this.#send(stream);
      else stream.destroy();
    } catch (error) {
      this.fail(dialFailure(error));
    }
  }

  #send(stream: Duplex): void {
    this.#stream = stream;
    if (stream.destroyed) {
      this.#closed();
      return;
    }
    const upstream = this.#open(stream);
    if (upstream === undefined) return;
    this.#upstream = upstream;
    upstream.on('error', (error) => this.#broken(error));
    upstream.once('response', (answer) => this.#startAnswer(answer));
    // Node tells of a close only where its parser has seen the connection; an answer tells of its own.
    stream.once('close', () =>
      setImmediate(() => {
        if (this.#answer === undefined) this.#closed();
      }),
    );
    this.#continue();
    this.#request.pipe(upstream);
    const progress = () => this.#progress();
    this.#request.on('data', progress).once('end', progress);
    upstream.on('drain', progress);
    progress();
  }

  #open(stream: Duplex): ClientRequest | undefined {
    const { target, headers } = this.#context;
    const method = this.#request.method ?? '';
    const path = originTarget(this.#request.url ?? '', method);
    const fields = requestFields(this.#request, target, headers);
    if (areWritable(path, fields)) {
      return openUpstream(stream, { method, path, fields, hasBody: hasBody(this.#request) });
    }
    const message = 'the request line or a header holds a character that HTTP bars';
    this.fail({ reason: 'bad-request', message });
    return undefined;
  }

  /** A client that waits to send its body is told to, now that there is somebody to take it. */
  #continue(): void {
    if (this.#awaitsContinue) this.#response.writeContinue();
    this.#awaitsContinue = false;
  }

  #startAnswer(answer: IncomingMessage): void {
    if (this.#phase !== 'open') return;
    const fields = answerFields(answer);
    const { statusCode = 0 } = answer;
    // RFC 9112 6.1: what a coding besides chunked has wrapped would go on without its wrapping.
    if (statusCode < 200 || hasForeignCoding(answer) || !areWritable('', fields)) {
      this.fail({ reason: 'bad-answer', message: 'the answer holds what HTTP/1.1 bars' });
      return;
    }
    this.#answer = answer;
    if (this.#context.isClosing()) this.#response.shouldKeepAlive = false;
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
    this.#end(true);
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
    return !this.#request.complete && this.#upstream?.writableNeedDrain === false;
  }

  #expire(): void {
    if (this.#phase === 'ending') this.#reset();
    else if (this.#answer === undefined && this.#awaitsClient()) {
      const message = 'the client stopped in the middle of its body';
      this.fail({ reason: 'request-timeout', message });
    } else this.fail({ reason: 'timeout', message: 'the target does not answer in time' });
  }
}

/** What HTTP has and the forwarder has not. */
function refusalOf(request: IncomingMessage): ForwardFailure | undefined {
  if (hasForeignCoding(request)) {
    return { reason: 'not-implemented', message: 'the only transfer coding here is chunked' };
  }
  const upgrade = request.headers.upgrade;
  // RFC 9110 7.8: an upgrade may be ignored. Clients offer h2c on plain requests and go on without.
  if (upgrade === undefined || upgrade.trim().toLowerCase() === 'h2c') return undefined;
  return { reason: 'not-implemented', message: 'the forwarder does not switch protocols' };
}

/** The reason phrase, or none where Node would not write it (RFC 9112 4: it has no meaning). */
function reasonPhrase({ statusMessage = '' }: IncomingMessage): string {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(statusMessage) ? statusMessage : '';
}
