import { sumPseudoHeader } from '../../wire/checksum.js';
import type { IpAddress } from '../../wire/ip-address.js';
import { createIpv4Header, finishIpv4Header } from '../../wire/ipv4.js';
import { createIpv6Header, finishIpv6Header } from '../../wire/ipv6.js';

/** The precomputed IP header of a flow. Only length and checksum differ between packets. */
export class IpHeader {
  readonly #bytes: Uint8Array;
  readonly #pseudoSum: number;
  readonly #isIpv6: boolean;

  /** @param flowLabel the IPv6 flow label, ignored for IPv4; 0 means none (RFC 6437 2) */
  constructor(source: IpAddress, destination: IpAddress, protocol: number, flowLabel = 0) {
    this.#isIpv6 = source.length === 16;
    this.#bytes = this.#isIpv6
      ? createIpv6Header(source, destination, protocol, flowLabel)
      : createIpv4Header(source, destination, protocol);
    this.#pseudoSum = sumPseudoHeader(source, destination, protocol, 0);
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** The pseudo header checksum for an upper layer of `length` octets. */
  pseudoSum(length: number): number {
    return this.#pseudoSum + length;
  }

  /** Writes the header of a packet whose upper layer is `upperLength` octets long. */
  write(packet: Uint8Array, offset: number, upperLength: number): void {
    packet.set(this.#bytes, offset);
    if (this.#isIpv6) finishIpv6Header(packet, offset, upperLength);
    else finishIpv4Header(packet, offset, this.#bytes.length + upperLength);
  }
}
