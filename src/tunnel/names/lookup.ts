/** Implements dns.lookup() with the name servers inside the tunnel. */
import type {
  LookupAddress,
  LookupAllOptions,
  LookupOneOptions,
  LookupOptions,
  promises,
} from 'node:dns';
import { promisify } from 'node:util';

import { DialError } from '../../proxy/dialer.js';
import { parseIpAddress } from '../../wire/ip-address.js';
import { familyOf } from '../server/address-order.js';
import type { NameResolver } from './name-resolver.js';
import { lookupError } from '../node/node-errors.js';

type OneCallback = (error: NodeJS.ErrnoException | null, address: string, family: number) => void;
type AllCallback = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;
type AnyCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** The signature of dns.lookup(), for any API that has a `lookup` option. */
export interface Lookup {
  (hostname: string, callback: OneCallback): void;
  (hostname: string, options: LookupOneOptions | number, callback: OneCallback): void;
  (hostname: string, options: LookupAllOptions, callback: AllCallback): void;
  (hostname: string, options: LookupOptions, callback: AnyCallback): void;
  readonly [promisify.custom]: PromisedLookup;
}

/** The signature of dns.promises.lookup(). */
export type PromisedLookup = typeof promises.lookup;

/**
 * Returns all addresses of a name, or only those of the requested family.
 * @throws Error ENOTFOUND or EAI_AGAIN; or the abort reason
 */
export async function lookupAll(
  names: NameResolver,
  hostname: string,
  family: 0 | 4 | 6,
  signal?: AbortSignal,
): Promise<[LookupAddress, ...LookupAddress[]]> {
  try {
    const isAddress = parseIpAddress(hostname) !== undefined;
    const texts = isAddress ? [hostname] : await names.resolve(hostname, signal);
    const all = texts.map((address) => ({ address, family: familyOf(address) }));
    const [first, ...rest] = all.filter((entry) => family === 0 || entry.family === family);
    if (first !== undefined) return [first, ...rest];
    throw new DialError('no-such-name', `${hostname} does not have an IPv${family} address`);
  } catch (error) {
    throw lookupError(error, hostname);
  }
}

export function createLookup(names: NameResolver): {
  lookup: Lookup;
  promisedLookup: PromisedLookup;
} {
  const find = async (
    hostname: string,
    given?: LookupOptions | number,
  ): Promise<LookupAddress | LookupAddress[]> => {
    const options = typeof given === 'number' ? { family: given } : (given ?? {});
    const found = await lookupAll(names, hostname, readFamily(options.family));
    return options.all === true ? found : found[0];
  };
  const lookup = (
    hostname: string,
    given: LookupOptions | number | AnyCallback,
    then?: AnyCallback,
  ): void => {
    const [options, callback] = typeof given === 'function' ? [{}, given] : [given, then];
    if (typeof callback !== 'function') throw new TypeError('lookup() must have a callback');
    // Call the callback outside the promise, so that an exception in it does not become a
    // rejection.
    const settle = (...values: Parameters<AnyCallback>) => process.nextTick(callback, ...values);
    find(hostname, options).then(
      (found) => {
        if (Array.isArray(found)) settle(null, found);
        else settle(null, found.address, found.family);
      },
      (error: unknown) => settle(error as Error, ''),
    );
  };
  // As with dns.lookup(), util.promisify() returns the equivalent of dns.promises.lookup().
  Object.defineProperty(lookup, promisify.custom, { value: find });
  return { lookup: lookup as Lookup, promisedLookup: find as PromisedLookup };
}

/** @throws TypeError */
function readFamily(family: unknown): 0 | 4 | 6 {
  if (family === undefined || family === 0) return 0;
  if (family === 4 || family === 'IPv4') return 4;
  if (family === 6 || family === 'IPv6') return 6;
  throw new TypeError(`family must be 0, 4 or 6, not ${JSON.stringify(family)}`);
}
