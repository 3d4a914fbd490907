/**
 * One request of a client and its answer (RFC 9110 3.7: of a gateway, and of a proxy).
 *
 * Invariant: the client gets the target's whole answer, or a failure with its reason, or, once the
 * head of the answer has left, a connection that is reset. It never gets a part that looks whole.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { clientName, elapsed, loggedPath, partiesOf } from '../access-line.js';
import { failedDial } from '../dial-outcome.js';
import { DialError } from '../dialer.js';
import { Relay } from '../relay.js';
import { resetConnection } from '../reset.js';
import { Watchdog } from '../watchdog.js';
import { browserVerdict, preflightFields } from './browser-check.js';
import type { ClientMessage, Destination, ExchangeContext } from './exchange-context.js';
import { type ForwardFailure, statusOf, writeFailure } from './failure.js';
import { ForwardedResponse, type InterimResponse } from './forwarded-response.js';
import { ForwardedRequest } from './forwarded-request.js';
import { DRAIN_TIMEOUT } from './limits.js';
import { refusalOf } from './refusal.js';
import { lingerAndClose } from './upstream.js';

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
  readonly #client: string;
  readonly #start = performance.now();
  readonly #upgrades: boolean;
  readonly #forwardedRequest: ForwardedRequest;
  readonly #forwardedAnswer: ForwardedResponse;
  #destination: Destination | undefined;
  #relay: Relay | undefined;
  #phase: Phase = 'open';
  #stream: Duplex | undefined;
  #answer: IncomingMessage | undefined;
  #bytes = 0;
  #hasFailed = false;

  /** @param onOver called once, when the client has its answer or its connection is gone */
  constructor(message: ClientMessage, context: ExchangeContext, onOver: () => void) {
    this.#context = context;
    this.#request = message.request;
    this.#response = message.response;
    this.#upgrades = message.upgrades;
    this.#forwardedRequest = new ForwardedRequest(message);
    this.#forwardedAnswer = new ForwardedResponse(message.request, message.response);
    this.#onOver = onOver;
    this.#client = clientName(message.request.socket);
    this.#response.once('finish', () => this.#complete());
  }

  /** Whether the end of the client's bytes leaves the exchange as it is: it has switched. */
  get keepsHalfOpen(): boolean {
    return this.#phase === 'switched';
  }

  /** Starts, unless the client or the listener went away while the exchange was waiting. */
  start(): void {
    if (this.#phase !== 'open') return;
    const destination =
      refusalOf(this.#request) ?? this.#askBrowser() ?? this.#context.route(this.#request);
    if (destination === 'answered') return;
    if ('reason' in destination) {
      this.fail(destination);
      return;
    }
    this.#destination = destination;
    this.#watchdog.arm(this.#context.responseTimeout);
    void this.#dial(destination);
  }

  /** Whether a web page may have sent it, and what is then to be done. */
  #askBrowser(): ForwardFailure | 'answered' | undefined {
    const { browsers } = this.#context;
    if (browsers === undefined) return undefined;
    const verdict = browserVerdict(this.#request, browsers);
    if (verdict.kind === 'refused') return verdict;
    if (verdict.kind === 'passed') {
      this.#forwardedAnswer.corsOrigin = verdict.corsOrigin;
      return undefined;
    }
    this.#response.writeHead(204, preflightFields(this.#request, verdict.corsOrigin));
    this.#end(true);
    return 'answered';
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
    this.#hasFailed = true;
    this.#endUpstream();
    if (this.#response.headersSent) {
      log.warn({ reason, ...this.#parties() }, `answer cut off: ${message}`);
      this.#reset();
      return;
    }
    const why = { reason, ...(silence && { silence }), status: statusOf(failure) };
    log.warn({ ...why, ...this.#parties() }, `not forwarded: ${message}`);
    const isBodyLost =
      this.#forwardedRequest.awaitsContinue ||
      reason === 'request-timeout' ||
      reason === 'bad-request';
    // The client may or may not send its body after all: there is no telling the next request.
    // RFC 9112 6.3: nor where a coding hides how long the body is.
    const isUnframed = reason === 'not-implemented' || reason === 'http-version';
    if (isBodyLost || isUnframed || isClosing()) {
      this.#response.shouldKeepAlive = false;
    }
    const { corsOrigin } = this.#forwardedAnswer;
    writeFailure(this.#response, failure, this.#destination?.target, corsOrigin);
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
    const upstream = this.#forwardedRequest.open(stream, destination, this.#context.headers);
    if (upstream === undefined) {
      const message = 'the request line or a header holds a character that HTTP bars';
      this.fail({ reason: 'bad-request', message });
      return;
    }
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
    this.#forwardedRequest.sendBody(
      upstream,
      () => this.#progress(),
      () => this.#endRequest(),
    );
    this.#progress();
  }

  #endRequest(): void {
    if (this.#phase !== 'open') return;
    this.#forwardedRequest.end();
    this.#progress();
  }

  #inform(interim: InterimResponse): void {
    if (this.#phase !== 'open') return;
    this.#forwardedAnswer.inform(interim, this.#forwardedRequest.awaitsContinue);
    if (interim.statusCode === 100) this.#forwardedRequest.awaitsContinue = false;
    this.#progress();
  }

  /** RFC 9110 15.2.2: from the answer on, both connections speak what the two have agreed on. */
  #switch(answer: IncomingMessage, stream: Duplex, head: Uint8Array): void {
    if (this.#phase !== 'open') return;
    if (!this.#forwardedAnswer.switchProtocols(answer)) {
      this.fail({ reason: 'bad-answer', message: 'the answer holds what HTTP/1.1 bars' });
      return;
    }
    this.#phase = 'switched';
    this.#watchdog.stop();
    if (head.length > 0) stream.unshift(head);
    this.#relay = new Relay(this.#request.socket, stream, () => {
      this.#logSwitched(stream);
      this.#complete();
    });
  }

  #startAnswer(answer: IncomingMessage): void {
    if (this.#phase !== 'open') return;
    // Told or not, the client may send its body after all: there is no telling the next request.
    const isLast = this.#context.isClosing() || this.#forwardedRequest.awaitsContinue;
    if (!this.#forwardedAnswer.writeHead(answer, isLast)) {
      this.fail({ reason: 'bad-answer', message: 'the answer holds what HTTP/1.1 bars' });
      return;
    }
    this.#answer = answer;
    answer.once('end', () => this.#endAnswer(answer));
    // A close before the end, and not `complete`: that is set on a body without a length, too, when
    // its connection has been cut.
    answer.once('close', () => this.#closed());
    answer.on('error', () => undefined);
    answer.pipe(this.#response, { end: false });
    answer.on('data', (chunk: Uint8Array) => {
      this.#bytes += chunk.length;
      this.#progress();
    });
    this.#progress();
  }

  #endAnswer(answer: IncomingMessage): void {
    if (!answer.complete) this.#closed();
    if (this.#phase !== 'open') return;
    if (this.#forwardedRequest.isSent && this.#stream !== undefined) lingerAndClose(this.#stream);
    else this.#endUpstream();
    this.#forwardedAnswer.addTrailers(answer);
    this.#end(!this.#forwardedRequest.awaitsContinue);
  }

  #broken(error: Error): void {
    // Node has all of the answer, and it only waits for the client to take it.
    if (this.#answer?.complete === true) return;
    const isParseError = 'code' in error && String(error.code).startsWith('HPE_');
    // Whoever has dialled has ended the connection, and says why.
    if (error instanceof DialError) this.fail(failedDial(error));
    else if (isParseError)
      this.fail({ reason: 'bad-answer', message: 'the answer is not HTTP/1.1' });
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
    this.#forwardedRequest.stop();
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
    this.#logAccess();
    this.#onOver();
  }

  /** A failure has its own line; what never got an answer has none. */
  #logAccess(): void {
    const status = this.#answer?.statusCode;
    if (this.#hasFailed || status === undefined) return;
    const fields = { ...this.#parties(), status, bytes: this.#bytes, ms: elapsed(this.#start) };
    this.#context.log.info(fields, 'request');
  }

  /** As of a connection by CONNECT, with the request that opened it. */
  #logSwitched(stream: Duplex): void {
    const fields = {
      ...this.#parties(),
      status: 101,
      sent: this.#relay?.receivedFrom(this.#request.socket) ?? 0,
      received: this.#relay?.receivedFrom(stream) ?? 0,
      ms: elapsed(this.#start),
    };
    this.#context.log.info(fields, 'connection closed');
  }

  #parties(): object {
    const { method } = this.#request;
    const path = this.#destination && loggedPath(this.#destination.path);
    const request = { method, ...(path !== undefined && { path }) };
    return { ...partiesOf(this.#client, this.#destination?.target), ...request };
  }

  #endUpstream(): void {
    this.#dialing.abort(new Error('the exchange is over'));
    this.#forwardedRequest.destroy();
    this.#stream?.destroy();
  }

  #progress(): void {
    if (this.#phase !== 'open') return;
    const isBodyUnderWay = this.#answer !== undefined || this.#forwardedRequest.awaitsClient;
    const { idleTimeout, responseTimeout } = this.#context;
    this.#watchdog.arm(isBodyUnderWay ? idleTimeout : responseTimeout);
  }

  #expire(): void {
    if (this.#phase === 'ending') this.#reset();
    else if (this.#answer === undefined && this.#forwardedRequest.awaitsClient) {
      const message = 'the client stopped in the middle of its body';
      this.fail({ reason: 'request-timeout', message });
    } else this.fail({ reason: 'timeout', message: 'the target does not answer in time' });
  }
}
