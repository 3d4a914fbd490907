/** Connects to services on this machine's own network, which remote forwards lead to. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { DialError, type DialFailure, type DialTarget } from '../dialer.js';
import type { SocketPath } from '../open-socket-file.js';

/** How long a connection attempt may take, in milliseconds. */
const TIMEOUT = 20_000;

/**
 * Opens a TCP connection or a Unix socket.
 *
 * @throws DialError; or the abort reason
 */
export async function connectLocally(
  target: DialTarget | SocketPath,
  signal: AbortSignal,
): Promise<Socket> {
  const place = 'path' in target ? target : { host: target.host, port: target.port, noDelay: true };
  const socket = connect({ ...place, allowHalfOpen: true });
  // An abort removes the listener of once(), and the socket may fail before the promise rejects.
  socket.on('error', () => undefined);
  socket.setTimeout(TIMEOUT, () => {
    socket.destroy(new DialError('timeout', `no response within ${TIMEOUT / 1000} s`));
  });
  try {
    await once(socket, 'connect', { signal });
    socket.setTimeout(0);
    return socket;
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? error : localFault(error);
  }
}

/** Texts for the errors that users often see, instead of those of the system. */
const TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the service refused the connection',
  ENOENT: 'the path of the service does not exist',
  EACCES: 'this user may not connect to the path of the service',
  ENETUNREACH: 'this machine has no route to the service',
  EHOSTUNREACH: 'the host of the service is unreachable',
  ETIMEDOUT: 'the service does not answer',
  ENOTFOUND: 'the name of the service was not found',
  EAI_AGAIN: 'the name of the service cannot be resolved at the moment',
};

const FAILURES: Readonly<Record<string, DialFailure>> = {
  ECONNREFUSED: 'refused',
  ENOENT: 'refused',
  EACCES: 'refused',
  ETIMEDOUT: 'timeout',
  ENOTFOUND: 'no-such-name',
  EAI_AGAIN: 'name-unresolved',
};

/** Converts an error of the system to a DialError. */
export function localFault(error: unknown): DialError {
  if (error instanceof DialError) return error;
  const code = codeOf(error) ?? '';
  const failure = FAILURES[code] ?? 'unreachable';
  return new DialError(failure, TEXTS[code] ?? messageOf(error), { cause: error });
}
