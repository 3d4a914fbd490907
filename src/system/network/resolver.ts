import { lookup, Resolver as DnsResolver } from 'node:dns/promises';
import { isIP } from 'node:net';

import { networkFault } from './network-fault.js';
import { systemClock } from '../clock.js';
import { inTime } from '../../lib/waits.js';
import type { Resolution, Resolver } from '../../ports/resolver.js';

/** How long addresses hold whose TTL cannot be known, as those of /etc/hosts. */
const DEFAULT_TTL = 60_000;

/** The system's resolver has no deadline of its own: with two dead name servers glibc needs 20 s. */
const DEADLINE = 20_000;

/** For the records' TTL, after the system has given the addresses. */
const TTL_PATIENCE = 100;

/** An address record as DNS gives it; `ttl` is in seconds. */
export interface AddressRecord {
  readonly address: string;
  readonly ttl: number;
}

/** Where names and times to live come from. */
export interface ResolverSources {
  /** By the rules of this system: /etc/hosts, search domains, mDNS and all. It tells no TTL. */
  lookup(host: string): Promise<readonly { readonly address: string }[]>;
  /** Asks the name servers alone, until it is stopped. */
  records(host: string): { readonly answer: Promise<readonly AddressRecord[]>; stop(): void };
  /** Why this machine reaches no network, and so no name server; undefined if it may. Never rejects. */
  networkFault(): Promise<Error | undefined>;
}

/** The system's addresses, with the TTL of the records in DNS where these are the same. */
export function createResolver(sources: ResolverSources): Resolver {
  return {
    async resolve(host, signal): Promise<Resolution> {
      if (isIP(host) !== 0) return { addresses: [host], ttl: Infinity };
      signal?.throwIfAborted();
      const records = isMulticastName(host) ? undefined : sources.records(host);
      // Whatever becomes of it, it is only asked for the TTL.
      const answer = (records?.answer ?? Promise.resolve([])).catch(() => []);
      try {
        const looked = sources.lookup(host).catch(async (error: unknown) => {
          throw (await sources.networkFault()) ?? error;
        });
        const found = await inTime(looked, DEADLINE, systemClock, signal);
        if (found === undefined) throw noAnswer(host);
        const addresses = found.map(({ address }) => address);
        const known = await inTime(answer, TTL_PATIENCE, systemClock, signal);
        return { addresses, ttl: ttlOf(addresses, known ?? []) };
      } finally {
        records?.stop();
      }
    },
  };
}

/** The system's own resolver, with /etc/hosts and all. */
export const systemResolver: Resolver = createResolver({
  lookup: (host) => lookup(host, { all: true, order: 'verbatim' }),
  records: (host) => nameServerRecords(host),
  networkFault: () => networkFault(),
});

/**
 * Both kinds of address records.
 *
 * @param servers addresses of name servers; the system's by default
 */
export function nameServerRecords(
  host: string,
  servers?: readonly string[],
): ReturnType<ResolverSources['records']> {
  const resolver = new DnsResolver({ timeout: 2_000, tries: 1 });
  if (servers !== undefined) resolver.setServers(servers);
  const none = () => [];
  const both = [
    resolver.resolve4(host, { ttl: true }).catch(none),
    resolver.resolve6(host, { ttl: true }).catch(none),
  ];
  return {
    answer: Promise.all(both).then((records) => records.flat()),
    stop: () => resolver.cancel(),
  };
}

/** Those are asked for on the link alone; name servers must not be (RFC 6762 3 and 22.1). */
function isMulticastName(host: string): boolean {
  return /\.local\.?$/i.test(host);
}

/** The shortest one of the addresses that DNS has; others, as those of /etc/hosts, have none. */
function ttlOf(addresses: readonly string[], records: readonly AddressRecord[]): number {
  const own = records.filter(({ address }) => addresses.includes(address));
  return own.length > 0 ? Math.min(...own.map(({ ttl }) => ttl)) * 1000 : DEFAULT_TTL;
}

function noAnswer(host: string): Error {
  const text = `the resolver did not answer for ${host} within ${DEADLINE / 1000} s`;
  return Object.assign(new Error(text), { code: 'ETIMEDOUT' });
}
