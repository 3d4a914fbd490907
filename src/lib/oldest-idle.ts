/** Which connection makes room for a new one at a port that is full. */

interface Connection {
  /** Whether an exchange is under way. */
  readonly isBusy: boolean;
}

/**
 * The idle connection that was used longest ago; undefined if all are busy.
 *
 * @param connections in the order of their last use: see markUsed()
 */
export function oldestIdle<Key>(connections: ReadonlyMap<Key, Connection>): Key | undefined {
  for (const [key, { isBusy }] of connections) if (!isBusy) return key;
  return undefined;
}

/**
 * Closes the oldest idle connection if there are as many as may be.
 *
 * @param connections in the order of their last use: see markUsed()
 * @returns false if all are busy: then there is no room for another
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

/** Puts a connection behind all others. */
export function markUsed<Key, Value>(connections: Map<Key, Value>, key: Key): void {
  const connection = connections.get(key);
  if (connection === undefined) return;
  connections.delete(key);
  connections.set(key, connection);
}
