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

/** Puts a connection behind all others. */
export function markUsed<Key, Value>(connections: Map<Key, Value>, key: Key): void {
  const connection = connections.get(key);
  if (connection === undefined) return;
  connections.delete(key);
  connections.set(key, connection);
}
