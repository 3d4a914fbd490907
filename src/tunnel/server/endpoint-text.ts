import { formatAuthority } from '../../proxy/listen-address.js';
import type { Endpoint } from '../../ports/datagram.js';

/** `192.0.2.1:11010`, `[2001:db8::1]:11010`. */
export function endpointText({ address, port }: Endpoint): string {
  return formatAuthority({ host: address, port });
}
