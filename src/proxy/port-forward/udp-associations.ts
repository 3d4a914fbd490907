/**
 * The UDP associations of one forward: each client, identified by its address and port, has its own
 * socket to the target, so that responses find their way back (RFC 4787 4.1, endpoint-independent
 * mapping is not needed, because a forward has only one target).
 */
import { messageOf } from '../../lib/errors/error-message.js';
import { markUsed, oldestIdle } from '../../lib/oldest-idle.js';
import { failedDial } from '../dialer.js';
import type { ProxyLog } from '../proxy-log.js';
import { Watchdog } from '../watchdog.js';
import type { ForwardCounters } from './forward-counters.js';

/** An association ends after this many milliseconds without a datagram. */
export const UDP_IDLE_TIMEOUT = 60_000;

/** The maximum number of associations of one forward. At the limit, the least recently used one ends. */
export const MAX_ASSOCIATIONS = 1024;

/** The limits of the datagrams that wait for an association to open, in datagrams and in bytes. */
const MAX_WAITING = 16;
const MAX_WAITING_BYTES = 1024 * 1024;

/** The socket of one association to the target. */
export interface TargetFlow {
  /**
   * Sends a datagram.
   *
   * @returns false if the datagram was dropped
   * @throws Error if the flow has ended
   */
  send(payload: Uint8Array): boolean;
  close(): void;
}

export interface FlowHandlers {
  readonly onDatagram: (payload: Uint8Array) => void;
  /** The flow has failed, for example because the target's port is closed. */
  readonly onError: (error: Error) => void;
}

export interface AssociationsOptions {
  readonly counters: ForwardCounters;
  readonly log: ProxyLog;
  /** The target, for log lines. */
  readonly target: string;
  /** Opens a flow to the target. */
  readonly open: (handlers: FlowHandlers, signal: AbortSignal) => Promise<TargetFlow>;
  readonly most?: number | undefined;
}

/** Sends a datagram to a client; returns false if the datagram was dropped. */
type Reply = (payload: Uint8Array) => boolean;

export class UdpAssociations {
  readonly #options: AssociationsOptions;
  readonly #most: number;
  /** In order of last use. */
  readonly #associations = new Map<string, Association>();
  #waitingBytes = 0;
  #isClosed = false;

  constructor(options: AssociationsOptions) {
    this.#options = options;
    this.#most = options.most ?? MAX_ASSOCIATIONS;
  }

  /**
   * Sends a client's datagram to the target.
   *
   * @param client the client's address and port
   */
  handle(client: string, payload: Uint8Array, reply: Reply): void {
    if (this.#isClosed) return;
    const known = this.#associations.get(client);
    if (known === undefined) {
      this.#add(client, reply).send(payload);
      return;
    }
    markUsed(this.#associations, client);
    known.send(payload);
  }

  /** Ends all associations. */
  close(): void {
    this.#isClosed = true;
    for (const association of [...this.#associations.values()]) association.end();
  }

  #add(client: string, reply: Reply): Association {
    if (this.#associations.size >= this.#most) {
      const oldest = oldestIdle(this.#associations);
      if (oldest !== undefined) this.#associations.get(oldest)?.end();
    }
    const association = new Association(
      { client, reply, ...this.#options },
      (bytes) => this.#reserve(bytes),
      () => this.#associations.delete(client),
    );
    this.#associations.set(client, association);
    return association;
  }

  /** @param bytes negative to release */
  #reserve(bytes: number): boolean {
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES) return false;
    this.#waitingBytes += bytes;
    return true;
  }
}

class Association {
  /** An association never has a request in progress, because UDP does not tell. */
  readonly isBusy = false;
  readonly #options: AssociationsOptions & { readonly client: string; readonly reply: Reply };
  readonly #reserve: (bytes: number) => boolean;
  readonly #onOver: () => void;
  readonly #opening = new AbortController();
  readonly #idle = new Watchdog(() => this.end());
  #waiting: Uint8Array[] = [];
  #flow: TargetFlow | undefined;
  #isOver = false;

  constructor(
    options: AssociationsOptions & { readonly client: string; readonly reply: Reply },
    reserve: (bytes: number) => boolean,
    onOver: () => void,
  ) {
    this.#options = options;
    this.#reserve = reserve;
    this.#onOver = onOver;
    options.counters.connections++;
    options.counters.active++;
    this.#idle.arm(UDP_IDLE_TIMEOUT);
    void this.#open();
  }

  send(payload: Uint8Array): void {
    if (this.#isOver) return;
    this.#idle.arm(UDP_IDLE_TIMEOUT);
    if (this.#flow === undefined) this.#wait(payload);
    else this.#pass(this.#flow, payload);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#idle.stop();
    const { counters } = this.#options;
    counters.active--;
    counters.dropped += this.#waiting.length;
    this.#takeWaiting();
    this.#opening.abort(new Error('the association has ended'));
    this.#flow?.close();
    this.#onOver();
  }

  async #open(): Promise<void> {
    const handlers: FlowHandlers = {
      onDatagram: (payload) => this.#receive(payload),
      onError: (error) => this.#fail(error),
    };
    try {
      const flow = await this.#options.open(handlers, this.#opening.signal);
      if (this.#isOver) {
        flow.close();
        return;
      }
      this.#flow = flow;
      for (const payload of this.#takeWaiting()) this.#pass(flow, payload);
    } catch (error) {
      this.#fail(error);
    }
  }

  #wait(payload: Uint8Array): void {
    if (this.#waiting.length < MAX_WAITING && this.#reserve(payload.length)) {
      this.#waiting.push(payload);
    } else this.#options.counters.dropped++;
  }

  #takeWaiting(): readonly Uint8Array[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { length } of waiting) this.#reserve(-length);
    return waiting;
  }

  #pass(flow: TargetFlow, payload: Uint8Array): void {
    // A failed send of an earlier datagram has ended the association.
    if (this.#isOver) return;
    const { counters } = this.#options;
    try {
      if (flow.send(payload)) counters.toTarget += payload.length;
      else counters.dropped++;
    } catch (error) {
      counters.dropped++;
      this.#fail(error);
    }
  }

  #receive(payload: Uint8Array): void {
    if (this.#isOver) return;
    this.#idle.arm(UDP_IDLE_TIMEOUT);
    const { counters, reply } = this.#options;
    if (reply(payload)) counters.fromTarget += payload.length;
    else counters.dropped++;
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const { counters, log, client, target } = this.#options;
    counters.failures++;
    const { reason, silence } = failedDial(error);
    log.warn(
      { reason, ...(silence && { silence }), client, target },
      `cannot send to the target: ${messageOf(error)}`,
    );
    this.end();
  }
}
