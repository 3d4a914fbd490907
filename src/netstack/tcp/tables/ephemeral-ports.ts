import { SipHash } from '../../../lib/siphash.js';
import type { SocketAddress } from '../../../wire/ip-address.js';
import { hashInput } from '../open/initial-sequence.js';

/** RFC 6056 3.2 asks for a range as large as possible; below lie ports that services use. */
const FIRST_PORT = 32_768;
const PORT_COUNT = 65_536 - FIRST_PORT;

/** Simple hash-based port selection: RFC 6056 3.3.3. */
export class EphemeralPorts {
  readonly #hash: SipHash;
  #nextEphemeral: number;

  /** @param key 16 secret bytes @param start a random integer to count from */
  constructor(key: Uint8Array, start: number) {
    this.#hash = new SipHash(key);
    this.#nextEphemeral = start % PORT_COUNT;
  }

  /** A port for which `isFree` holds; undefined when all are taken. */
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
