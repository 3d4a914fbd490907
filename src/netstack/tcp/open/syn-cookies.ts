/**
 * SYN cookies (D. J. Bernstein, 1996; RFC 4987 3.6): a sequence number that proves, when it comes
 * back, that we gave it out, so that nothing has to be kept for a SYN. Five bits of time, three of
 * MSS, 24 of a keyed hash.
 */
import { SipHash } from '../../../lib/siphash.js';
import { writeInt32 } from '../../../wire/bytes.js';
import type { SocketAddress } from '../../../wire/ip-address.js';
import { hashInput } from './initial-sequence.js';

/** What three bits can say of the peer's MSS. */
const MSS_VALUES = [216, 536, 1180, 1220, 1320, 1360, 1400, 1460] as const;

/** Milliseconds of one tick of the counter. A cookie holds for this tick and the next. */
const TICK = 60_000;
const TICK_BITS = 5;
const TICK_MASK = (1 << TICK_BITS) - 1;
const HASH_MASK = 0xff_ffff;

export class SynCookies {
  readonly #hash: SipHash;
  /** No cookie is of any worth from then on: none was given out lately. */
  #validUntil = -Infinity;

  /** @param key 16 secret bytes */
  constructor(key: Uint8Array) {
    this.#hash = new SipHash(key);
  }

  /**
   * An initial sequence number for a SYN-ACK.
   *
   * @param irs the sequence number of the peer's SYN
   * @param mss what its MSS option says
   */
  create(
    local: SocketAddress,
    remote: SocketAddress,
    irs: number,
    mss: number,
    now: number,
  ): number {
    const tick = Math.floor(now / TICK);
    let index = 0;
    while (index + 1 < MSS_VALUES.length && MSS_VALUES[index + 1]! <= mss) index++;
    this.#validUntil = (tick + 2) * TICK;
    return this.#cookie(local, remote, irs, index, tick);
  }

  /**
   * The MSS that a cookie tells of; 0 where it is none of ours, or too old.
   *
   * @param irs one less than the sequence number of the ACK that brought it
   * @param cookie one less than what it acknowledges
   */
  check(
    local: SocketAddress,
    remote: SocketAddress,
    irs: number,
    cookie: number,
    now: number,
  ): number {
    if (now >= this.#validUntil) return 0;
    const tick = Math.floor(now / TICK);
    const age = (tick - (cookie >>> 27)) & TICK_MASK;
    if (age > 1) return 0;
    const index = (cookie >>> 24) & 7;
    const expected = this.#cookie(local, remote, irs, index, tick - age);
    return expected === cookie ? MSS_VALUES[index]! : 0;
  }

  #cookie(
    local: SocketAddress,
    remote: SocketAddress,
    irs: number,
    index: number,
    tick: number,
  ): number {
    const ends = hashInput(local, remote);
    const input = new Uint8Array(ends.length + 9);
    input.set(ends);
    writeInt32(input, ends.length, irs);
    writeInt32(input, ends.length + 4, tick | 0);
    input[ends.length + 8] = index;
    const hash = this.#hash.hash(input) & HASH_MASK;
    return ((tick & TICK_MASK) << 27) | (index << 24) | hash;
  }
}
