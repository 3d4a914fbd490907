/** A SOCKS5 session with one client (RFC 1928). Supports only CONNECT without authentication. */
import type { Socket } from 'node:net';

import { clientName } from '../access-line.js';
import { endWith, type JoinContext, JoinedConnection } from '../joined-connection.js';
import type { DialTarget } from '../dialer.js';
import {
  methodReply,
  readGreeting,
  readRequest,
  REPLY,
  replyOf,
  type ReplyCode,
  requestReply,
} from './messages.js';

/** Milliseconds for the greeting and the request together. */
const HANDSHAKE_TIMEOUT = 30_000;

export interface Socks5Context extends JoinContext {
  readonly onRequest: () => void;
}

export class Socks5Session {
  readonly #socket: Socket;
  readonly #context: Socks5Context;
  readonly #timer: NodeJS.Timeout;
  readonly #client: string;
  #received: Buffer = Buffer.alloc(0);
  #isGreeted = false;
  #joined: JoinedConnection | undefined;
  #isOver = false;

  /** @param socket the connection, whose first bytes are still unread */
  constructor(socket: Socket, context: Socks5Context) {
    this.#socket = socket;
    this.#context = context;
    this.#client = clientName(socket);
    this.#timer = setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT);
    socket.on('error', () => undefined);
    socket.once('close', () => clearTimeout(this.#timer));
    socket.on('readable', this.#onReadable);
    socket.once('end', this.#onEnd);
    this.#onReadable();
  }

  get isBusy(): boolean {
    return this.#joined !== undefined && !this.#isOver;
  }

  abort(): void {
    if (this.#joined !== undefined) this.#joined.abort();
    else this.#socket.destroy();
  }

  /** Closes the connection if the client ends it before sending a request. */
  readonly #onEnd = (): void => void this.#socket.destroy();

  readonly #onReadable = (): void => {
    let chunk: Buffer | null;
    // A handshake is at most 520 bytes long, so the buffer is at most one chunk longer than that.
    while (!this.#isSettled() && (chunk = this.#socket.read() as Buffer | null) !== null) {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#advance();
    }
  };

  #isSettled(): boolean {
    return this.#joined !== undefined || this.#isOver;
  }

  #advance(): void {
    if (!this.#isGreeted) {
      const greeting = readGreeting(this.#received);
      if (greeting === undefined) return;
      if (!greeting.isAcceptable) {
        // After this reply, the client MUST close the connection (RFC 1928 3).
        this.#end(methodReply(false), 'the client requires authentication, which is not supported');
        return;
      }
      this.#isGreeted = true;
      this.#socket.write(methodReply(true));
      this.#received = this.#received.subarray(greeting.length);
    }
    const request = readRequest(this.#received);
    if (request === undefined) return;
    this.#context.onRequest();
    const { target, length } = request;
    if (typeof target === 'number') this.#end(requestReply(target), TEXT_OF[target]);
    else this.#join(target, this.#received.subarray(length));
  }

  #join(target: DialTarget, rest: Buffer): void {
    this.#release();
    const socket = this.#socket;
    if (rest.length > 0) socket.unshift(rest);
    const request = {
      target,
      granted: requestReply(REPLY.succeeded),
      refused: (failure: Parameters<typeof replyOf>[0]) => requestReply(replyOf(failure)),
    };
    this.#joined = new JoinedConnection(socket, request, this.#context, () => {
      this.#isOver = true;
    });
    this.#joined.start();
  }

  #end(bytes: Uint8Array, message: string | undefined): void {
    this.#release();
    this.#isOver = true;
    this.#context.onFailure();
    const fields = { reason: 'bad-request', client: this.#client };
    this.#context.log.warn(fields, `cannot connect to the target: ${message ?? 'no request'}`);
    endWith(this.#socket, bytes);
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#socket.off('readable', this.#onReadable);
    this.#socket.off('end', this.#onEnd);
  }
}

const TEXT_OF: Partial<Record<ReplyCode, string>> = {
  [REPLY.generalFailure]: 'the request must be a SOCKS5 request for a host and a port',
  [REPLY.commandNotSupported]: 'only CONNECT is supported, not BIND or UDP ASSOCIATE',
  [REPLY.addressTypeNotSupported]: 'the address type does not exist in SOCKS5',
};
