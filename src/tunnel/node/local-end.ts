/** Our ends of servers and UDP ports: which address they may have, and what is wrong with others. */
import {
  formatIpAddress,
  type IpAddress,
  parseIpAddress,
  sameAddress,
} from '../../wire/ip-address.js';
import { systemError } from './node-errors.js';

/** Where something is to be bound. */
export interface LocalEnd {
  readonly port: number;
  /** IP text; absent, `0.0.0.0` and `::` are all addresses of ours. */
  readonly address?: string | undefined;
}

/**
 * Binds, with Node's errors.
 * @throws Error EADDRNOTAVAIL for what is no address of ours, EADDRINUSE
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
    // The address and the port have been looked at: they must be taken.
    if (error instanceof RangeError) throw systemError('EADDRINUSE', place, error);
    throw error;
  }
}

/** What stands for all of our addresses: zeros of the family that has most room. */
export function anyAddress(own: readonly IpAddress[]): IpAddress {
  return new Uint8Array(Math.max(...own.map((address) => address.length)));
}
