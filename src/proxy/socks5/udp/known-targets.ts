/** The hosts to which an association has sent, and which may therefore answer. */

/** The maximum number of hosts; a new host replaces the one that has been idle longest. */
const MAX_TARGETS = 256;

/** After this many milliseconds without a datagram in either direction, a host may not answer. */
const IDLE_TIMEOUT = 60_000;

export class KnownTargets {
  /** The time of each host's last datagram in ms. */
  readonly #usedAt = new Map<number | string, number>();

  /** Records a datagram to a host. */
  note(address: Uint8Array, now: number): void {
    const key = keyOf(address);
    if (this.#usedAt.size >= MAX_TARGETS && !this.#usedAt.has(key)) this.#dropOldest();
    this.#usedAt.set(key, now);
  }

  /**
   * Returns whether a datagram from a host is an answer. Any port of the host may answer (RFC 4787
   * 5, address-dependent filtering), because some protocols answer from another port.
   */
  mayAnswer(address: Uint8Array, now: number): boolean {
    const key = keyOf(address);
    const usedAt = this.#usedAt.get(key);
    if (usedAt === undefined || now - usedAt >= IDLE_TIMEOUT) return false;
    this.#usedAt.set(key, now);
    return true;
  }

  #dropOldest(): void {
    let oldest: number | string | undefined;
    let since = Infinity;
    for (const [key, usedAt] of this.#usedAt) {
      if (usedAt < since) [oldest, since] = [key, usedAt];
    }
    if (oldest !== undefined) this.#usedAt.delete(oldest);
  }
}

/** Returns a number for IPv4 and a string for IPv6. */
function keyOf(address: Uint8Array): number | string {
  if (address.length !== 4) return Buffer.from(address).toString('latin1');
  const [first = 0, second = 0, third = 0, fourth = 0] = address;
  return ((first << 24) | (second << 16) | (third << 8) | fourth) >>> 0;
}
