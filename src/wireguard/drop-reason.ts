/**
 * Why something was thrown away. A peer's bytes never throw: they are counted here.
 *
 * From the network:
 * - `malformed`: no WireGuard message: wrong type, reserved bytes or length
 * - `bad-mac1`: not made with our public key; never answered (whitepaper 5.1)
 * - `under-load`: answered by a cookie instead of a handshake
 * - `rate-limited`: valid cookie, but too many handshakes from one source
 * - `bad-handshake`: does not decrypt, or a low-order key
 * - `unknown-peer`: a public key that is no peer of ours
 * - `replayed-initiation`: its timestamp is not after the last accepted
 * - `initiation-flood`: too soon after the last accepted of this peer
 * - `unexpected-response`: no initiation of ours waits for it
 * - `bad-cookie`: a cookie reply that we did not provoke or that does not decrypt
 * - `unknown-session`: a receiver index that we did not give out
 * - `expired-session`: older than REJECT_AFTER_TIME, or a counter beyond REJECT_AFTER_MESSAGES
 * - `bad-tag`: a data message that does not decrypt
 * - `replayed`: a counter seen before, or behind the window
 * - `malformed-packet`: the decrypted bytes are no IPv4 or IPv6 packet, or claim to be longer
 * - `wrong-source`: the source address does not belong to this peer
 * - `congestion`: marked so by a router outside, and the packet inside has no ECN (RFC 6040 4.2)
 *
 * From above:
 * - `no-route`: no peer has the destination in its allowed IPs
 * - `no-endpoint`: the peer's address is not known
 * - `routing-loop`: a message of ours to the peer, which the system has routed into the tunnel
 * - `staged-overflow`: too many packets waited for the handshake; the oldest went
 * - `staged-purged`: the handshake gave up, or the peer was removed, and these waited for it
 * - `low-order-key`: no handshake is possible with the peer's public key, or without a key of ours
 */
export const DROP_REASONS = [
  'malformed',
  'bad-mac1',
  'under-load',
  'rate-limited',
  'bad-handshake',
  'unknown-peer',
  'replayed-initiation',
  'initiation-flood',
  'unexpected-response',
  'bad-cookie',
  'unknown-session',
  'expired-session',
  'bad-tag',
  'replayed',
  'malformed-packet',
  'wrong-source',
  'congestion',
  'no-route',
  'no-endpoint',
  'routing-loop',
  'staged-overflow',
  'staged-purged',
  'low-order-key',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

/** How much was dropped, by reason, as the layers above see it. */
export interface DropCounts extends Iterable<[DropReason, number]> {
  /** Drops of one reason since the start. */
  get(reason: DropReason): number;
  /** Drops of all reasons since the start. */
  readonly total: number;
}

/** Counts drops. Iteration gives the reasons that occurred, in the order of DROP_REASONS. */
export class DropCounter implements DropCounts {
  readonly #counts = new Map<DropReason, number>(DROP_REASONS.map((reason) => [reason, 0]));
  #total = 0;

  get total(): number {
    return this.#total;
  }

  get(reason: DropReason): number {
    return this.#counts.get(reason)!;
  }

  drop(reason: DropReason, amount = 1): void {
    this.#counts.set(reason, this.#counts.get(reason)! + amount);
    this.#total += amount;
  }

  *[Symbol.iterator](): Iterator<[DropReason, number]> {
    for (const entry of this.#counts) {
      if (entry[1] > 0) yield entry;
    }
  }
}
