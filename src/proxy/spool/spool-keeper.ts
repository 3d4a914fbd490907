/** Keeps the requests of a forwarder in a spool. */
import { setMaxListeners } from 'node:events';

import { messageOf } from '../../lib/errors/error-message.js';
import type { ProxyLog } from '../proxy-log.js';
import type { PassingRequest, Refusal, RequestKeeper, TakenRequest } from './request-keeper.js';
import { type Spool, SpoolFullError } from './spool.js';
import type { SpoolEntry } from './spool-entry.js';
import { formatMessage, type SpooledMessage } from './spooled-message.js';

/**
 * The maximum number of requests that are being saved or sent. They continue after their clients
 * have disconnected, so that the limit of connections does not limit them.
 */
const MAX_OPEN = 1_024;

export interface SpoolKeeperOptions {
  readonly spool: Spool;
  readonly log: ProxyLog;
  /** See RequestKeeper. */
  readonly signal: AbortSignal;
  /** Called after a message was queued. @param target the target of its SpoolEntry */
  readonly onQueued: (target: string) => void;
}

export class SpoolKeeper implements RequestKeeper {
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
