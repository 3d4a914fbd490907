/** The socket at which a running tunnel is asked how it does. */
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import type { Conversation, LocalListener, LocalListeners } from '../../ports/local-sockets.js';
import type { Log } from '../../ports/log.js';

export interface ControlPlace {
  /** The first that takes a socket is taken. */
  readonly folders: readonly string[];
  /** The interface's name, or that in arc.json; a folder may have several of one name. */
  readonly interfaceName: string;
  readonly pid: number;
}

export interface ControlSocket {
  /** The path's last part, without `.sock`. */
  readonly name: string;
  readonly path: string;
  close(): Promise<void>;
}

/** sun_path has 108 bytes, the last of which is zero (unix(7)). */
const LONGEST_PATH = 107;

/** A name in arc.json is whatever somebody has written: it must not lead out of the folder. */
const FILE_NAME = /^[A-Za-z0-9_=+.-]{1,64}$/;

/**
 * Opens it. A tunnel goes on without: that is a warning in the log.
 *
 * @param converse makes a conversation for a tunnel of this name
 */
export async function openControlSocket(
  { folders, interfaceName, pid }: ControlPlace,
  converse: (name: string) => Conversation,
  { listeners, log }: { readonly listeners: LocalListeners; readonly log: Log },
): Promise<ControlSocket | undefined> {
  const names = controlNames(interfaceName, pid);
  let reason = 'there is no folder for it';
  for (const folder of folders) {
    for (const name of names) {
      try {
        const path = `${folder}/${name}.sock`;
        const listener = await listen(path, name);
        return { name, path, close: () => listener.close() };
      } catch (error) {
        reason = messageOf(error);
        // Where the name is taken, the next one is free; where the folder cannot be used, none is.
        if (codeOf(error) !== 'EADDRINUSE') break;
      }
    }
  }
  log.warn(
    { reason },
    'no control socket: "arctun status" and "arctun health" do not see this tunnel',
  );
  return undefined;

  async function listen(path: string, name: string): Promise<LocalListener> {
    if (new TextEncoder().encode(path).length > LONGEST_PATH) {
      throw new Error(`the path ${path} is longer than ${LONGEST_PATH} bytes`);
    }
    return listeners.listen(path, () => converse(name));
  }
}

/** The name for a control socket, and that for when it is taken. */
function controlNames(interfaceName: string, pid: number): readonly string[] {
  const isPossible = FILE_NAME.test(interfaceName) && !/^\.+$/.test(interfaceName);
  return isPossible ? [interfaceName, `${interfaceName}-${pid}`] : [`arctun-${pid}`];
}
