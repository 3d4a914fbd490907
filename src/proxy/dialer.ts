import type { Duplex } from 'node:stream';

import type { Silence } from '../lib/silence.js';

/**
 * All that a proxy knows of the tunnel: it opens streams. Whatever stands behind it, nothing is
 * ever dialled outside of the tunnel.
 */
export interface Dialer {
  /**
   * Opens a TCP connection to a host inside the tunnel.
   *
   * @param target host as an IP address in text form, or a name that is looked up inside the tunnel;
   *   port 1 to 65535
   * @param signal ends the attempt; the promise then rejects with its reason
   * @returns a stream with half-close (`allowHalfOpen`) and back-pressure
   * @throws DialError when the connection cannot be had; never waits without bound
   */
  dial(target: DialTarget, signal?: AbortSignal): Promise<Duplex>;
}

export interface DialTarget {
  readonly host: string;
  readonly port: number;
}

/**
 * Why a connection could not be had.
 *
 * - `no-route`: the target is outside the allowed IPs
 * - `no-handshake`: the peer does not answer the handshake; nothing was sent
 * - `refused`: the target answered RST
 * - `unreachable`: an ICMP error came back, or our address has changed meanwhile
 * - `timeout`: the tunnel is up but the target did not answer in time
 * - `closed`: the tunnel is shutting down
 * - `exhausted`: too many connections at once
 * - `not-ready`: there is no tunnel yet, or none any more; nothing was sent
 * - `no-such-name`: the name servers inside the tunnel have no address for the name
 * - `name-unresolved`: they do not answer, or cannot be reached
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
  | 'name-unresolved';

export class DialError extends Error {
  override readonly name = 'DialError';
  readonly reason: DialFailure;
  /** With `no-handshake` and `timeout`, where it is the tunnel that is silent. */
  readonly silence: Silence | undefined;

  constructor(
    reason: DialFailure,
    message: string,
    options?: ErrorOptions & { readonly silence?: Silence | undefined },
  ) {
    super(message, options);
    this.reason = reason;
    this.silence = options?.silence;
  }
}

/** A dialer that does not exist yet: who dials before it is there waits for it. */
export class LaterDialer implements Dialer {
  #open: (dialer: Promise<Dialer>) => void = () => undefined;
  readonly #dialer = new Promise<Dialer>((resolve) => {
    this.#open = resolve;
  });

  constructor() {
    // Whoever opened it hears of a failure; a rejection that nobody dials into is not unhandled.
    this.#dialer.catch(() => undefined);
  }

  /** @param dialer where it rejects, so does each dial */
  open(dialer: Promise<Dialer>): void {
    this.#open(dialer);
  }

  async dial(target: DialTarget, signal?: AbortSignal): Promise<Duplex> {
    return (await this.#dialer).dial(target, signal);
  }
}
