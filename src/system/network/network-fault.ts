/** Checks whether this machine has a route to any network, without sending anything. */
import { createSocket } from 'node:dgram';
import { getServers } from 'node:dns';
import { isIP, isIPv6 } from 'node:net';

/** Documentation addresses (RFC 5737, RFC 3849), to which only a default route can lead. */
const ANYWHERE = ['192.0.2.1', '2001:db8::1'];

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/**
 * @param nameServers in node:dns format; defaults to the system's name servers
 * @returns an error with the system's code; undefined if there is a route to a name server or to
 * the internet
 */
export async function networkFault(
  nameServers: readonly string[] = getServers(),
): Promise<Error | undefined> {
  // A local stub resolver answers even without a network.
  const servers = nameServers.filter((host) => isIP(host) !== 0 && !LOOPBACK.test(host));
  const faults = await Promise.all([...servers, ...ANYWHERE].map((host) => routeFault(host)));
  const [first] = faults;
  if (first === undefined || faults.includes(undefined)) return undefined;
  const message = `this machine has no route to the network (${first.message})`;
  return Object.assign(new Error(message, { cause: first }), { code: first.code });
}

/** Connects a UDP socket, which looks up a route without sending anything (udp(7)). */
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
