/** Keeps the requests of a forwarder in a spool. */
import { setMaxListeners } from 'node:events';

import { messageOf } from '../../lib/errors/error-message.js';
import type { ProxyLog } from '../proxy-log.js';
import type { SpoolEntry } from './spool-entry.js';
import { type Spool, SpoolFullError } from './spool.js';
import { formatMessage, type SpooledMessage } from './spooled-message.js';

/**
 * - `queued`: older messages wait, and the request is sent after them
 * - `passing`: the caller sends the request now
 * - `blocked`: the request cannot be saved, and older messages wait, so it must not be sent
 * - `unsaved`: the request cannot be saved, and no older message waits
 * - `busy`: too many requests are being saved and sent, so it must not be sent
 */
export type TakenRequest =
  | { readonly kind: 'queued'; readonly id: string }
  | { readonly kind: 'passing'; readonly request: PassingRequest }
  | { readonly kind: 'blocked'; readonly refusal: Refusal }
  | { readonly kind: 'unsaved'; readonly refusal: Refusal }
  | { readonly kind: 'busy' };

/** Why a request was not kept. */
export interface Refusal {
  readonly isFull: boolean;
  readonly why: string;
}

/** A request that is saved as `sending`. The caller calls one of the methods, once. */
export interface PassingRequest {
  readonly id: string;
  /** The target has responded. */
  answered(): void;
  /** Nothing was sent. Resolves when the request is queued; never rejects. */
  unsent(): Promise<Refusal | undefined>;
  /** Nothing was sent, and it would not help to wait. Resolves when the request is removed. */
  futile(): Promise<void>;
  /** The target may have read the request. Resolves when this is saved; never rejects. */
  lost(): Promise<Refusal | undefined>;
}

/**
 * The maximum number of requests that are being saved or sent. They continue after their clients
 * have disconnected, so that the limit of connections does not limit them.
 */
const MAX_OPEN = 1_024;

export interface SpoolKeeperOptions {
  readonly spool: Spool;
  readonly log: ProxyLog;
  readonly signal: AbortSignal;
  /** Called after a message was queued. @param target the target of its SpoolEntry */
  readonly onQueued: (target: string) => void;
}

/** Keeps the requests of a forwarder in a spool (docs/decisions/0019-spool.md). */
export class SpoolKeeper {
  /** Aborts when requests must no longer wait for the target, because arctun is stopping. */
  readonly signal: AbortSignal;
  readonly #options: SpoolKeeperOptions;
  /** The number of requests that are being saved or sent. */
  #open = 0;
  #waiting: (() => void)[] = [];

  constructor(options: SpoolKeeperOptions) {
    this.signal = options.signal;
    // Each request in progress listens. By default, Node.js 20 warns after 10 listeners.
    setMaxListeners(0, options.signal);
    this.#options = options;
  }

  /** Saves a request before it is sent. Never rejects. */
  async take(message: SpooledMessage): Promise<TakenRequest> {
    const { spool, onQueued } = this.#options;
    if (this.#open >= MAX_OPEN) return { kind: 'busy' };
    this.#open++;
    const content = formatMessage(message);
    try {
      const entry = await spool.accept(content);
      if (entry.state === 'sending') return { kind: 'passing', request: this.#passing(entry) };
      onQueued(entry.target);
      this.#over();
      return { kind: 'queued', id: entry.id };
    } catch (error) {
      const refusal = this.#refusalOf(error);
      // If the folder cannot be read, it is better to send a message than to lose it.
      const isBlocked = await spool.hasBacklog(content).catch(() => false);
      this.#over();
      return { kind: isBlocked ? 'blocked' : 'unsaved', refusal };
    }
  }

  /** Resolves when no request is being saved or sent. */
  settled(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #passing(entry: SpoolEntry): PassingRequest {
    const { spool, onQueued } = this.#options;
    const { id } = entry;
    return {
      id,
      answered: () => void this.#settle(() => spool.finish(entry)),
      unsent: () =>
        this.#settle(async () => {
          await spool.keepPassing(entry);
          onQueued(entry.target);
        }),
      futile: async () => {
        await this.#settle(() => spool.finish(entry));
      },
      lost: () => this.#settle(() => spool.setAside(entry, 'unknown', 'lost')),
    };
  }

  async #settle(change: () => Promise<unknown>): Promise<Refusal | undefined> {
    try {
      await change();
      return undefined;
    } catch (error) {
      return this.#refusalOf(error);
    } finally {
      this.#over();
    }
  }

  #refusalOf(error: unknown): Refusal {
    const isFull = error instanceof SpoolFullError;
    const why = messageOf(error);
    const what = isFull ? 'the spool is full' : 'cannot use the spool';
    this.#options.log.warn({ reason: why }, what);
    return { isFull, why };
  }

  #over(): void {
    this.#open--;
    if (this.#open > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
