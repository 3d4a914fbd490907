/** Makes a server listen on sockets that the service manager has opened. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

import { UserError } from '../lib/errors/user-error.js';
import { formatAuthority } from '../lib/text/http-syntax.js';
import type { PassedSocket } from '../ports/passed-socket.js';
import { isLoopback } from './listen-address.js';
import { type PortOptions, warnOfStrangers } from './open-port.js';

/** The sockets of one listener. */
export interface PassedSockets {
  /** At least one socket. */
  readonly passed: readonly PassedSocket[];
  /** Whether other machines may reach the sockets. */
  readonly allowOpen: boolean;
  /** Advice for a socket that other machines can reach, besides --allow-open. */
  readonly otherwise?: readonly string[];
}

export interface OpenSockets {
  /** The address of the first socket: ADDRESS:PORT, or `unix:` and a path. */
  readonly authority: string;
  /** The servers of all other sockets, which pass their connections to the first server. */
  readonly others: readonly Server[];
}

/**
 * Opens the sockets. Later errors are logged.
 *
 * @throws UserError if a socket cannot be used, or if other machines can reach it without
 * permission; no socket is open then
 */
export async function openPassedSockets(
  server: Server,
  sockets: PassedSockets,
  options: Pick<PortOptions, 'risk' | 'log'>,
): Promise<OpenSockets> {
  const [first, ...rest] = sockets.passed;
  if (first === undefined) throw new RangeError('no sockets were passed');
  const others: Server[] = [];
  try {
    const authority = await openSocket(server, first, sockets, options);
    for (const socket of rest) {
      const other = createServer({ allowHalfOpen: true, noDelay: true });
      others.push(other);
      other.on('connection', (connection) => server.emit('connection', connection));
      await openSocket(other, socket, sockets, options);
    }
    return { authority, others };
  } catch (error) {
    for (const each of [server, ...others]) each.close();
    throw error;
  }
}

async function openSocket(
  server: Server,
  { fd, name, path }: PassedSocket,
  { allowOpen, otherwise }: PassedSockets,
  { risk, log }: Pick<PortOptions, 'risk' | 'log'>,
): Promise<string> {
  try {
    await once(server.listen({ fd }), 'listening');
  } catch (error) {
    throw unusable(name, error as Error);
  }
  server.on('error', (error) => log.error({ error: error.message }, 'the listener failed'));
  const address = server.address() as AddressInfo | null;
  if (address === null) return `unix:${path ?? `descriptor ${fd}`}`;
  const listen = { host: address.address, port: address.port };
  if (!isLoopback(listen.host)) {
    // The event loop has not accepted a connection yet.
    if (!allowOpen) throw tooOpen(name, formatAuthority(listen), otherwise);
    warnOfStrangers(listen, risk, log);
  }
  return formatAuthority(listen);
}

function unusable(name: string, cause: Error): UserError {
  return new UserError('configuration', {
    what: `cannot use the socket ${JSON.stringify(name)} of the service manager`,
    why: `it does not accept TCP or Unix stream connections (${cause.message})`,
    next: ['In the socket unit, set ListenStream= and Accept=no.'],
    cause,
  });
}

function tooOpen(name: string, address: string, otherwise: readonly string[] = []): UserError {
  const port = address.slice(address.lastIndexOf(':') + 1);
  return new UserError('usage', {
    what: `cannot use the socket ${JSON.stringify(name)} of the service manager`,
    why: `${address} is not a loopback address, so anyone who can reach the address could send data as this SIM`,
    next: [
      `In the socket unit, set ListenStream=127.0.0.1:${port}.`,
      ...otherwise,
      'Or allow this address with --allow-open or ARCTUN_ALLOW_OPEN=true.',
    ],
  });
}
