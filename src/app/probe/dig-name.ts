/** Looks up a name with the tunnel's name servers. */
import { DialError } from '../../proxy/dialer.js';
import { type LookupResult, type LookupType, lookUp } from '../../proxy/dns/dns-lookup.js';
import { DnsUpstream } from '../../proxy/dns/dns-upstream.js';
import { TunnelError } from '../../tunnel/tunnel-error.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import type { TunnelAccess } from '../access/access.js';
import { dialFailure } from '../access/dial-failure.js';

export interface DigOptions {
  /** A name in ASCII with valid labels. */
  readonly name: string;
  readonly type: LookupType;
  /** IP addresses in text form, in the order in which they are asked. */
  readonly servers: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

const ADVICE = 'Choose other name servers with --dns.';

/**
 * @throws TunnelError if no name server responds
 * @throws UserError of kind `failed` for a malformed response
 */
export async function digName(
  { name, type, servers, signal }: DigOptions,
  { dialer, datagramDialer }: Pick<TunnelAccess, 'dialer' | 'datagramDialer'>,
  { clock, entropy }: Pick<TunnelPorts, 'clock' | 'entropy'>,
): Promise<LookupResult> {
  const dialers = { datagrams: datagramDialer, streams: dialer };
  const upstream = new DnsUpstream({ servers, ...dialers, clock, entropy });
  const what = `cannot look up ${name}`;
  const found = await lookUp(upstream, name, type, signal).catch((error: unknown) => {
    throw error instanceof DialError ? dialFailure(error, what, ADVICE) : error;
  });
  if (!('kind' in found)) return found;
  const failures = [...found.failures].map(([server, why]) => `name server ${server} ${why}`);
  throw new TunnelError('not-connected', {
    what,
    why: failures.join(', '),
    next: [ADVICE],
  });
}
