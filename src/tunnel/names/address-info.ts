import { formatIpAddress, type SocketAddress } from '../../wire/ip-address.js';

export type FamilyName = 'IPv4' | 'IPv6';

/** An endpoint of a connection, server or UDP socket, in the format of Node.js. */
export interface AddressInfo {
  readonly address: string;
  readonly family: FamilyName;
  readonly port: number;
}

export function addressInfo(end: SocketAddress): AddressInfo {
  const family = end.address.length === 4 ? 'IPv4' : 'IPv6';
  return { address: formatIpAddress(end.address), family, port: end.port };
}
