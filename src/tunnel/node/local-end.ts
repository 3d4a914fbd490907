/** Binds servers and UDP ports to the tunnel's addresses, and reports invalid ones. */
import {
  formatIpAddress,
  type IpAddress,
  parseIpAddress,
  sameAddress,
} from '../../wire/ip-address.js';
import { systemError } from './node-errors.js';

/** The requested local address and port. */
export interface LocalEnd {
  readonly port: number;
  /** An IP address; `0.0.0.0`, `::` or no value means all of the tunnel's addresses. */
  readonly address?: string | undefined;
}

/**
 * Binds a socket, with errors like those of Node.js.
 * @throws Error EADDRNOTAVAIL if the tunnel does not have the address; EADDRINUSE
 */
export function bindLocal<T>(
  syscall: 'listen' | 'bind',
  { port, address }: LocalEnd,
  own: readonly IpAddress[],
  bind: (local: { port: number; address?: IpAddress }) => T,
): T {
  const place = { syscall, port, address: address ?? formatIpAddress(anyAddress(own)) };
  const parsed = address === undefined ? undefined : parseIpAddress(address);
  const isAny = address === undefined || parsed?.every((byte) => byte === 0) === true;
  if (!isAny && !own.some((one) => parsed !== undefined && sameAddress(one, parsed))) {
    throw systemError('EADDRNOTAVAIL', place);
  }
  try {
    return bind({ port, ...(!isAny && parsed && { address: parsed }) });
  } catch (error) {
    // The address and port are valid, so the port must be in use.
    if (error instanceof RangeError) throw systemError('EADDRINUSE', place, error);
    throw error;
  }
}

/** Returns the unspecified address: IPv6 if the tunnel has an IPv6 address, otherwise IPv4. */
export function anyAddress(own: readonly IpAddress[]): IpAddress {
  return new Uint8Array(Math.max(...own.map((address) => address.length)));
}
