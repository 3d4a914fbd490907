import { lookup, Resolver as DnsResolver } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { createSocket } from 'node:dgram';
import { getServers } from 'node:dns';

import { systemClock } from '../clock.js';
import { inTime } from '../../lib/waits.js';
import type { Resolution, Resolver } from '../../ports/resolver.js';

/** The lifetime of addresses with an unknown TTL, such as those in /etc/hosts, in milliseconds. */
const DEFAULT_TTL = 60_000;

/**
 * The maximum duration of a lookup in milliseconds. The system's resolver does not have a limit: if
 * two name servers do not respond, glibc takes 20 s.
 */
const DEADLINE = 20_000;

/** How long, in ms, to wait for the records' TTL after the system has returned the addresses. */
const TTL_PATIENCE = 100;

/** An address record from DNS. The unit of `ttl` is seconds. */
export interface AddressRecord {
  readonly address: string;
  readonly ttl: number;
}

export interface ResolverSources {
  /** Resolves by the system's rules: /etc/hosts, search domains, mDNS. The result has no TTL. */
  lookup(host: string): Promise<readonly { readonly address: string }[]>;
  /** Queries only the name servers; stop() cancels the query. */
  records(host: string): { readonly answer: Promise<readonly AddressRecord[]>; stop(): void };
  /**
   * Resolves with the reason why this machine cannot reach any network, and therefore no name
   * server; undefined if it may be able to reach one. Never rejects.
   */
  networkFault(): Promise<Error | undefined>;
}

/** Returns a resolver that combines the system's addresses with the TTL of DNS records. */
export function createResolver(sources: ResolverSources): Resolver {
  return {
    async resolve(host, signal): Promise<Resolution> {
      if (isIP(host) !== 0) return { addresses: [host], ttl: Infinity };
      signal?.throwIfAborted();
      const records = isMulticastName(host) ? undefined : sources.records(host);
      // Ignore failures, because this query only finds the TTL.
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

/** The system's own resolver, including /etc/hosts. */
export const systemResolver: Resolver = createResolver({
  lookup: (host) => lookup(host, { all: true, order: 'verbatim' }),
  records: (host) => nameServerRecords(host),
  networkFault: () => networkFault(),
});

/**
 * Queries the records of both address families.
 *
 * @param servers addresses of name servers; defaults to the system's
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

/**
 * Whether a name is resolved by devices on the local link instead of servers (RFC 6762 3 and 22.1).
 */
function isMulticastName(host: string): boolean {
  return /\.local\.?$/i.test(host);
}

/**
 * Returns the lowest TTL of those addresses that are in the DNS response, or the default if there
 * are none.
 */
function ttlOf(addresses: readonly string[], records: readonly AddressRecord[]): number {
  const own = records.filter(({ address }) => addresses.includes(address));
  return own.length > 0 ? Math.min(...own.map(({ ttl }) => ttl)) * 1000 : DEFAULT_TTL;
}

function noAnswer(host: string): Error {
  const text = `the resolver did not answer for ${host} within ${DEADLINE / 1000} s`;
  return Object.assign(new Error(text), { code: 'ETIMEDOUT' });
}

/** Documentation addresses (RFC 5737, RFC 3849), to which only a default route can lead. */
const ANYWHERE = ['192.0.2.1', '2001:db8::1'];

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/**
 * @param nameServers in node:dns format; defaults to the system's name servers
 * @returns an error with the system's code; undefined if there is a route to a name server or to
 * the internet
 */
export async function networkFault(
  nameServers: readonly string[] = getServers(),
): Promise<Error | undefined> {
  // A local stub resolver answers even without a network.
  const servers = nameServers.filter((host) => isIP(host) !== 0 && !LOOPBACK.test(host));
  const faults = await Promise.all([...servers, ...ANYWHERE].map((host) => routeFault(host)));
  const [first] = faults;
  if (first === undefined || faults.includes(undefined)) return undefined;
  const message = `this machine has no route to the network (${first.message})`;
  return Object.assign(new Error(message, { cause: first }), { code: first.code });
}

/** Connects a UDP socket, which looks up a route without sending anything (udp(7)). */
function routeFault(host: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const end = (fault?: NodeJS.ErrnoException) => {
      socket.close();
      resolve(fault);
    };
    socket.once('error', end);
    socket.connect(53, host, (error?: NodeJS.ErrnoException) => end(error));
  });
}
