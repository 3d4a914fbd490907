/**
 * SYN cookies (Bernstein, 1996; RFC 4987 3.6): initial sequence numbers that can be verified when
 * the peer returns them, so that no state is stored for a SYN. A cookie holds 5 bits of time, 3 of
 * MSS, and 24 of a keyed hash.
 */
import { SipHash } from '../../../lib/siphash.js';
import { writeInt32 } from '../../../wire/bytes.js';
import type { SocketAddress } from '../../../wire/ip-address.js';
import { hashInput } from './initial-sequence.js';

/** The MSS values that three bits can encode. */
const MSS_VALUES = [216, 536, 1180, 1220, 1320, 1360, 1400, 1460] as const;

/** The length of a counter tick in ms. A cookie is valid during its tick and the next. */
const TICK = 60_000;
const TICK_BITS = 5;
const TICK_MASK = (1 << TICK_BITS) - 1;
const HASH_MASK = 0xff_ffff;

export class SynCookies {
  readonly #hash: SipHash;
  /** When the most recent cookie expires. No ACK that arrives later can contain a valid cookie. */
  #validUntil = -Infinity;

  /** @param key the secret 16-byte key */
  constructor(key: Uint8Array) {
    this.#hash = new SipHash(key);
  }

  /**
   * Creates a cookie to use as the initial sequence number of a SYN-ACK.
   *
   * @param irs the sequence number of the peer's SYN
   * @param mss the MSS of the peer's SYN
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
   * Returns the MSS that a cookie encodes, or 0 if the cookie is invalid or expired.
   *
   * @param irs the sequence number of the ACK with the cookie, minus one
   * @param cookie the acknowledgment number of that ACK, minus one
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
