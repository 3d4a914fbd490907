import { formatAuthority } from '../../lib/text/http-syntax.js';
import type { Endpoint } from '../../ports/datagram.js';

/** Formats an endpoint, as in `192.0.2.1:11010` or `[2001:db8::1]:11010`. */
export function endpointText({ address, port }: Endpoint): string {
  return formatAuthority({ host: address, port });
}
