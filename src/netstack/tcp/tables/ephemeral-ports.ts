import { SipHash } from '../../../lib/siphash.js';
import type { SocketAddress } from '../../../wire/ip-address.js';
import { hashInput } from '../open/initial-sequence.js';

/** RFC 6056 3.2 recommends the largest possible range. Lower ports are reserved for services. */
const FIRST_PORT = 32_768;
const PORT_COUNT = 65_536 - FIRST_PORT;

/** Simple hash-based port selection (RFC 6056 3.3.3). */
export class EphemeralPorts {
  readonly #hash: SipHash;
  #nextEphemeral: number;

  /**
   * @param key the secret 16-byte key
   * @param start a random integer that determines the first port
   */
  constructor(key: Uint8Array, start: number) {
    this.#hash = new SipHash(key);
    this.#nextEphemeral = start % PORT_COUNT;
  }

  /** Selects a port for which `isFree` returns true; undefined if all ports are in use. */
  select(
    local: SocketAddress['address'],
    remote: SocketAddress,
    isFree: (port: number) => boolean,
  ): number | undefined {
    const offset = this.#hash.hash(hashInput({ address: local, port: 0 }, remote)) >>> 0;
    for (let tries = 0; tries < PORT_COUNT; tries++) {
      const port = FIRST_PORT + ((offset + this.#nextEphemeral) % PORT_COUNT);
      this.#nextEphemeral = (this.#nextEphemeral + 1) % PORT_COUNT;
      if (isFree(port)) return port;
    }
    return undefined;
  }
}
