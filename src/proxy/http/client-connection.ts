/**
 * Handles the requests of one client connection, one at a time and in order.
 *
 * RFC 9112 9.3.2 allows parallel handling of pipelined requests only if all of them are safe. Here
 * each request waits for the previous response, so two POSTs from a sensor are never reordered.
 */
import type { Socket } from 'node:net';

import { clientName } from '../access-line.js';
import { answerLate } from '../authentication/password-check.js';
import type { ChosenTunnel } from '../authentication/tunnel-choice.js';
import type { DialTarget } from '../dialer.js';
import { endWith, type JoinedConnection, joinTarget } from '../relay/joined-connection.js';
import { resetConnection } from '../reset.js';
import type { ClientMessage } from './client/client-message.js';
import { RequestReader, type RequestReaderOptions } from './client/request-reader.js';
import type { ExchangeContext } from './exchange-context.js';
import { Exchange } from './exchange.js';
import {
  type ForwardFailure,
  HEAD_LATE,
  isGuess,
  malformedFailure,
  rawFailure,
  writeFailure,
} from './failure.js';
import { MAX_PIPELINED } from './limits.js';

/**
 * The response to CONNECT. RFC 9110 9.3.6: it has no framing, because the tunnel starts right after
 * it.
 */
const CONNECTED = 'HTTP/1.1 200 Connected\r\n\r\n';

export class ClientConnection {
  readonly #socket: Socket;
  readonly #context: ExchangeContext;
  readonly #reader: RequestReader;
  #running: Exchange | undefined;
  #tunnel: JoinedConnection | undefined;
  #waiting: Exchange[] = [];

  constructor(
    socket: Socket,
    context: ExchangeContext,
    reading: Omit<RequestReaderOptions, 'onSilence'>,
  ) {
    this.#socket = socket;
    this.#context = context;
    socket.once('close', () => this.#gone());
    // A FIN counts as the client's disconnect, because a full close looks the same until something
    // is sent. The connection is reset so that a partial response never looks complete. This
    // listener runs before Node's, because a socket that has ended cleanly can no longer be reset.
    socket.prependOnceListener('end', () => {
      if (this.#running === undefined || this.#running.keepsHalfOpen) return;
      this.#gone();
      resetConnection(socket);
    });
    const onSilence = (): void => this.refuseAndClose(HEAD_LATE);
    this.#reader = new RequestReader(socket, { ...reading, onSilence });
  }

  /** Whether an exchange is in progress. */
  get isBusy(): boolean {
    return this.#running?.isRefused === false || this.#tunnel !== undefined;
  }

  /** Queues a request; its exchange starts when the previous ones are over. */
  add(message: ClientMessage): void {
    if (this.#waiting.length >= MAX_PIPELINED) {
      this.#refuse(message);
      return;
    }
    const exchange: Exchange = new Exchange(message, this.#context, () =>
      this.#over(exchange, message.upgrades),
    );
    if (this.#running === undefined) this.#start(exchange);
    else this.#waiting.push(exchange);
  }

  /**
   * Joins the connection to a target (RFC 9110 9.3.6) after Node has detached it from its parser.
   *
   * @param via the tunnel to use instead of the listener's
   */
  connect(target: DialTarget, via?: ChosenTunnel): void {
    if (this.resetUnlessFree()) return;
    const socket = this.#socket;
    const request = {
      target,
      via,
      granted: CONNECTED,
      refused: (failure: ForwardFailure) => rawFailure(failure, target),
    };
    this.#tunnel = joinTarget(socket, request, this.#context, () => {
      this.#tunnel = undefined;
    });
  }

  /** Handles Node's report of malformed bytes or of a broken connection. */
  handleError(error: NodeJS.ErrnoException): void {
    const failure = malformedFailure(error);
    if (failure === undefined) {
      this.#socket.destroy();
      return;
    }
    // The malformed bytes may be in the running request's body, so cut its response off.
    if (this.#running !== undefined) this.#running.fail(failure);
    else this.refuseAndClose(failure);
  }

  /**
   * Writes the response directly. The socket does not belong to Node's HTTP server, or no longer
   * does.
   */
  refuseAndClose(failure: ForwardFailure): void {
    if (this.resetUnlessFree()) return;
    this.#context.onFailure();
    const answer = () => endWith(this.#socket, rawFailure(failure, undefined));
    if (!isGuess(failure)) {
      answer();
      return;
    }
    const fields = { reason: failure.reason, client: clientName(this.#socket) };
    this.#context.log.warn(fields, `the request was not forwarded: ${failure.message}`);
    answerLate(this.#socket, answer);
  }

  /**
   * Resets a detached connection that has a response in progress or is not writable. If the client
   * is slow, Node would never resume that response, and a refusal written now would end up inside
   * it.
   *
   * @returns whether the connection was reset
   */
  resetUnlessFree(): boolean {
    const socket = this.#socket;
    if (this.#running === undefined && socket.writable) return false;
    socket.on('error', () => undefined);
    resetConnection(socket);
    return true;
  }

  /** Closes a connection that waits for a request, unless Node has the connection. */
  closeIfIdle(): void {
    if (this.#reader.isIdle) this.#socket.destroy();
  }

  /** Fails the exchange or tunnel in progress. */
  abort(): void {
    this.#waiting = [];
    this.#running?.fail({ reason: 'closed', message: 'the proxy is closing' });
    this.#tunnel?.abort();
  }

  /**
   * Responds immediately to an excess request that Node has read; Node sends responses in order, and
   * stops reading if too many are queued.
   */
  #refuse({ request, response }: ClientMessage): void {
    const message = `more than ${MAX_PIPELINED} requests are waiting on this connection`;
    this.#context.onFailure();
    writeFailure(response, { reason: 'too-many-requests', message }, undefined);
    response.end();
    request.resume();
  }

  #start(exchange: Exchange): void {
    this.#running = exchange;
    exchange.start();
  }

  #over(exchange: Exchange, hasLeftNode: boolean): void {
    if (exchange !== this.#running) return;
    this.#running = undefined;
    const { destroyed, writable } = this.#socket;
    // The socket ends after the last response, and Node stops reading from it after a refused
    // upgrade.
    if (!writable || hasLeftNode || this.#context.isClosing()) {
      // Drops queued requests, whose responses the client would never receive. The client may retry
      // them, because none was forwarded.
      this.#waiting = [];
      if (!destroyed) this.#socket.destroySoon();
      return;
    }
    const next = this.#waiting.shift();
    if (next !== undefined) this.#start(next);
  }

  #gone(): void {
    this.#waiting = [];
    this.#running?.clientGone();
  }
}
