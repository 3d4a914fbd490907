/** A SOCKS5 session with one client (RFC 1928): CONNECT and UDP ASSOCIATE. */
import type { Socket } from 'node:net';

import { clientName } from '../access-line.js';
import { answerLate } from '../authentication/password-check.js';
import type { ChosenTunnel } from '../authentication/tunnel-choice.js';
import type { DialTarget, FailedDial } from '../dialer.js';
import type { ForwardFailure } from '../http/failure.js';
import { type ClientGate, WRONG_PASSWORD } from '../authentication/client-gate.js';
import {
  endWith,
  type JoinContext,
  type JoinedConnection,
  joinTarget,
} from '../relay/joined-connection.js';
import { ClientHandshake } from './client-handshake.js';
import {
  METHOD,
  methodReply,
  passwordReply,
  readGreeting,
  readPassword,
  readRequest,
  REPLY,
  replyOf,
  type ReplyCode,
  requestReply,
} from './messages.js';
import type { Associations, UdpAssociation } from './udp/associations.js';

export interface Socks5Context extends JoinContext {
  readonly onRequest: () => void;
  /** Decides which clients may use the proxy. */
  readonly gate: Pick<ClientGate, 'needsPassword' | 'needsUser' | 'admit' | 'admitUser'>;
  /** The listener's UDP associations; undefined if UDP is not available. */
  readonly associations?: Associations | undefined;
}

export class Socks5Session {
  readonly #socket: Socket;
  readonly #context: Socks5Context;
  readonly #client: string;
  readonly #handshake: ClientHandshake;
  #expected: 'greeting' | 'password' | 'request' = 'greeting';
  #joined: JoinedConnection | undefined;
  #association: UdpAssociation | undefined;
  /** The tunnel that the client has chosen; undefined for the listener's. */
  #via: ChosenTunnel | undefined;
  #isOver = false;

  /** @param socket the connection, whose first bytes are still unread */
  constructor(socket: Socket, context: Socks5Context) {
    this.#socket = socket;
    this.#context = context;
    this.#client = clientName(socket);
    this.#handshake = new ClientHandshake(socket, (received) => this.#advance(received));
    this.#handshake.start();
  }

  get isBusy(): boolean {
    const isStarted = this.#joined !== undefined || this.#association !== undefined;
    return isStarted && !this.#isOver;
  }

  /** Ends a UDP association, in which nothing is left to deliver. Call this when the port closes. */
  closing(): void {
    this.#association?.end();
  }

  abort(): void {
    if (this.#joined !== undefined) this.#joined.abort();
    else if (this.#association !== undefined) this.#association.end();
    else this.#socket.destroy();
  }

  #advance(received: Buffer): number {
    switch (this.#expected) {
      case 'greeting':
        return this.#greet(received);
      case 'password':
        return this.#checkPassword(received);
      case 'request':
        return this.#handleRequest(received);
    }
  }

  #greet(received: Buffer): number {
    const greeting = readGreeting(received);
    if (greeting === undefined) return 0;
    const { needsPassword, needsUser } = this.#context.gate;
    const method = needsUser ? METHOD.password : METHOD.none;
    if (!greeting.methods.includes(method)) {
      const why = needsUser
        ? `the client did not offer a ${needsPassword ? 'password' : 'user name'}, which this port requires`
        : 'the client requires authentication, which is off';
      // After this reply, the client MUST close the connection (RFC 1928 3).
      this.#end(methodReply(METHOD.noneAcceptable), why);
      return 0;
    }
    this.#expected = needsUser ? 'password' : 'request';
    this.#socket.write(methodReply(method));
    return greeting.length;
  }

  #checkPassword(received: Buffer): number {
    const request = readPassword(received);
    if (request === undefined) return 0;
    const { credentials, length } = request;
    const admission =
      credentials === undefined ? WRONG_PASSWORD : this.#context.gate.admit(credentials);
    if (!('reason' in admission)) {
      this.#via = admission.via;
      this.#expected = 'request';
      this.#socket.write(passwordReply(true));
      return length;
    }
    this.#fail(admission.reason, admission.message);
    // RFC 1929 2: the server MUST close the connection after a failure.
    answerLate(this.#socket, () => endWith(this.#socket, passwordReply(false)));
    return 0;
  }

  #handleRequest(received: Buffer): number {
    const request = readRequest(received);
    if (request === undefined) return 0;
    this.#context.onRequest();
    const { wish, length } = request;
    if (typeof wish === 'number') this.#end(requestReply(wish), TEXT_OF[wish]);
    else if (wish.command === 'connect') this.#join(wish.target, length);
    else this.#associate(wish.port, length);
    return 0;
  }

  #join(target: DialTarget, length: number): void {
    this.#handshake.finish(length);
    const request = {
      target,
      via: this.#via,
      granted: requestReply(REPLY.succeeded),
      refused: (failure: FailedDial) => requestReply(replyOf(failure)),
    };
    const onOver = () => void (this.#isOver = true);
    this.#joined = joinTarget(this.#socket, request, this.#context, onOver);
  }

  #associate(clientPort: number, length: number): void {
    const { associations } = this.#context;
    const end = { socket: this.#socket, port: clientPort, via: this.#via };
    const association = associations?.open(end, () => void (this.#isOver = true));
    if (typeof association === 'object') {
      this.#association = association;
      this.#handshake.finish(length);
      association.start();
      return;
    }
    if (association === 'too-many') {
      this.#end(requestReply(REPLY.generalFailure), 'too many UDP associations are open');
      return;
    }
    const why = 'UDP ASSOCIATE is not supported over a Unix socket';
    this.#end(requestReply(REPLY.commandNotSupported), why);
  }

  #end(bytes: Uint8Array, message = 'no request'): void {
    this.#fail('bad-request', message);
    endWith(this.#socket, bytes);
  }

  #fail(reason: ForwardFailure['reason'], message: string): void {
    this.#handshake.finish();
    this.#isOver = true;
    this.#context.onFailure();
    const fields = { reason, client: this.#client };
    this.#context.log.warn(fields, `refused the client: ${message}`);
  }
}

const TEXT_OF: Partial<Record<ReplyCode, string>> = {
  [REPLY.generalFailure]: 'the request must be a SOCKS5 request for a host and a port',
  [REPLY.commandNotSupported]: 'only CONNECT and UDP ASSOCIATE are supported, not BIND',
  [REPLY.addressTypeNotSupported]: 'the address type does not exist in SOCKS5',
};
