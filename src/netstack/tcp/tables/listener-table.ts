import type { TcpListener } from '../open/listener.js';

/** The index of a listener that is bound to all local addresses. */
export const ANY_ADDRESS = -1;

function key(localIndex: number, port: number): number {
  return (localIndex + 1) * 0x10000 + port;
}

function isPlaceOf(place: number, localIndex: number): boolean {
  return Math.floor(place / 0x10000) - 1 === localIndex;
}

/** All listeners, indexed by local address and port. */
export class ListenerTable {
  readonly #byLocal = new Map<number, TcpListener>();

  get size(): number {
    return this.#byLocal.size;
  }

  /**
   * Finds the listener for a SYN. A listener bound to the destination address takes precedence over
   * one bound to all addresses.
   */
  find(localIndex: number, port: number): TcpListener | undefined {
    return this.#byLocal.get(key(localIndex, port)) ?? this.#byLocal.get(key(ANY_ADDRESS, port));
  }

  /** @throws RangeError if the same binding already exists */
  add(localIndex: number, listener: TcpListener): void {
    const place = key(localIndex, listener.local.port);
    if (this.#byLocal.has(place)) {
      throw new RangeError(`TCP port ${listener.local.port} is in use`);
    }
    this.#byLocal.set(place, listener);
  }

  remove(localIndex: number, listener: TcpListener): void {
    const place = key(localIndex, listener.local.port);
    if (this.#byLocal.get(place) === listener) this.#byLocal.delete(place);
  }

  /** Whether a listener is bound to this specific address. */
  hasAt(localIndex: number): boolean {
    return [...this.#byLocal.keys()].some((place) => isPlaceOf(place, localIndex));
  }

  all(): TcpListener[] {
    return [...this.#byLocal.values()];
  }
}
