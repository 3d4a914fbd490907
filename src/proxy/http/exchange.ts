/**
 * One client request and its response, for a gateway or a proxy (RFC 9110 3.7).
 *
 * Invariant: the client receives either the target's whole response, or a failure with its reason,
 * or a connection reset if the response head has already been sent. A partial response never looks
 * complete.
 */
import type { Duplex } from 'node:stream';

import { type AccessFields, clientName, elapsed, loggedPath, partiesOf } from '../access-line.js';
import { answerLate } from '../authentication/password-check.js';
import { Relay } from '../relay/relay.js';
import { resetConnection } from '../reset.js';
import { Watchdog } from '../watchdog.js';
import { browserVerdict, preflightFields } from './browser-check.js';
import {
  type KeptRequest,
  SpooledDelivery,
  type SpooledDeliveryHandler,
} from '../spool/spooled-delivery.js';
import type { ClientMessage, ClientRequest, ClientResponse } from './client/client-message.js';
import { Delivery } from './delivery.js';
import type { Destination, ExchangeContext } from './exchange-context.js';
import { type ForwardFailure, isGuess, statusOf, writeFailure, writeKept } from './failure.js';
import { ForwardedResponse } from './forwarded-response.js';
import { ForwardedRequest } from './forwarded-request.js';
import { DRAIN_TIMEOUT } from './limits.js';
import { refusalOf } from './refusal.js';
import type { ResponseHead } from './response-head.js';

const BAD_ANSWER: ForwardFailure = {
  reason: 'bad-answer',
  message: 'the response contains something that HTTP/1.1 does not allow',
};

/**
 * - `open`: the response is not complete yet
 * - `ending`: the outcome is decided, and the rest of the response is being sent to the client
 * - `switched`: both connections use another protocol
 * - `over`: nothing is left to do
 */
type Phase = 'open' | 'ending' | 'switched' | 'over';

export class Exchange implements SpooledDeliveryHandler {
  readonly #context: ExchangeContext;
  readonly #request: ClientRequest;
  readonly #response: ClientResponse;
  readonly #onOver: () => void;
  readonly #watchdog = new Watchdog(() => this.#expire());
  readonly #client: string;
  readonly #start = performance.now();
  readonly #upgrades: boolean;
  readonly #forwardedRequest: ForwardedRequest;
  readonly #forwardedAnswer: ForwardedResponse;
  #destination: Destination | undefined;
  #relay: Relay | undefined;
  #phase: Phase = 'open';
  #delivery: Delivery | SpooledDelivery | undefined;
  #answer: ResponseHead | undefined;
  #bytes = 0;
  #isClientFull = false;
  #hasFailed = false;
  #isRefused = false;

