/**
 * Refuses lookups of names in the test's own process: a test must not depend on the machine's name
 * server, or reach a real server. libuv looks names up in threads that stay in the network of the
 * machine, so that the counters of a private network do not see their queries.
 */
import dns from 'node:dns';
import { isIP } from 'node:net';

/** Longer labels do not exist in DNS (RFC 1035 2.3.4), so that a lookup sends no query. */
const LONGEST_LABEL = 63;

/** Replaces `dns.lookup()` of Node.js until the returned function is called. */
export function refuseLookups(): () => void {
  const { lookup } = dns;
  const { lookup: promised } = dns.promises;
  const guard =
    <Parameters extends readonly unknown[], Result>(original: (...all: Parameters) => Result) =>
    (...all: Parameters): Result => {
      const name = String(all[0]);
      if (sendsQuery(name)) throw new Error(`a query for ${name} would leave this machine`);
      return original(...all);
    };
  Object.assign(dns, { lookup: guard(lookup as (...all: unknown[]) => void) });
  Object.assign(dns.promises, { lookup: guard(promised as (...all: unknown[]) => unknown) });
  return () => {
    Object.assign(dns, { lookup });
    Object.assign(dns.promises, { lookup: promised });
  };
}

function sendsQuery(name: string): boolean {
  if (name === 'localhost' || isIP(name) !== 0) return false;
  return name.split('.').every(({ length }) => length <= LONGEST_LABEL);
}
