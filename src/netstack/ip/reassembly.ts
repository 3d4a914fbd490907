/**
 * Puts fragments together, of either family, within bounds: RFC 791 3.2, RFC 1122 3.3.2, RFC 8200
 * 4.5. Overlaps end a datagram for good (RFC 5722).
 */
import type { DropCounter } from '../../lib/drop-counter.js';
import type { DropReason } from '../drop-reason.js';

/** RFC 8200 4.5 and RFC 1122 3.3.2 allow 60 s; memory is better given to what is still arriving. */
export const REASSEMBLY_TIMEOUT = 30_000;

/** Fragments of one datagram: 64 KiB in pieces of 552 bytes. */
const MAXIMUM_FRAGMENTS = 128;

/** Bytes that a fragment or a datagram counts beside its content, so that tiny ones cost too. */
const OVERHEAD = 128;

/** An arriving fragment. Nothing here outlives insert() but by copies. */
export interface Fragment {
  /** Both addresses, the identification, and in IPv4 the protocol. */
  readonly key: string;
  /** The packet that it came in, without what may follow. */
  readonly packet: Uint8Array;
  /** Where in the packet its data begins. */
  readonly dataOffset: number;
  /** Where in the whole the data belongs. */
  readonly start: number;
  readonly isLast: boolean;
  /** The header of the whole as the first fragment gives it; its length field is open. */
  readonly header: Uint8Array | undefined;
}

export interface ReassemblyLimits {
  /** Datagrams at once. */
  readonly reassemblies: number;
  /** Bytes that they hold. */
  readonly reassemblyBytes: number;
}

interface Piece {
  readonly start: number;
  readonly end: number;
  readonly data: Uint8Array;
}

/** A datagram of which fragments are missing. */
class Incomplete {
  readonly expiresAt: number;
  /** In order, without overlaps. */
  readonly pieces: Piece[] = [];
  header: Uint8Array | undefined = undefined;
  /** The first fragment's packet: an error quotes it. */
  first: Uint8Array | undefined = undefined;
  /** Where the data ends; Infinity before the last fragment is here. */
  end = Infinity;
  held = 0;
  cost = OVERHEAD;
  /** Set where the datagram is lost; it stands here so that the rest of it is refused. */
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
  /** In the order of expiry, as all live equally long. */
  readonly #incomplete = new Map<string, Incomplete>();
  #used = 0;

  constructor(limits: ReassemblyLimits, drops: DropCounter<DropReason>) {
    this.#limits = limits;
    this.#drops = drops;
  }

  get size(): number {
    return this.#incomplete.size;
  }

  /** Bytes held, with what each fragment counts beside. */
  get usedBytes(): number {
    return this.#used;
  }

  /** Takes a fragment; returns the whole packet where this one completes it. */
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
    // The first fragment is kept with its header, of the others the data alone.
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

  /** When expire() has something to do; Infinity when never. */
  nextTimeout(): number {
    for (const { expiresAt } of this.#incomplete.values()) return expiresAt;
    return Infinity;
  }

  /**
   * Gives up what is due at `now`.
   * @param onLost called with the first fragment of each datagram that had one
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
      // RFC 8200 4.5: an exact duplicate is the network's doing and may be dropped alone.
      const isSame = after.data.every((byte, index) => byte === packet[dataOffset + index]);
      if (isSame) return 'ip-fragment-duplicate';
    }
    const overlaps =
      (before !== undefined && before.end > start) || (after !== undefined && after.start < end);
    const last = datagram.pieces.at(-1);
    // Data behind the end, or a second end, is an overlap in all but name.
    const contradicts =
      end > datagram.end || (isLast && (datagram.end !== Infinity || (last && last.end > end)));
    if (overlaps || contradicts) return 'ip-fragment-overlap';
    return datagram.pieces.length >= MAXIMUM_FRAGMENTS ? 'ip-fragment-count' : undefined;
  }

  /** RFC 5722 4: all of the datagram is discarded, also what has not arrived. */
  #refuse(datagram: Incomplete, reason: DropReason): void {
    this.#used -= datagram.cost - OVERHEAD;
    datagram.cost = OVERHEAD;
    datagram.refused = reason;
    datagram.pieces.length = 0;
    datagram.first = undefined;
    datagram.header = undefined;
  }

  /** Makes room at the cost of the oldest; false where that is `datagram` itself. */
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

/** The index of the first piece that does not begin before `start`. */
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
