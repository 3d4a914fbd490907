/** Selects the connection to close after a port has reached its connection limit. */

interface Connection {
  /** Whether a request is in progress on the connection. */
  readonly isBusy: boolean;
}

/**
 * Returns the least recently used idle connection; undefined if all connections are busy.
 *
 * @param connections in order of last use; see markUsed()
 */
export function oldestIdle<Key>(connections: ReadonlyMap<Key, Connection>): Key | undefined {
  for (const [key, { isBusy }] of connections) if (!isBusy) return key;
  return undefined;
}

/**
 * Closes the least recently used idle connection if the limit is reached.
 *
 * @param connections in order of last use; see markUsed()
 * @returns false if the limit is reached and all connections are busy
 */
export function makeRoom<Key extends { destroy(): void }>(
  connections: Map<Key, Connection>,
  most: number,
): boolean {
  if (connections.size < most) return true;
  const oldest = oldestIdle(connections);
  if (oldest === undefined) return false;
  connections.delete(oldest);
  oldest.destroy();
  return true;
}

/** Marks a connection as the most recently used one. */
export function markUsed<Key, Value>(connections: Map<Key, Value>, key: Key): void {
  const connection = connections.get(key);
  if (connection === undefined) return;
  connections.delete(key);
  connections.set(key, connection);
}
