import { SipHash } from '../../../lib/siphash.js';
import type { SocketAddress } from '../../../wire/ip-address.js';

/** The two ends of a connection as hash input: addresses, then ports. */
export function hashInput(local: SocketAddress, remote: SocketAddress): Uint8Array {
  const { length } = local.address;
  const input = new Uint8Array(length * 2 + 4);
  input.set(local.address, 0);
  input.set(remote.address, length);
  input[length * 2] = local.port >>> 8;
  input[length * 2 + 1] = local.port;
  input[length * 2 + 2] = remote.port >>> 8;
  input[length * 2 + 3] = remote.port;
  return input;
}

/** Ticks of 4 microseconds in a millisecond: RFC 9293 3.4.1. */
const TICKS_PER_MILLISECOND = 250;

/** ISN = M + F(local, remote, secret): RFC 6528 3. */
export class InitialSequence {
  readonly #hash: SipHash;

  /** @param key 16 secret bytes */
  constructor(key: Uint8Array) {
    this.#hash = new SipHash(key);
  }

  /** The initial send sequence number of a connection that begins at `now`, as an int32. */
  next(local: SocketAddress, remote: SocketAddress, now: number): number {
    const clock = Math.floor(now * TICKS_PER_MILLISECOND) | 0;
    return (clock + this.#hash.hash(hashInput(local, remote))) | 0;
  }

  /** An offset for timestamps, so that they do not tell how long we run (RFC 7323 7.1). */
  timestampOffset(local: SocketAddress, remote: SocketAddress): number {
    this.#hash.hash(hashInput(local, remote));
    return this.#hash.high;
  }
}
