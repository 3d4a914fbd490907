/** One TCP connection of a port forward, in either direction. */
import type { Duplex } from 'node:stream';

import { elapsed } from '../access-line.js';
import { failedDial } from '../dial-outcome.js';
import type { ProxyLog } from '../proxy-log.js';
import { Relay, watchUnread } from '../relay/relay.js';
import { resetStream } from '../reset.js';
import type { ForwardCounters } from './forward-counters.js';

export interface ForwardedParties {
  /** The client's address; empty for a Unix socket. */
  readonly client: string;
  readonly target: string;
}

export interface ForwardedContext {
  readonly log: ProxyLog;
  readonly counters: ForwardCounters;
  /**
   * Connects to the target.
   *
   * @throws DialError, or an error of node:net
   */
  readonly dial: (signal: AbortSignal) => Promise<Duplex>;
}

export class ForwardedConnection {
  readonly #client: Duplex;
  readonly #parties: ForwardedParties;
  readonly #context: ForwardedContext;
  readonly #onOver: () => void;
  readonly #dialing = new AbortController();
  readonly #start = performance.now();
  #relay: Relay | undefined;
  #isUsed = false;
  #isOver = false;

  /** @param onOver called once, when the client's and the target's connection are closed */
  constructor(
    client: Duplex,
    parties: ForwardedParties,
    context: ForwardedContext,
    onOver: () => void,
  ) {
    this.#client = client;
    this.#parties = parties;
    this.#context = context;
    this.#onOver = onOver;
  }

  /** Whether any bytes have passed, in either direction. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** Dials and relays. The client's bytes wait unread in its stream until then. */
  start(): void {
    const { counters } = this.#context;
    counters.connections++;
    counters.active++;
    const client = this.#client;
    // The 'close' listener handles connection errors.
    client.on('error', () => undefined);
    client.once('close', () => this.#clientGone());
    void this.#dial(watchUnread(client));
    if (client.destroyed) this.#clientGone();
  }

  /** Ends the connection with a reset in both directions. */
  abort(): void {
    if (this.#relay !== undefined) this.#relay.abort();
    else resetStream(this.#client, 'the forward is closing');
  }

  async #dial(endWatch: () => void): Promise<void> {
    const client = this.#client;
    try {
      const target = await this.#context.dial(this.#dialing.signal);
      endWatch();
      if (client.destroyed) {
        target.on('error', () => undefined);
        resetStream(target, 'the client has disconnected');
        return;
      }
      const { counters } = this.#context;
      this.#relay = new Relay(client, target, () => this.#relayOver(target), {
        onBytes: (from, count) => {
          this.#isUsed = true;
          counters[from === client ? 'toTarget' : 'fromTarget'] += count;
        },
      });
    } catch (error) {
      endWatch();
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#dialing.signal.aborted) return;
    const { counters, log } = this.#context;
    const { reason, silence, message } = failedDial(error);
    counters.failures++;
    log.warn(
      { reason, ...(silence && { silence }), ...this.#parties },
      `cannot connect to the target: ${message}`,
    );
    // A clean end would look like an empty response from the target.
    resetStream(this.#client, message);
  }

  #relayOver(target: Duplex): void {
    const relay = this.#relay;
    this.#context.log.info(
      {
        ...this.#parties,
        sent: relay?.receivedFrom(this.#client) ?? 0,
        received: relay?.receivedFrom(target) ?? 0,
        ms: elapsed(this.#start),
      },
      'connection closed',
    );
    this.#over();
  }

  #clientGone(): void {
    if (this.#relay !== undefined) return;
    this.#dialing.abort(new Error('the client has disconnected'));
    this.#over();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#context.counters.active--;
    this.#onOver();
  }
}
