/**
 * The requests of one client connection, one at a time and in their order.
 *
 * RFC 9112 9.3.2 lets pipelined requests run side by side only while all of them are safe. Here each
 * waits for the answer before it: two POSTs of a sensor never change places.
 */
import type { Socket } from 'node:net';

import type { DialTarget } from '../dialer.js';
import { endWith, JoinedConnection } from '../joined-connection.js';
import { resetConnection } from '../reset.js';
import type { ClientMessage, ExchangeContext } from './exchange-context.js';
import { Exchange } from './exchange.js';
import { type ForwardFailure, malformedFailure, rawFailure, writeFailure } from './failure.js';
import { MAX_PIPELINED } from './limits.js';

/** The answer to CONNECT. RFC 9110 9.3.6: it has no framing, for the tunnel begins behind it. */
const CONNECTED = 'HTTP/1.1 200 Connected\r\n\r\n';

export class ClientConnection {
  readonly #socket: Socket;
  readonly #context: ExchangeContext;
  #running: Exchange | undefined;
  #tunnel: JoinedConnection | undefined;
  #waiting: Exchange[] = [];

  constructor(socket: Socket, context: ExchangeContext) {
    this.#socket = socket;
    this.#context = context;
    socket.once('close', () => this.#gone());
    // The end of a client's bytes is taken for the client's end, as a close looks no different
    // until something is sent. A reset, as a part of an answer must not look whole; before Node's
    // own handler, as what has been ended in order can be reset no more.
    socket.prependOnceListener('end', () => {
      if (this.#running === undefined || this.#running.keepsHalfOpen) return;
      this.#gone();
      resetConnection(socket);
    });
  }

  /** Whether an exchange is under way. */
  get isBusy(): boolean {
    return this.#running !== undefined || this.#tunnel !== undefined;
  }

  /** Takes a request; its exchange starts when those before it are over. */
  add(message: ClientMessage): void {
    // What befalls the connection is told by the socket: its exchanges need not hear of it twice.
    message.request.on('error', () => undefined);
    message.response.on('error', () => undefined);
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

  /** Joins the connection to a target (RFC 9110 9.3.6). Node has let go of it. */
  connect(target: DialTarget): void {
    if (this.resetUnlessFree()) return;
    const socket = this.#socket;
    const request = {
      target,
      granted: CONNECTED,
      refused: (failure: ForwardFailure) => rawFailure(failure, target),
    };
    this.#tunnel = new JoinedConnection(socket, request, this.#context, () => {
      this.#tunnel = undefined;
    });
    this.#tunnel.start();
  }

  /** Handles Node's report of bytes that are no request, or of a connection that broke. */
  handleError(error: NodeJS.ErrnoException): void {
    const failure = malformedFailure(error);
    if (failure === undefined) {
      this.#socket.destroy();
      return;
    }
    // They may stand in the body of the running request: an answer under way is cut off.
    if (this.#running !== undefined) this.#running.fail(failure);
    else this.refuseAndClose(failure);
  }

  /** Answers without Node's help: the socket is not, or no longer, with its parser. */
  refuseAndClose(failure: ForwardFailure): void {
    if (this.resetUnlessFree()) return;
    this.#context.onFailure();
    endWith(this.#socket, rawFailure(failure, undefined));
  }

  /**
   * Resets a connection that Node has let go of while an answer is under way, or that takes none. Node
   * would not go on with that answer when the client has room again, and what came in the midst of it
   * would be taken for a part of it.
   *
   * @returns whether it was reset
   */
  resetUnlessFree(): boolean {
    const socket = this.#socket;
    if (this.#running === undefined && socket.writable) return false;
    socket.on('error', () => undefined);
    resetConnection(socket);
    return true;
  }

  /** Closes a connection that has sent nothing yet, which Node does not count among the idle. */
  closeIfSilent(): void {
    if (this.#socket.bytesRead === 0) this.#socket.destroy();
  }

  /** Ends what is under way with a failure. */
  abort(): void {
    this.#waiting = [];
    this.#running?.fail({ reason: 'closed', message: 'the proxy is closing' });
    this.#tunnel?.abort();
  }

  /** Answers in its turn, at once: Node stops reading when such answers pile up. */
  #refuse({ request, response }: ClientMessage): void {
    const message = `more than ${MAX_PIPELINED} requests wait on this connection`;
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
    // Node has ended it behind an answer that is the last. Whoever asked for another protocol and did
    // not get it is not read by Node any more.
    if (!writable || hasLeftNode || this.#context.isClosing()) {
      // Nobody would get the answers. What has not been sent may be asked for again.
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
