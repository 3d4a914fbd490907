/**
 * Reassembles IPv4 and IPv6 fragments within limits (RFC 791 3.2, RFC 1122 3.3.2, RFC 8200 4.5). An
 * overlap discards the whole datagram (RFC 5722).
 */
import type { DropCounter } from '../../lib/drop-counter.js';
import type { DropReason } from '../drop-reason.js';

/** RFC 8200 4.5 and RFC 1122 3.3.2 permit 60 s; a shorter timeout frees memory sooner. */
export const REASSEMBLY_TIMEOUT = 30_000;

/** The maximum number of fragments in a datagram, enough for 64 KiB in fragments of 552 octets. */
const MAXIMUM_FRAGMENTS = 128;

/** Extra octets charged for each fragment and datagram, because even tiny fragments use memory. */
const OVERHEAD = 128;

/** A received fragment. insert() copies the data that it keeps. */
export interface Fragment {
  /** The key consists of both addresses, the identification and, for IPv4, the protocol. */
  readonly key: string;
  /** The packet that contains the fragment, without trailing octets. */
  readonly packet: Uint8Array;
  /** The offset of the fragment's data in the packet. */
  readonly dataOffset: number;
  /** The offset of the data in the reassembled datagram. */
  readonly start: number;
  readonly isLast: boolean;
  /**
   * The reassembled packet's header, from the first fragment, with the length field not yet set.
   */
  readonly header: Uint8Array | undefined;
}

export interface ReassemblyLimits {
  /** The maximum number of incomplete datagrams. */
  readonly reassemblies: number;
  /** The maximum number of octets that incomplete datagrams use. */
  readonly reassemblyBytes: number;
}

interface Piece {
  readonly start: number;
  readonly end: number;
  readonly data: Uint8Array;
}

class Incomplete {
  readonly expiresAt: number;
  /** The received pieces, sorted and without overlaps. */
  readonly pieces: Piece[] = [];
  header: Uint8Array | undefined = undefined;
  /** The first fragment's packet, quoted in a time exceeded error. */
  first: Uint8Array | undefined = undefined;
  /** The total data length; Infinity until the last fragment arrives. */
  end = Infinity;
  held = 0;
  cost = OVERHEAD;
  /** Why the datagram was discarded. The entry remains so that later fragments are dropped. */
  refused: DropReason | undefined = undefined;

  constructor(expiresAt: number) {
    this.expiresAt = expiresAt;
  }

  get isComplete(): boolean {
    return this.header !== undefined && this.held === this.end;
  }
}

export class Reassembly {
  readonly #limits: ReassemblyLimits;
  readonly #drops: DropCounter<DropReason>;
  /** Incomplete datagrams in order of expiry, since all have the same lifetime. */
  readonly #incomplete = new Map<string, Incomplete>();
  #used = 0;

  constructor(limits: ReassemblyLimits, drops: DropCounter<DropReason>) {
    this.#limits = limits;
    this.#drops = drops;
  }

