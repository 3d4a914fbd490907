/** Serves WireGuard's userspace API for a tunnel, where `wg` expects it. */
import { codeOf, messageOf, ownerOf } from '../../lib/errors/error-message.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { LocalListener, LocalListeners } from '../../ports/local-sockets.js';
import type { Log } from '../../ports/log.js';
import type { RunningTunnel } from './running-tunnel.js';

/** The socket folder of all userspace WireGuard implementations (wireguard.com/xplatform). */
export const UAPI_FOLDER = '/var/run/wireguard';

export interface UapiPorts {
  readonly listeners: LocalListeners;
  readonly log: Log;
}

/**
 * Listens for `wg`. The tunnel also works without this socket, but in tun mode, another program
 * must not be serving the interface's socket.
 *
 * @param name the interface's name; in userspace the name in arc.json
 * @param source the configuration's name in messages
 * @returns undefined if the socket cannot be opened, or in kernel mode
 * @throws UserError in tun mode, if another program listens there
 */
export async function openUapiSocket(
  { tunnel, up: { mode } }: Pick<RunningTunnel, 'tunnel' | 'up'>,
  name: string,
  source: string,
  { listeners, log }: UapiPorts,
): Promise<LocalListener | undefined> {
  if (tunnel.converse === undefined || name === '' || name.includes('/')) return undefined;
  const converse = tunnel.converse.bind(tunnel);
  const path = `${UAPI_FOLDER}/${name}.sock`;
  try {
    const listener = await listeners.listen(path, converse);
    log.debug({ path }, 'UAPI listener started');
    return listener;
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') {
      log.debug(
        { path, reason: messageOf(error) },
        'cannot create the UAPI socket, so wg will not show this tunnel',
      );
      return undefined;
    }
    const taken = takenError(path, source, error);
    if (mode === 'tun') throw taken;
    log.warn({}, `${taken.message}; wg will not show this tunnel`);
    return undefined;
  }
}

function takenError(path: string, source: string, error: unknown): UserError {
  const what = `cannot listen on ${path}`;
  const owner = ownerOf(error);
  if (owner !== undefined) {
    const why = `permission denied: the socket is owned by ${owner}`;
    const next = [`Run as ${owner}, or set another interface name in ${source}.`];
    return new UserError('permission', { what, why, next, cause: error });
  }
  const next = [
    'Stop that program: two tunnels with the same key keep disconnecting each other.',
    `Or set another interface name in ${source}.`,
  ];
  const why = 'another program is already running a tunnel with this name';
  return new UserError('failed', { what, why, next, cause: error });
}
