/** Sockets of the operating system that are bound to one local address. */
import { createSocket, type Socket as DgramSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, isIPv6, type Socket } from 'node:net';

export interface Target {
  /** An IP address in text form. */
  readonly host: string;
  readonly port: number;
}

export const boundSockets = { sourceOf, connect: connectFrom, connectUdp };

/** Any port, because connecting a UDP socket only looks up the route, and does not send anything. */
const ANY_PORT = 9;

/**
 * Returns the local address from which the system would send to the host.
 *
 * @throws Error with the system's `code`, for example ENETUNREACH without a route
 */
async function sourceOf(host: string): Promise<string> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  try {
    await connected(socket, { host, port: ANY_PORT });
    return socket.address().address;
  } finally {
    socket.close();
  }
}

/** @throws the abort reason, or Error with the system's `code` */
async function connectFrom(
  localAddress: string,
  { host, port }: Target,
  signal?: AbortSignal,
): Promise<Socket> {
  const socket = connect({ host, port, localAddress, allowHalfOpen: true, noDelay: true });
  // An abort removes the listener of once(), and the socket may fail before the promise rejects.
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    signal?.throwIfAborted();
    throw error;
  }
}

/** Returns a UDP socket that sends to the target, and receives only from it. */
async function connectUdp(localAddress: string, target: Target): Promise<DgramSocket> {
  const socket = createSocket(isIPv6(target.host) ? 'udp6' : 'udp4');
  try {
    await once(socket.bind({ address: localAddress, exclusive: true }), 'listening');
    await connected(socket, target);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

async function connected(socket: DgramSocket, { host, port }: Target): Promise<void> {
  // 'connect' and 'error' are the two results; once() rejects for 'error'.
  const settled = once(socket, 'connect');
  socket.connect(port, host);
  await settled;
}
