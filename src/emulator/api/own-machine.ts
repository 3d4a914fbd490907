/** Which callers are on this machine. */
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Whether an address is one of this machine's. A program that connects to one of them has one of them itself, and
 * the system drops what comes from outside under such an address.
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

/** Without a zone, and as IPv4 where a socket for both versions has mapped it into IPv6. */
function plain(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/, '');
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.map(({ address }) => address),
  );
}