  get size(): number {
    return this.#incomplete.size;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** Adds a fragment. Returns the reassembled packet if it is now complete. */
  insert(fragment: Fragment, now: number): Uint8Array | undefined {
    const { key, packet, dataOffset, start } = fragment;
    const datagram = this.#incomplete.get(key) ?? this.#open(key, now);
    if (datagram.refused !== undefined) {
      this.#drops.count(datagram.refused);
      return undefined;
    }
    const end = start + packet.length - dataOffset;
    const place = placeOf(datagram, start);
    const fault = this.#fault(datagram, fragment, end, place);
    if (fault !== undefined) {
      this.#drops.count(fault);
      if (fault !== 'ip-fragment-duplicate') this.#refuse(datagram, fault);
      return undefined;
    }
    // Keep the whole first fragment, but only the data of the others.
    const copy = start === 0 ? packet.slice() : packet.slice(dataOffset);
    if (!this.#charge(datagram, copy.length + OVERHEAD)) return undefined;
    const data = start === 0 ? copy.subarray(dataOffset) : copy;
    datagram.pieces.splice(place, 0, { start, end, data });
    datagram.held += end - start;
    if (fragment.isLast) datagram.end = end;
    if (start === 0) {
      datagram.first = copy;
      datagram.header = fragment.header;
    }
    if (!datagram.isComplete) return undefined;
    this.#close(key, datagram);
    return join(datagram);
  }

  /** When the next datagram expires; Infinity if no datagram is incomplete. */
  nextTimeout(): number {
    for (const { expiresAt } of this.#incomplete.values()) return expiresAt;
    return Infinity;
  }

  /**
   * Discards the datagrams that expired by `now`.
   *
   * @param onLost called with each discarded datagram's first fragment, if that fragment arrived
   */
  expire(now: number, onLost: (first: Uint8Array) => void): void {
    for (const [key, datagram] of this.#incomplete) {
      if (datagram.expiresAt > now) return;
      this.#close(key, datagram);
      if (datagram.refused !== undefined) continue;
      this.#drops.count('ip-fragment-timeout');
      if (datagram.first !== undefined) onLost(datagram.first);
    }
  }

  #open(key: string, now: number): Incomplete {
    if (this.#incomplete.size >= this.#limits.reassemblies) this.#dropOldest();
    const datagram = new Incomplete(now + REASSEMBLY_TIMEOUT);
    this.#incomplete.set(key, datagram);
    this.#used += OVERHEAD;
    return datagram;
  }

  #fault(
    datagram: Incomplete,
    { start, packet, dataOffset, isLast }: Fragment,
    end: number,
    place: number,
  ): DropReason | undefined {
    const before = datagram.pieces[place - 1];
    const after = datagram.pieces[place];
    if (after?.start === start && after.end === end && (!isLast || datagram.end === end)) {
      // RFC 8200 4.5: an exact duplicate may be ignored, because the network can duplicate packets.
      const isSame = after.data.every((byte, index) => byte === packet[dataOffset + index]);
      if (isSame) return 'ip-fragment-duplicate';
    }
    const overlaps =
      (before !== undefined && before.end > start) || (after !== undefined && after.start < end);
    const last = datagram.pieces.at(-1);
    // Data beyond the datagram's end, or another final fragment, counts as an overlap.
    const contradicts =
      end > datagram.end || (isLast && (datagram.end !== Infinity || (last && last.end > end)));
    if (overlaps || contradicts) return 'ip-fragment-overlap';
    return datagram.pieces.length >= MAXIMUM_FRAGMENTS ? 'ip-fragment-count' : undefined;
  }

  /** RFC 5722 4: discards the whole datagram, including the fragments that are still to arrive. */
  #refuse(datagram: Incomplete, reason: DropReason): void {
    this.#used -= datagram.cost - OVERHEAD;
    datagram.cost = OVERHEAD;
    datagram.refused = reason;
    datagram.pieces.length = 0;
    datagram.first = undefined;
    datagram.header = undefined;
  }

  /**
   * Charges memory, discarding the oldest datagrams if needed; false if `datagram` was discarded.
   */
  #charge(datagram: Incomplete, cost: number): boolean {
    datagram.cost += cost;
    this.#used += cost;
    while (this.#used > this.#limits.reassemblyBytes) {
      if (this.#dropOldest() === datagram) return false;
    }
    return true;
  }

  #dropOldest(): Incomplete | undefined {
    for (const [key, datagram] of this.#incomplete) {
      this.#close(key, datagram);
      if (datagram.refused === undefined) this.#drops.count('ip-fragment-memory');
      return datagram;
    }
    return undefined;
  }

  #close(key: string, datagram: Incomplete): void {
    this.#incomplete.delete(key);
    this.#used -= datagram.cost;
  }
}

/** The index of the first piece that starts at or after `start`. */
function placeOf({ pieces }: Incomplete, start: number): number {
  let place = pieces.length;
  while (place > 0 && pieces[place - 1]!.start >= start) place--;
  return place;
}

function join({ header, end, pieces }: Incomplete): Uint8Array {
  const whole = new Uint8Array(header!.length + end);
  whole.set(header!);
  for (const { start, data } of pieces) whole.set(data, header!.length + start);
  return whole;
}
