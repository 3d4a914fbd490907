/** Whether this machine has a route to any network. Nothing is sent. */
import { createSocket } from 'node:dgram';
import { getServers } from 'node:dns';
import { isIP, isIPv6 } from 'node:net';

/** No machine has these addresses (RFC 5737, RFC 3849): a default route leads to them. */
const ANYWHERE = ['192.0.2.1', '2001:db8::1'];

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/**
 * @param nameServers as node:dns writes them; those of this system by default
 * @returns with the system's code; undefined if there is a route to a name server or to the internet
 */
export async function networkFault(
  nameServers: readonly string[] = getServers(),
): Promise<Error | undefined> {
  // A local stub answers on a machine without a network, too.
  const servers = nameServers.filter((host) => isIP(host) !== 0 && !LOOPBACK.test(host));
  const faults = await Promise.all([...servers, ...ANYWHERE].map((host) => routeFault(host)));
  const [first] = faults;
  if (first === undefined || faults.includes(undefined)) return undefined;
  const message = `this machine has no network route (${first.message})`;
  return Object.assign(new Error(message, { cause: first }), { code: first.code });
}

/** Connecting a UDP socket asks the system for a route, and sends nothing (udp(7)). */
function routeFault(host: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const end = (fault?: NodeJS.ErrnoException) => {
      socket.close();
      resolve(fault);
    };
    socket.once('error', end);
    socket.connect(53, host, (error?: NodeJS.ErrnoException) => end(error));
  });
}