  /** @param onOver called once, when the client has its response or its connection is closed */
  constructor(message: ClientMessage, context: ExchangeContext, onOver: () => void) {
    this.#context = context;
    this.#request = message.request;
    this.#response = message.response;
    this.#upgrades = message.upgrades;
    this.#forwardedRequest = new ForwardedRequest(message, {
      onProgress: () => this.progress(),
      onWhole: () => {
        this.progress();
        this.#delivery?.bodyArrived();
      },
    });
    this.#forwardedAnswer = new ForwardedResponse(message.request, message.response);
    this.#onOver = onOver;
    this.#client = clientName(message.request.socket);
    this.#response.once('finish', () => this.#complete());
  }

  /** Whether the client waits only for a late refusal, so that its connection may be closed. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Whether the exchange survives a FIN from the client, because it has switched protocols. */
  get keepsHalfOpen(): boolean {
    return this.#phase === 'switched';
  }

  /**
   * Starts, unless the client disconnected or the listener closed while the exchange was queued.
   */
  start(): void {
    if (this.#phase !== 'open') return;
    const destination =
      refusalOf(this.#request) ?? this.#askBrowser() ?? this.#context.route(this.#request);
    if (destination === 'answered') return;
    if ('reason' in destination) {
      this.#refuse(destination);
      return;
    }
    this.#destination = destination;
    this.#watchdog.arm(this.#context.responseTimeout);
    if (this.#request.complete) this.#deliver(destination);
    // Node parses the bytes after the head only after this call.
    else process.nextTick(() => this.#deliver(destination));
  }

  /**
   * Checks whether a web page may have sent the request, and answers the request if it is a
   * preflight.
   */
  #askBrowser(): ForwardFailure | 'answered' | undefined {
    const { browsers } = this.#context;
    if (browsers === undefined) return undefined;
    const verdict = browserVerdict(this.#request, browsers);
    if (verdict.kind === 'refused') return verdict;
    if (verdict.kind === 'passed') {
      this.#forwardedAnswer.corsOrigin = verdict.corsOrigin;
      return undefined;
    }
    this.#response.writeHead(204, 'No Content', preflightFields(this.#request, verdict.corsOrigin));
    this.#end(true);
    return 'answered';
  }

  #refuse(failure: ForwardFailure): void {
    if (!isGuess(failure)) {
      this.fail(failure);
      return;
    }
    this.#isRefused = true;
    answerLate(this.#request.socket, () => this.fail(failure));
  }

  /** Ends the upstream side immediately after the client has disconnected. */
  clientGone(): void {
    // A relay detects the disconnect itself.
    if (this.#phase === 'over' || this.#phase === 'switched') return;
    if (this.#phase === 'open') this.#context.log.debug({}, 'the client disconnected');
    this.#complete();
    this.#endUpstream();
  }

  /** Ends the exchange with a failure: as a response if none has started, otherwise by a reset. */
  fail(failure: ForwardFailure): void {
    this.#relay?.abort();
    if (this.#phase !== 'open') return;
    // The spool answers later, when the state of the message is saved.
    if (this.#delivery instanceof SpooledDelivery && this.#delivery.settles(failure)) return;
    const { log, onFailure, isClosing } = this.#context;
    const { reason, silence, message, spoolId: id } = failure;
    onFailure();
    this.#hasFailed = true;
    this.#endUpstream();
    if (this.#response.headersSent) {
      log.warn({ reason, ...this.#parties() }, `the response was cut off: ${message}`);
      this.#reset();
      return;
    }
    const kept = id !== undefined && { id };
    const why = { reason, ...(silence && { silence }), status: statusOf(failure), ...kept };
    log.warn({ ...why, ...this.#parties() }, `the request was not forwarded: ${message}`);
    const isBodyLost =
      this.#forwardedRequest.awaitsContinue ||
      reason === 'request-timeout' ||
      reason === 'bad-request';
    // It is unknown whether the client will still send its body, and therefore where the next
    // request starts. RFC 9112 6.3: the same applies if an unsupported transfer coding hides the
    // body's length.
    const isUnframed = reason === 'not-implemented' || reason === 'http-version';
    if (isBodyLost || isUnframed || isClosing()) {
      this.#response.shouldKeepAlive = false;
    }
    const { corsOrigin } = this.#forwardedAnswer;
    writeFailure(this.#response, failure, this.#destination?.target, corsOrigin);
    this.#end(!isBodyLost);
  }

  #deliver(destination: Destination): void {
    if (this.#phase !== 'open') return;
    const request = {
      destination,
      forwarded: this.#forwardedRequest,
      method: this.#request.method ?? '',
      upgrades: this.#upgrades,
    };
    this.#forwardedRequest.read();
    const context = this.#context;
    const { keeper } = context;
    this.#delivery = keeper
      ? new SpooledDelivery(request, context, keeper, this)
      : new Delivery(request, context, this);
    this.#delivery.start();
  }

  acceptBody(): void {
    this.#forwardedRequest.awaitsContinue = false;
    this.#response.writeContinue();
  }

  kept({ id, failure }: KeptRequest): void {
    const destination = this.#destination;
    if (this.#phase !== 'open' || destination === undefined) return;
    this.#endUpstream();
    const { log, isClosing } = this.#context;
    const fields = { id, status: 202, ...this.#parties(), ms: elapsed(this.#start) };
    if (failure === undefined) log.info(fields, 'the spool keeps the request');
    else {
      const { reason, silence, message } = failure;
      const why = { reason, ...(silence && { silence }) };
      log.warn({ ...why, ...fields }, `the spool keeps the request: ${message}`);
    }
    if (isClosing()) this.#response.shouldKeepAlive = false;
    const { corsOrigin } = this.#forwardedAnswer;
    writeKept(this.#response, { id, failure }, destination.target, corsOrigin);
    this.#end(true);
  }

  interim(head: ResponseHead): void {
    if (this.#phase !== 'open') return;
    this.#forwardedAnswer.inform(head, this.#forwardedRequest.awaitsContinue);
    if (head.status === 100) this.#forwardedRequest.awaitsContinue = false;
    this.progress();
  }

  head(head: ResponseHead): void {
    if (this.#phase !== 'open') return;
    if (head.status === 101) {
      this.#switch(head);
      return;
    }
    // Even without a 100 response, the client may send its body, so the start of the next request
    // is unknown.
    const isLast = this.#context.isClosing() || this.#forwardedRequest.awaitsContinue;
    this.#forwardedAnswer.writeHead(head, isLast);
    this.#answer = head;
    this.progress();
  }

  body(bytes: Buffer): void {
    if (this.#phase !== 'open') return;
    this.#bytes += bytes.length;
    if (!this.#forwardedAnswer.write(bytes)) this.#waitForClient();
    this.progress();
  }

  #waitForClient(): void {
    if (this.#isClientFull) return;
    this.#isClientFull = true;
    this.#delivery?.pause();
    this.#response.once('drain', () => {
      this.#isClientFull = false;
      this.#delivery?.resume();
    });
  }

  end(rawTrailers: readonly string[]): void {
    if (this.#phase !== 'open') return;
    this.#forwardedAnswer.addTrailers(rawTrailers);
    this.#delivery?.finish();
    this.#end(!this.#forwardedRequest.awaitsContinue);
  }

  /**
   * Relays the connections after a 101 response; both then use the new protocol (RFC 9110 15.2.2).
   */
  #switch(head: ResponseHead): void {
    if (!this.#forwardedAnswer.switchProtocols(head)) {
      this.fail(BAD_ANSWER);
      return;
    }
    this.#phase = 'switched';
    this.#watchdog.stop();
    const stream = this.#delivery?.release();
    if (stream === undefined) return;
    this.#relay = new Relay(this.#request.socket, stream, () => {
      this.#logSwitched(stream);
      this.#complete();
    });
  }

  /**
   * Ends the response. Reads and drops the rest of the request, because an unread byte would turn
   * the close into a reset, which could destroy the response in transit (RFC 9112 9.6).
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

  /**
   * Sends RST, because a FIN would make a response without Content-Length or chunks look complete.
   */
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

  /**
   * Logs the exchange. A failure is logged separately; a request without a response is not logged.
   */
  #logAccess(): void {
    const status = this.#answer?.status;
    if (this.#hasFailed || status === undefined) return;
    const fields = this.#parties();
    fields.status = status;
    fields.bytes = this.#bytes;
    fields.ms = elapsed(this.#start);
    this.#context.log.info(fields, 'request');
  }

  /** Logs an upgraded connection like a CONNECT tunnel, with the request that opened it. */
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

  #parties(): AccessFields {
    const destination = this.#destination;
    const fields = partiesOf(this.#client, destination?.target, destination?.via?.name);
    fields.method = this.#request.method;
    if (destination !== undefined) fields.path = loggedPath(destination.path);
    return fields;
  }

  #endUpstream(): void {
    this.#delivery?.destroy();
  }

  progress(): void {
    if (this.#phase !== 'open') return;
    const isBodyUnderWay = this.#answer !== undefined || this.#forwardedRequest.awaitsClient;
    const { idleTimeout, responseTimeout } = this.#context;
    this.#watchdog.arm(isBodyUnderWay ? idleTimeout : responseTimeout);
  }

  #expire(): void {
    if (this.#phase === 'ending') this.#reset();
    else if (this.#answer === undefined && this.#forwardedRequest.awaitsClient) {
      const message = 'the client stopped in the middle of the request body';
      this.fail({ reason: 'request-timeout', message });
    } else this.fail({ reason: 'timeout', message: 'the target did not respond in time' });
  }
}
