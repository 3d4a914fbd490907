/** A SOCKS4 or SOCKS4a session with one client, which supports only CONNECT. */
import type { Socket } from 'node:net';

import { clientName } from '../access-line.js';
import { answerLate } from '../authentication/password-check.js';
import type { ChosenTunnel } from '../authentication/tunnel-choice.js';
import type { DialTarget } from '../dialer.js';
import type { ForwardFailure } from '../http/failure.js';
import { endWith, type JoinedConnection, joinTarget } from '../relay/joined-connection.js';
import { ClientHandshake } from '../socks5/client-handshake.js';
import type { Socks5Context } from '../socks5/session.js';
import { readRequest, reply } from './messages.js';

const TEXT_OF = {
  malformed: 'the request must be a SOCKS4 request for a host and a port',
  'not-connect': 'only CONNECT is supported in SOCKS4, not BIND',
};

export class Socks4Session {
  readonly #socket: Socket;
  readonly #context: Socks5Context;
  readonly #handshake: ClientHandshake;
  #joined: JoinedConnection | undefined;
  #isOver = false;

  /** @param socket the connection, whose first bytes are still unread */
  constructor(socket: Socket, context: Socks5Context) {
    this.#socket = socket;
    this.#context = context;
    this.#handshake = new ClientHandshake(socket, (received) => this.#advance(received));
    // A request of SOCKS4 cannot contain a password.
    if (!context.gate.needsPassword) this.#handshake.start();
    else this.#refuse('SOCKS4 does not support the password that this port requires');
  }

  get isBusy(): boolean {
    return this.#joined !== undefined && !this.#isOver;
  }

  abort(): void {
    if (this.#joined !== undefined) this.#joined.abort();
    else this.#socket.destroy();
  }

  #advance(received: Buffer): number {
    const request = readRequest(received);
    if (request === undefined) return 0;
    this.#context.onRequest();
    const { target, userId, length } = request;
    if (typeof target === 'string') {
      this.#refuse(TEXT_OF[target]);
      return 0;
    }
    const admission = this.#context.gate.admitUser(userId);
    if ('reason' in admission) this.#refuse(admission.message, admission.reason);
    else this.#join(target, length, admission.via);
    return 0;
  }

  #join(target: DialTarget, length: number, via: ChosenTunnel | undefined): void {
    this.#handshake.finish(length);
    const request = { target, via, granted: reply(true), refused: () => reply(false) };
    const onOver = () => void (this.#isOver = true);
    this.#joined = joinTarget(this.#socket, request, this.#context, onOver);
  }

  #refuse(message: string, reason: ForwardFailure['reason'] = 'bad-request'): void {
    this.#handshake.finish();
    this.#isOver = true;
    this.#context.onFailure();
    const fields = { reason, client: clientName(this.#socket) };
    this.#context.log.warn(fields, `refused the client: ${message}`);
    const answer = () => endWith(this.#socket, reply(false));
    if (reason === 'bad-request') answer();
    else answerLate(this.#socket, answer);
  }
}
