/** A client's connection that asks to be joined to a target: CONNECT of HTTP, CONNECT of SOCKS. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { clientName, elapsed, partiesOf } from './access-line.js';
import { type FailedDial, failedDial } from './dial-outcome.js';
import type { Dialer, DialTarget } from './dialer.js';
import type { ProxyLog } from './proxy-log.js';
import { Relay, watchUnread } from './relay.js';

/** For the client to take the refusal and to close, before its connection is cut. */
const LINGER = 2_000;

export interface JoinRequest {
  readonly target: DialTarget;
  /** What the client is told once it is connected. */
  readonly granted: string | Uint8Array;
  /** What the client is told in the place of it. */
  readonly refused: (failure: FailedDial) => string | Uint8Array;
}

export interface JoinContext {
  readonly dialer: Dialer;
  readonly log: ProxyLog;
  readonly onFailure: () => void;
}

export class JoinedConnection {
  readonly #socket: Socket;
  readonly #request: JoinRequest;
  readonly #context: JoinContext;
  readonly #onOver: () => void;
  readonly #dialing = new AbortController();
  readonly #client: string;
  readonly #start = performance.now();
  #endWatch: () => void = () => undefined;
  #relay: Relay | undefined;
  #isSettled = false;

  /** @param onOver called once, when the client's connection is closed and the target's with it */
  constructor(socket: Socket, request: JoinRequest, context: JoinContext, onOver: () => void) {
    this.#socket = socket;
    this.#request = request;
    this.#context = context;
    this.#onOver = onOver;
    this.#client = clientName(socket);
  }

  /** Dials, tells the client, and relays. Bytes that the client has sent already go to the target. */
  start(): void {
    const socket = this.#socket;
    // What befalls the connection is told by its close.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#gone());
    this.#endWatch = watchUnread(socket);
    void this.#dial();
  }

  /** Ends it: with a refusal while there is no connection to the target, else by a reset. */
  abort(): void {
    if (this.#relay !== undefined) this.#relay.abort();
    else this.#refuse({ reason: 'closed', message: 'the proxy is closing' });
  }

  async #dial(): Promise<void> {
    const { dialer } = this.#context;
    try {
      const stream = await dialer.dial(this.#request.target, this.#dialing.signal);
      if (this.#isSettled || this.#socket.destroyed) {
        stream.on('error', () => undefined).destroy(new Error('the client is gone'));
        return;
      }
      this.#isSettled = true;
      this.#endWatch();
      this.#socket.write(this.#request.granted);
      this.#relay = new Relay(this.#socket, stream, () => this.#over(stream));
    } catch (error) {
      this.#refuse(failedDial(error));
    }
  }

  #refuse(failure: FailedDial): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#dialing.abort(new Error('the client has its answer'));
    // Before what is left unread is thrown away: it would wait for the one who watches.
    this.#endWatch();
    const { log, onFailure } = this.#context;
    const { reason, silence, message } = failure;
    onFailure();
    const parties = partiesOf(this.#client, this.#request.target);
    log.warn({ reason, ...(silence && { silence }), ...parties }, `not connected: ${message}`);
    endWith(this.#socket, this.#request.refused(failure));
  }

  #over(stream: Duplex): void {
    this.#context.log.info(
      {
        ...partiesOf(this.#client, this.#request.target),
        sent: this.#relay?.receivedFrom(this.#socket) ?? 0,
        received: this.#relay?.receivedFrom(stream) ?? 0,
        ms: elapsed(this.#start),
      },
      'connection closed',
    );
    this.#onOver();
  }

  #gone(): void {
    if (this.#relay !== undefined) return;
    if (!this.#isSettled) this.#context.log.debug({}, 'client went away');
    this.#isSettled = true;
    this.#dialing.abort(new Error('the client is gone'));
    this.#onOver();
  }
}

/**
 * Sends the last bytes of a connection and closes it. What the client still sends is read and
 * dropped for a while: an unread byte would turn the close into a reset, which could take the last
 * bytes with it.
 */
export function endWith(socket: Socket, bytes: string | Uint8Array): void {
  // A client that resets instead has what it wants; nobody else may be listening.
  socket.on('error', () => undefined);
  socket.end(bytes);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.once('close', () => clearTimeout(timer));
}
