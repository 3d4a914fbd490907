import type { Duplex } from 'node:stream';

import type { Silence } from '../lib/silence.js';

/**
 * The interface through which a proxy opens TCP streams. Implementations never dial outside the
 * tunnel.
 */
export interface Dialer {
  /**
   * Opens a TCP connection to a host inside the tunnel.
   *
   * @param target the host as an IP address in text form or a name to resolve inside the tunnel,
   * and a port from 1 to 65535
   * @param signal aborts the attempt; the promise then rejects with the abort reason
   * @returns a stream with half-close (`allowHalfOpen`) and back-pressure
   * @throws DialError if the connection fails; all waits are limited
   */
  dial(target: DialTarget, signal?: AbortSignal): Promise<Duplex>;
}

/**
 * A stream that can be reused for further requests, because it knows whether a lost request was
 * read (docs/decisions/0003-keep-upstream-connections.md).
 */
export interface KeepableStream extends Duplex {
  /**
   * Whether both directions are open, everything sent is acknowledged, nothing received is unread,
   * and the tunnel still has the session in which the connection was opened. False while the traffic
   * budget is used up.
   */
  readonly isQuiet: boolean;
  /**
   * The number of bytes that are sent in one segment if they are written together to a quiet
   * stream.
   */
  readonly segmentSize: number;
  /** Whether any sent bytes are still unacknowledged by the peer. */
  readonly isUnacknowledged: boolean;
  /**
   * Whether the peer reset the connection because its socket no longer existed when the
   * unacknowledged bytes arrived, which proves that no program has read them.
   */
  readonly provesUnread: boolean;
  /** Why an RST does not prove this, in a few words; undefined if no RST has arrived. */
  readonly unreadDoubt: string | undefined;
  /** Call this after writing a request, so that a silent peer is detected as early as in a dial. */
  expectAnswer(): void;
  /** Acknowledges everything received, because the process may be frozen soon. */
  idleBegins(): void;
  /** @param duration ms since idleBegins() on the clock that advanced further */
  idleEnds(duration: number): void;
  /** Ends the connection without sending anything. */
  abandon(): void;
}

export interface DialTarget {
  readonly host: string;
  readonly port: number;
}

/**
 * The reason why a connection failed:
 *
 * - `no-route`: the target is outside the allowed IPs
 * - `no-handshake`: the peer does not answer the handshake; nothing was sent
 * - `refused`: the target answered with RST
 * - `unreachable`: an ICMP error arrived, or the local address has changed
 * - `timeout`: the tunnel is up, but the target did not answer in time
 * - `closed`: the tunnel is shutting down
 * - `exhausted`: too many connections are open
 * - `not-ready`: the tunnel is not up yet, or no longer up; nothing was sent
 * - `no-such-name`: the name servers inside the tunnel have no address for the name
 * - `name-unresolved`: the name servers do not answer, or cannot be reached
 * - `over-budget`: the traffic budget is used up; nothing was sent
 */
export type DialFailure =
  | 'no-route'
  | 'no-handshake'
  | 'refused'
  | 'unreachable'
  | 'timeout'
  | 'closed'
  | 'exhausted'
  | 'not-ready'
  | 'no-such-name'
  | 'name-unresolved'
  | 'over-budget';

export class DialError extends Error {
  override readonly name = 'DialError';
  readonly reason: DialFailure;
  /** The cause of the tunnel's silence, if the reason is `no-handshake` or `timeout`. */
  readonly silence: Silence | undefined;
  /** After how many seconds to try again, if the reason is `over-budget`. */
  readonly retryAfter: number | undefined;

  constructor(
    reason: DialFailure,
    message: string,
    options?: ErrorOptions & {
      readonly silence?: Silence | undefined;
      readonly retryAfter?: number | undefined;
    },
  ) {
    super(message, options);
    this.reason = reason;
    this.silence = options?.silence;
    this.retryAfter = options?.retryAfter;
  }
}

/** The reason for the failure; `dial-failed` if the dialer did not give one. */
export interface FailedDial {
  readonly reason: DialFailure | 'dial-failed';
  readonly message: string;
  /** The cause of the tunnel's silence, if the reason is `no-handshake` or `timeout`. */
  readonly silence?: Silence | undefined;
  /** After how many seconds to try again, if the reason is `over-budget`. */
  readonly retryAfter?: number | undefined;
}

/** Whether waiting does not help, because the tunnel's configuration or the name must change. */
export function isFutile(reason: string): boolean {
  return reason === 'no-route' || reason === 'no-such-name';
}

/** Converts an error that a Dialer has thrown. */
export function failedDial(error: unknown): FailedDial {
  if (error instanceof DialError) {
    const { reason, message, silence, retryAfter } = error;
    return { reason, message, ...(silence && { silence }), ...(retryAfter && { retryAfter }) };
  }
  const message = error instanceof Error ? error.message : 'the dialer did not report a reason';
  return { reason: 'dial-failed', message };
}
