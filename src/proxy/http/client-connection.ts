/**
 * The requests of one client connection, one at a time and in their order.
 *
 * RFC 9112 9.3.2 lets pipelined requests run side by side only while all of them are safe. Here each
 * waits for the answer before it: two POSTs of a sensor never change places.
 */
import type { Socket } from 'node:net';

import { type ClientMessage, Exchange, type ExchangeContext } from './exchange.js';
import { type ForwardFailure, malformedFailure, rawFailure, writeFailure } from './failure.js';
import { DRAIN_TIMEOUT, MAX_PIPELINED } from './limits.js';
import { resetConnection } from './reset.js';

export class ClientConnection {
  readonly #socket: Socket;
  readonly #context: ExchangeContext;
  #running: Exchange | undefined;
  #waiting: Exchange[] = [];

  constructor(socket: Socket, context: ExchangeContext) {
    this.#socket = socket;
    this.#context = context;
    socket.once('close', () => this.#gone());
    // The end of a client's bytes is taken for the client's end, as a close looks no different
    // until something is sent. A reset, as a part of an answer must not look whole; before Node's
    // own handler, as what has been ended in order can be reset no more.
    socket.prependOnceListener('end', () => {
      if (this.#running === undefined) return;
      this.#gone();
      resetConnection(socket);
    });
  }

  /** Whether an exchange is under way. */
  get isBusy(): boolean {
    return this.#running !== undefined;
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
    const exchange: Exchange = new Exchange(message, this.#context, () => this.#over(exchange));
    if (this.#running === undefined) this.#start(exchange);
    else this.#waiting.push(exchange);
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
    const socket = this.#socket;
    socket.on('error', () => undefined);
    // An answer in the midst of another would be taken for a part of it.
    if (this.#running !== undefined || !socket.writable) {
      resetConnection(socket);
      return;
    }
    this.#context.onFailure();
    socket.end(rawFailure(failure, this.#context.target));
    socket.setTimeout(DRAIN_TIMEOUT, () => socket.destroy());
    socket.resume();
  }

  /** Closes a connection that has sent nothing yet, which Node does not count among the idle. */
  closeIfSilent(): void {
    if (this.#socket.bytesRead === 0) this.#socket.destroy();
  }

  /** Ends what is under way with a failure. */
  abort(): void {
    this.#waiting = [];
    this.#running?.fail({ reason: 'closed', message: 'the forwarder is closing' });
  }

  /** Answers in its turn, at once: Node stops reading when such answers pile up. */
  #refuse({ request, response }: ClientMessage): void {
    const message = `more than ${MAX_PIPELINED} requests wait on this connection`;
    this.#context.onFailure();
    writeFailure(response, { reason: 'too-many-requests', message }, this.#context.target);
    response.end();
    request.resume();
  }

  #start(exchange: Exchange): void {
    this.#running = exchange;
    exchange.start();
  }

  #over(exchange: Exchange): void {
    if (exchange !== this.#running) return;
    this.#running = undefined;
    const { destroyed } = this.#socket;
    if (destroyed || this.#context.isClosing()) {
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
