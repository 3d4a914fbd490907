import type { Endpoint } from './ports.js';

/** `192.0.2.1:11010`, `[2001:db8::1]:11010`. */
export function endpointText({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
