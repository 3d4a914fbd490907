import { messageOf } from '../../lib/errors/error-message.js';
import { happyEyeballsOrder } from './address-order.js';
import type { Endpoint } from '../../ports/datagram.js';
import type { TunnelPorts } from '../tunnel-ports.js';

/** The maximum number of addresses to try. Trying this many, at 5 s each, already takes 80 s. */
const MAX_ADDRESSES = 16;

export type ServerAddressesPorts = Pick<TunnelPorts, 'resolver' | 'clock' | 'wallClock' | 'log'>;

/** The Arc server's addresses from name resolution, with their lifetime. */
export class ServerAddresses {
  readonly host: string;
  readonly #port: number;
  readonly #ports: ServerAddressesPorts;
  #endpoints: readonly Endpoint[] = [];
  /**
   * When the addresses expire, on both clocks, because the monotonic clock may stop during suspend.
   */
  #expiresAt = -Infinity;
  #expiresUnix = -Infinity;
  #resolving: Promise<void> | undefined;
  #failure: Error | undefined;
  readonly #closing = new AbortController();

  constructor(
    server: { readonly host: string; readonly port: number },
    ports: ServerAddressesPorts,
  ) {
    this.host = server.host;
    this.#port = server.port;
    this.#ports = ports;
  }

  get count(): number {
    return this.#endpoints.length;
  }

  /** Why the last query to the resolver failed; undefined if it succeeded. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Whether the addresses are within their TTL. */
  isFresh(): boolean {
    const { clock, wallClock } = this.#ports;
    return clock.now() < this.#expiresAt && wallClock.unixMilliseconds() < this.#expiresUnix;
  }

  includes(endpoint: Endpoint): boolean {
    return this.#indexOf(endpoint) !== -1;
  }

  /**
   * Returns the endpoint to try after `endpoint`: the first one if `endpoint` is the last one or
   * unknown.
   */
  after(endpoint: Endpoint | undefined): Endpoint | undefined {
    const index = endpoint === undefined ? -1 : this.#indexOf(endpoint);
    return this.#endpoints[(index + 1) % this.#endpoints.length];
  }

  /**
   * Queries the resolver, or waits for a query in progress. Never rejects. If the query fails, the
   * old addresses stay, because stale addresses are better than none (as in RFC 8767).
   */
  resolve(): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.resolve();
    this.#resolving ??= this.#ask().finally(() => {
      this.#resolving = undefined;
    });
    return this.#resolving;
  }

  /** Aborts the query and ignores later responses. */
  close(): void {
    this.#closing.abort(new Error('the tunnel is closing'));
  }

  async #ask(): Promise<void> {
    const { resolver, clock, wallClock, log } = this.#ports;
    const { signal } = this.#closing;
    try {
      const { addresses, ttl } = await resolver.resolve(this.host, signal);
      if (signal.aborted) return;
      if (addresses.length === 0) throw new Error('the name does not have an IP address');
      this.#endpoints = happyEyeballsOrder(addresses)
        .slice(0, MAX_ADDRESSES)
        .map((address) => ({ address, port: this.#port }));
      this.#expiresAt = clock.now() + ttl;
      this.#expiresUnix = wallClock.unixMilliseconds() + ttl;
      this.#failure = undefined;
    } catch (error) {
      if (signal.aborted) return;
      const isFirst = this.#failure === undefined;
      this.#failure = error instanceof Error ? error : new Error(messageOf(error));
      const fields = { host: this.host, reason: this.#failure.message };
      if (isFirst) log.warn(fields, 'cannot resolve the Arc server; retrying');
    }
  }

  #indexOf({ address, port }: Endpoint): number {
    return this.#endpoints.findIndex((known) => known.address === address && known.port === port);
  }
}
