/**
 * Sends one stored request, and reports whether the target may have read it
 * (docs/decisions/0003-keep-upstream-connections.md).
 */
import { messageOf } from '../../lib/errors/error-message.js';
import { abortable } from '../../lib/waits.js';
import { type Dialer, failedDial } from '../dialer.js';
import type { KeptConnections } from '../http/target/kept-connections.js';
import { MAX_INTERIM } from '../http/limits.js';
import { keepAliveTimeout, type ResponseHead } from '../http/response-head.js';
import { Upstream } from '../http/target/upstream.js';
import { Watchdog } from '../watchdog.js';
import type { SpooledMessage } from './spooled-message.js';

/**
 * - `answered`: the target has sent a response
 * - `unsent`: the target has certainly not read the request; `isFutile` if waiting does not help
 * - `lost`: the target may have read the request
 */
export type SendOutcome =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'unsent'; readonly message: string; readonly isFutile?: boolean }
  | { readonly kind: 'lost'; readonly message: string };

export interface SendRequestOptions {
  readonly dialer: Dialer;
  readonly kept: KeptConnections;
  /** Milliseconds without progress before a request counts as lost. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/** How long the rest of a response may take, in milliseconds. Only its status matters. */
const BODY_TIMEOUT = 5_000;

/** Sends a request once. Never throws. */
export async function sendRequest(
  message: SpooledMessage,
  options: SendRequestOptions,
): Promise<SendOutcome> {
  const { dialer, kept, signal } = options;
  const { target, request } = message;
  const reused = kept.take(target, request.length);
  if (reused !== undefined) return exchange(reused, message, { ...options, isReused: true });
  try {
    const stream = await dialer.dial(target, signal);
    return await exchange(new Upstream(stream), message, { ...options, isReused: false });
  } catch (error) {
    return { kind: 'unsent', message: failedDial(error).message };
  }
}

async function exchange(
  upstream: Upstream,
  { target, request }: SpooledMessage,
  { kept, timeout, signal, isReused }: SendRequestOptions & { readonly isReused: boolean },
): Promise<SendOutcome> {
  const lost = (message: string) => ({ kind: 'lost', message }) as const;
  let head: ResponseHead | undefined;
  let interims = 0;
  let hasBegun = false as boolean;
  // The target read the request before it began to respond.
  const orAnswered = (outcome: SendOutcome): SendOutcome =>
    head === undefined ? outcome : { kind: 'answered', status: head.status };
  try {
    return await abortable<SendOutcome>(signal, (resolve) => {
      const settle = (outcome: SendOutcome) => {
        upstream.destroy();
        resolve(orAnswered(outcome));
      };
      const watchdog = new Watchdog(() => settle(lost('the target did not respond in time')));
      upstream.begin(
        {
          interim: () => {
            if (++interims <= MAX_INTERIM) watchdog.arm(timeout);
          },
          head: (received) => {
            head = received;
            watchdog.arm(Math.min(timeout, BODY_TIMEOUT));
          },
          body: () => undefined,
          end: () => {
            watchdog.stop();
            if (head?.keepsAlive === true && upstream.stream.writableLength === 0) {
              kept.keep(target, upstream, keepAliveTimeout(head));
            } else upstream.close();
            resolve({ kind: 'answered', status: head?.status ?? 0 });
          },
          malformed: () => settle(lost('the response is not HTTP/1.1')),
          lost: (error, isUnread) => {
            if (head === undefined) kept.lost(target, upstream);
            const kind = isReused && isUnread && kept.resends ? 'unsent' : 'lost';
            settle({ kind, message: error?.message ?? CLOSED });
          },
          drain: () => {
            if (head === undefined) watchdog.arm(timeout);
          },
        },
        { isHead: false, upgrades: false },
      );
      hasBegun = true;
      upstream.write(Buffer.from(request.buffer, request.byteOffset, request.length));
      if (isReused) upstream.expectAnswer();
      watchdog.arm(timeout);
      return () => watchdog.stop();
    });
  } catch (error) {
    upstream.destroy();
    const message = messageOf(error);
    // It was aborted before the first byte, for example while the spool saved the message's state.
    return hasBegun ? orAnswered(lost(message)) : { kind: 'unsent', message };
  }
}

const CLOSED = 'the target closed the connection without a response';
