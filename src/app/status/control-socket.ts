/** The Unix socket at which a running tunnel reports its status and connects other commands. */
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import type { Conversation, LocalListener, LocalListeners } from '../../ports/local-sockets.js';
import type { Log } from '../../ports/log.js';

export interface ControlPlace {
  /** Candidate folders; the socket is created in the first usable one. */
  readonly folders: readonly string[];
  /** The interface's name, or the name in arc.json. Several tunnels may have the same name. */
  readonly interfaceName: string;
  readonly pid: number;
}

export interface ControlSocket {
  /** The file name without `.sock`. */
  readonly name: string;
  readonly path: string;
  close(): Promise<void>;
}

/** sun_path is 108 bytes long, and its last byte is zero (unix(7)). */
const LONGEST_PATH = 107;

/**
 * The maximum number of clients whose request has not arrived yet. Each one may buffer 4 kB, and
 * many commands may connect at the same moment.
 */
const MAX_CONVERSATIONS = 1_024;

/**
 * Valid socket names. The pattern is strict because arc.json may contain any name, and the socket
 * must not be outside the folder.
 */
const FILE_NAME = /^[A-Za-z0-9_=+.-]{1,64}$/;

/**
 * Opens the socket. If that fails, logs a warning, and the tunnel continues without it.
 *
 * @param converse creates a session for a tunnel of the given name
 */
export async function openControlSocket(
  { folders, interfaceName, pid }: ControlPlace,
  converse: (name: string) => Conversation,
  { listeners, log }: { readonly listeners: LocalListeners; readonly log: Log },
): Promise<ControlSocket | undefined> {
  const names = controlNames(interfaceName, pid);
  let reason = 'this system does not support Unix sockets';
  for (const folder of folders) {
    for (const name of names) {
      try {
        const path = `${folder}/${name}.sock`;
        const listener = await listen(path, name);
        return { name, path, close: () => listener.close() };
      } catch (error) {
        reason = messageOf(error);
        // If the name is taken, try the next one. If the folder is unusable, try the next folder.
        if (codeOf(error) !== 'EADDRINUSE') break;
      }
    }
  }
  log.warn(
    { reason },
    'cannot create the control socket, so other arctun commands will not find this tunnel',
  );
  return undefined;

  async function listen(path: string, name: string): Promise<LocalListener> {
    if (new TextEncoder().encode(path).length > LONGEST_PATH) {
      throw new Error(`the path ${path} must not be longer than ${LONGEST_PATH} bytes`);
    }
    return listeners.listen(path, () => converse(name), { maxConversations: MAX_CONVERSATIONS });
  }
}

/** Returns the name for the control socket, and an alternative in case the name is taken. */
function controlNames(interfaceName: string, pid: number): readonly string[] {
  const isPossible = FILE_NAME.test(interfaceName) && !/^\.+$/.test(interfaceName);
  return isPossible ? [interfaceName, `${interfaceName}-${pid}`] : [`arctun-${pid}`];
}
