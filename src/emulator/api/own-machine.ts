/** Detects callers on this machine. */
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Whether an address belongs to this machine. If a local program connects to a local address, its
 * source address is also local, and the system drops packets from outside with such a source.
 *
 * @param own the addresses of this machine's interfaces
 */
export function isOwnMachine(
  remoteAddress: string | undefined,
  own: readonly string[] = interfaceAddresses(),
): boolean {
  if (remoteAddress === undefined) return false;
  const address = plain(remoteAddress);
  if (LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) return true;
  return own.some((each) => plain(each) === address);
}

/** Removes the zone, and converts an IPv4-mapped IPv6 address of a dual-stack socket to IPv4. */
function plain(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/, '');
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.map(({ address }) => address),
  );
}
