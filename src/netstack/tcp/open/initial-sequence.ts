import { SipHash } from '../../../lib/siphash.js';
import type { SocketAddress } from '../../../wire/ip-address.js';

/** Encodes both endpoints of a connection as hash input: the addresses, then the ports. */
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

/** The number of 4-microsecond ticks per millisecond (RFC 9293 3.4.1). */
const TICKS_PER_MILLISECOND = 250;

/** The initial sequence number of RFC 6528 3: ISN = M + F(local, remote, secret). */
export class InitialSequence {
  readonly #hash: SipHash;
  readonly #epoch: number;

  /**
   * @param key the secret 16-byte key
   * @param epoch the number of ms to add to `now`, so that the clock continues after a restart
   */
  constructor(key: Uint8Array, epoch = 0) {
    this.#hash = new SipHash(key);
    this.#epoch = epoch;
  }

  /**
   * Returns the initial send sequence number, as an int32, for a connection that starts at `now`.
   */
  next(local: SocketAddress, remote: SocketAddress, now: number): number {
    const clock = Math.floor((now + this.#epoch) * TICKS_PER_MILLISECOND) | 0;
    return (clock + this.#hash.hash(hashInput(local, remote))) | 0;
  }

  /**
   * Returns a connection's timestamp offset, which hides the uptime from the peer (RFC 7323 7.1).
   */
  timestampOffset(local: SocketAddress, remote: SocketAddress): number {
    this.#hash.hash(hashInput(local, remote));
    return (this.#hash.high + Math.floor(this.#epoch)) | 0;
  }
}
