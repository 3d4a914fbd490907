/** Joins a client's connection to a target, for HTTP CONNECT and SOCKS CONNECT. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { clientName, elapsed, partiesOf } from '../access-line.js';
import type { ChosenTunnel } from '../authentication/tunnel-choice.js';
import { type FailedDial, failedDial } from '../dial-outcome.js';
import type { Dialer, DialTarget } from '../dialer.js';
import type { ProxyLog } from '../proxy-log.js';
import { Relay, watchUnread } from './relay.js';

/**
 * How long the client may take to read the refusal and close, in ms, before its connection is
 * reset.
 */
const LINGER = 2_000;

export interface JoinRequest {
  readonly target: DialTarget;
  /** The tunnel to use instead of the listener's. */
  readonly via?: Pick<ChosenTunnel, 'dialer' | 'name'> | undefined;
  /** The reply to the client after the target is connected. */
  readonly granted: string | Uint8Array;
  /** The reply to the client if the dial fails. */
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

  /** @param onOver called once, when both the client's and the target's connection are closed */
  constructor(socket: Socket, request: JoinRequest, context: JoinContext, onOver: () => void) {
    this.#socket = socket;
    this.#request = request;
    this.#context = context;
    this.#onOver = onOver;
    this.#client = clientName(socket);
  }

  /**
   * Dials, replies to the client, and relays. The relay begins with any bytes that the client has
   * already sent.
   */
  start(): void {
    const socket = this.#socket;
    // The 'close' listener handles connection errors.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#gone());
    this.#endWatch = watchUnread(socket);
    void this.#dial();
  }

  /** Ends the connection: with a refusal before the target is connected, otherwise with a reset. */
  abort(): void {
    if (this.#relay !== undefined) this.#relay.abort();
    else this.#refuse({ reason: 'closed', message: 'the proxy is closing' });
  }

  async #dial(): Promise<void> {
    const { dialer } = this.#request.via ?? this.#context;
    try {
      const stream = await dialer.dial(this.#request.target, this.#dialing.signal);
      if (this.#isSettled || this.#socket.destroyed) {
        stream.on('error', () => undefined).destroy(new Error('the client has disconnected'));
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
    this.#dialing.abort(new Error('the client already has its response'));
    // Stop the watch before endWith() discards unread bytes, which would otherwise stay buffered.
    this.#endWatch();
    const { log, onFailure } = this.#context;
    const { reason, silence, message } = failure;
    onFailure();
    log.warn(
      { reason, ...(silence && { silence }), ...this.#parties() },
      `cannot connect to the target: ${message}`,
    );
    endWith(this.#socket, this.#request.refused(failure));
  }

  #over(stream: Duplex): void {
    this.#context.log.info(
      {
        ...this.#parties(),
        sent: this.#relay?.receivedFrom(this.#socket) ?? 0,
        received: this.#relay?.receivedFrom(stream) ?? 0,
        ms: elapsed(this.#start),
      },
      'connection closed',
    );
    this.#onOver();
  }

  #parties() {
    const { target, via } = this.#request;
    return partiesOf(this.#client, target, via?.name);
  }

  #gone(): void {
    if (this.#relay !== undefined) return;
    if (!this.#isSettled) this.#context.log.debug({}, 'the client disconnected');
    this.#isSettled = true;
    this.#dialing.abort(new Error('the client has disconnected'));
    this.#onOver();
  }
}

/**
 * Sends the last bytes of a connection and closes it. Reads and drops further bytes from the client
 * for up to LINGER, because an unread byte would turn the close into a reset, which could destroy
 * the last bytes.
 */
export function endWith(socket: Socket, bytes: string | Uint8Array): void {
  // Ignore errors such as a reset by the client; without a listener, they would be thrown.
  socket.on('error', () => undefined);
  socket.end(bytes);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.once('close', () => clearTimeout(timer));
}
