/** One client's connection to a target, for CONNECT, SOCKS and port forwards. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { type AccessFields, clientName, elapsed, partiesOf } from '../access-line.js';
import type { ChosenTunnel } from '../authentication/tunnel-choice.js';
import { type Dialer, type DialTarget, type FailedDial, failedDial } from '../dialer.js';
import type { ProxyLog } from '../proxy-log.js';
import { resetStream } from '../reset.js';
import { type OnBytes, Relay, watchUnread } from './relay.js';

/**
 * How long the client may take to read the refusal and close, in ms, before its connection is
 * reset.
 */
const LINGER = 2_000;

export interface JoinOptions {
  /**
   * Connects to the target.
   *
   * @throws DialError, or an error of node:net
   */
  readonly dial: (signal: AbortSignal) => Promise<Duplex>;
  /** The client and the target, for log lines. */
  readonly parties: AccessFields;
  readonly log: ProxyLog;
  /** The reply to the client after the target is connected. */
  readonly granted?: string | Uint8Array;
  /** Ends the client's connection after the dial has failed. */
  readonly refuse: (failure: FailedDial) => void;
  readonly onBytes?: OnBytes;
}

export class JoinedConnection {
  readonly #client: Duplex;
  readonly #options: JoinOptions;
  readonly #onOver: () => void;
  readonly #dialing = new AbortController();
  readonly #start = performance.now();
  #endWatch: () => void = () => undefined;
  #relay: Relay | undefined;
  #isSettled = false;
  #isOver = false;

  /** @param onOver called once, when both the client's and the target's connection are closed */
  constructor(client: Duplex, options: JoinOptions, onOver: () => void) {
    this.#client = client;
    this.#options = options;
    this.#onOver = onOver;
  }

  /** Dials and relays. The relay begins with any bytes that the client has already sent. */
  start(): void {
    const client = this.#client;
    // The 'close' listener handles connection errors.
    client.on('error', () => undefined);
    client.once('close', () => this.#gone());
    this.#endWatch = watchUnread(client);
    void this.#dial();
    if (client.destroyed) this.#gone();
  }

  /** Ends the connection: with a refusal before the target is connected, otherwise with a reset. */
  abort(): void {
    if (this.#relay !== undefined) this.#relay.abort();
    else this.#refuse({ reason: 'closed', message: 'the proxy is closing' });
  }

  async #dial(): Promise<void> {
    const { dial, granted, onBytes } = this.#options;
    const client = this.#client;
    try {
      const stream = await dial(this.#dialing.signal);
      if (this.#isSettled || client.destroyed) {
        stream.on('error', () => undefined);
        resetStream(stream, 'the client has disconnected');
        return;
      }
      this.#isSettled = true;
      this.#endWatch();
      if (granted !== undefined) client.write(granted);
      this.#relay = new Relay(client, stream, () => this.#relayOver(stream), onBytes);
    } catch (error) {
      this.#refuse(failedDial(error));
    }
  }

  #refuse(failure: FailedDial): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#dialing.abort(new Error('the client already has its response'));
    // Stop the watch before the rest is discarded, which would otherwise stay buffered.
    this.#endWatch();
    const { log, parties, refuse } = this.#options;
    const { reason, silence, message } = failure;
    log.warn(
      { reason, ...(silence && { silence }), ...parties },
      `cannot connect to the target: ${message}`,
    );
    refuse(failure);
  }

  #relayOver(stream: Duplex): void {
    const { log, parties } = this.#options;
    const sent = this.#relay?.receivedFrom(this.#client) ?? 0;
    const received = this.#relay?.receivedFrom(stream) ?? 0;
    log.info({ ...parties, sent, received, ms: elapsed(this.#start) }, 'connection closed');
    this.#over();
  }

  #gone(): void {
    if (this.#relay !== undefined) return;
    if (!this.#isSettled) this.#options.log.debug({}, 'the client disconnected');
    this.#isSettled = true;
    this.#dialing.abort(new Error('the client has disconnected'));
    this.#over();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
  }
}

export interface JoinRequest {
  readonly target: DialTarget;
  /** The tunnel to use instead of the listener's. */
  readonly via?: Pick<ChosenTunnel, 'dialer' | 'name'> | undefined;
  readonly granted: string | Uint8Array;
  /** The reply to the client if the dial fails. */
  readonly refused: (failure: FailedDial) => string | Uint8Array;
}

export interface JoinContext {
  readonly dialer: Dialer;
  readonly log: ProxyLog;
  readonly onFailure: () => void;
}

/** Joins a client of a proxy to the target of its request. @param onOver see JoinedConnection */
export function joinTarget(
  socket: Socket,
  { target, via, granted, refused }: JoinRequest,
  { dialer, log, onFailure }: JoinContext,
  onOver: () => void,
): JoinedConnection {
  const connection = new JoinedConnection(
    socket,
    {
      ...{ log, granted },
      dial: (signal) => (via?.dialer ?? dialer).dial(target, signal),
      parties: partiesOf(clientName(socket), target, via?.name),
      refuse: (failure) => {
        onFailure();
        endWith(socket, refused(failure));
      },
    },
    onOver,
  );
  connection.start();
  return connection;
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
