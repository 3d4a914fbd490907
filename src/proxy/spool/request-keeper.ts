/** What a forwarder needs from a spool (docs/decisions/0019-spool.md). */
import type { SpooledMessage } from './spooled-message.js';

export interface RequestKeeper {
  /** Aborts when requests must no longer wait for the target, because arctun is stopping. */
  readonly signal: AbortSignal;
  /** Saves a request before it is sent. Never rejects. */
  take(message: SpooledMessage): Promise<TakenRequest>;
}

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
