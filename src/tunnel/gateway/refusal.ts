import type { Unreachable } from '../../engine/gateway-engine.js';
import { DialError, type DialFailure } from '../../proxy/dialer.js';

/** The failures that concern the whole tunnel, not one host. */
const OF_TUNNEL = new Set<DialFailure>(['no-handshake', 'not-ready', 'closed', 'exhausted']);

/** Returns how to report the failure of a dial to a program: an ICMP error, or that no port is open. */
export function refusalOf(error: unknown): Unreachable {
  // The tunnel cannot carry this traffic, such as pings through an interface of the system.
  if (!(error instanceof DialError)) return 'prohibited';
  if (error.reason === 'over-budget') return 'prohibited';
  if (error.reason === 'refused') return 'port';
  return OF_TUNNEL.has(error.reason) ? 'network' : 'host';
}
