/**
 * Finds the process that is using a WireGuard key. That process listens on the key's socket.
 *
 * On Linux, this is an abstract socket (unix(7)): binding it is atomic, every user in the network
 * namespace sees it, and it disappears with its process. On other systems, it is a file in the
 * folder of control sockets, and two processes that start at the same time after a kill may both
 * claim the key.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { codeOf } from '../../lib/errors/error-message.js';
import type { KeyClaims } from '../../ports/key-claims.js';
import type { Conversation, LocalConnections, LocalListeners } from '../../ports/local-sockets.js';
import { localConnections } from './local-connection.js';
import { ABSTRACT, localListeners } from './local-listener.js';
import { runFolders } from '../files/state-folder.js';

const LINE_END = '\n';

/** The request. Its content is arbitrary, because every request gets the same response. */
const REQUEST = LINE_END;

export interface KeyClaimSurroundings {
  readonly platform: string;
  /** Folders for sockets, the preferred one first. */
  readonly folders: readonly string[];
  readonly listeners: LocalListeners;
  readonly connections: LocalConnections;
}

export function createKeyClaims({
  platform = process.platform,
  folders = runFolders(),
  listeners = localListeners,
  connections = localConnections,
}: Partial<KeyClaimSurroundings> = {}): KeyClaims {
  return {
    async take(publicKey, describe) {
      const places = placesOf(publicKey);
      // On other systems, the names differ between users, so check the names of all users first.
      if (platform !== 'linux' && (await isHeld(places))) return undefined;
      let failure: Error | undefined;
      for (const place of places) {
        try {
          return await listeners.listen(place, () => holderSession(describe));
        } catch (error) {
          if (codeOf(error) === 'EADDRINUSE') return undefined;
          failure = error as Error;
        }
      }
      throw failure ?? new Error('this system does not support Unix sockets');
    },
    async holder(publicKey) {
      let failure: Error | undefined;
      for (const place of placesOf(publicKey)) {
        try {
          const line = await connections.ask(place, REQUEST, LINE_END);
          return line.slice(0, -LINE_END.length);
        } catch (error) {
          if (!isNobody(error)) failure ??= error as Error;
        }
      }
      if (failure !== undefined) throw failure;
      return undefined;
    },
  };

  async function isHeld(places: readonly string[]): Promise<boolean> {
    const held = await Promise.all(
      places.map((place) =>
        connections.ask(place, REQUEST, LINE_END).then(
          () => true,
          (error: unknown) => !isNobody(error),
        ),
      ),
    );
    return held.includes(true);
  }

  /**
   * Returns the socket names, the preferred one first. Each process derives the same names, which
   * do not reveal the key.
   */
  function placesOf(publicKey: Uint8Array): readonly string[] {
    const name = createHash('sha256').update(publicKey).digest('hex').slice(0, 32);
    const paths = folders.map((folder) => join(folder, `key-${name}`));
    return platform === 'linux' ? [`${ABSTRACT}arctun/key/${name}`, ...paths] : paths;
  }
}

function isNobody(error: unknown): boolean {
  return ['ECONNREFUSED', 'ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '');
}

/** Answers every request with one line. */
function holderSession(describe: () => string): Conversation {
  return {
    isOver: false,
    handle: () => Promise.resolve(`${describe()}${LINE_END}`),
    close: () => undefined,
  };
}
