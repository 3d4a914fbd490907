/** Dials names: resolves them inside the tunnel, then dials their addresses. */
import { DialError, type DialFailure, type DialTarget } from '../../proxy/dialer.js';
import { parseIpAddress } from '../../wire/ip-address.js';
import type { NameResolver } from './name-resolver.js';
import type { Clock } from '../../ports/clock.js';

/** The maximum number of addresses to try for one name. */
const MAX_ADDRESSES = 8;

/** After this many milliseconds, no other address is tried. */
const PATIENCE = 20_000;

/** Opens connections to IP addresses, given as strings. */
export interface AddressDialer<C> {
  dial(target: DialTarget, signal?: AbortSignal): Promise<C>;
}

export class NameDialer<C> implements AddressDialer<C> {
  readonly #resolver: NameResolver;
  readonly #dialer: AddressDialer<C>;
  readonly #clock: Clock;

  constructor(resolver: NameResolver, dialer: AddressDialer<C>, clock: Clock) {
    this.#resolver = resolver;
    this.#dialer = dialer;
    this.#clock = clock;
  }

  async dial({ host, port }: DialTarget, signal?: AbortSignal): Promise<C> {
    if (parseIpAddress(host) !== undefined) return this.#dialer.dial({ host, port }, signal);
    const start = this.#clock.now();
    const addresses = await this.#resolver.resolve(host, signal);
    let failure: unknown;
    for (const address of addresses.slice(0, MAX_ADDRESSES)) {
      try {
        return await this.#dialer.dial({ host: address, port }, signal);
      } catch (error) {
        if (signal?.aborted === true) throw error;
        failure ??= named(host, address, error);
        if (!isOfAddress(error) || this.#clock.now() - start >= PATIENCE) break;
      }
    }
    throw failure;
  }
}

/** Whether another address of the same name may succeed. */
function isOfAddress(error: unknown): error is DialError {
  return error instanceof DialError && OF_ADDRESS.has(error.reason);
}

const OF_ADDRESS = new Set<DialFailure>(['no-route', 'refused', 'unreachable', 'timeout']);

/** Returns the same failure, but with the name that the client requested. */
function named(name: string, address: string, error: unknown): unknown {
  if (!isOfAddress(error)) return error;
  const { reason, message, silence } = error;
  const text = message.includes(address) ? message : `${address}: ${message}`;
  return new DialError(reason, `${name}: ${text}`, { cause: error.cause, silence });
}
