import { sumPseudoHeader } from '../../wire/checksum.js';
import type { IpAddress } from '../../wire/ip-address.js';
import { createIpv4Header, finishIpv4Header } from '../../wire/ipv4.js';

/**
 * The IP header of one flow, made once: a packet needs a copy, its length and its checksum. IPv6
 * will be a second kind of bytes behind the same three members.
 */
export class IpHeader {
  readonly #bytes: Uint8Array;
  readonly #pseudoSum: number;

  constructor(source: IpAddress, destination: IpAddress, protocol: number) {
    this.#bytes = createIpv4Header(source, destination, protocol);
    this.#pseudoSum = sumPseudoHeader(source, destination, protocol, 0);
  }

  /** Bytes in front of the upper layer. */
  get length(): number {
    return this.#bytes.length;
  }

  /** The sum of the pseudo header for an upper layer of `length` bytes. */
  pseudoSum(length: number): number {
    return this.#pseudoSum + length;
  }

  /** Writes the header of a packet with `upperLength` bytes behind it. */
  write(packet: Uint8Array, offset: number, upperLength: number): void {
    packet.set(this.#bytes, offset);
    finishIpv4Header(packet, offset, this.#bytes.length + upperLength);
  }
}
