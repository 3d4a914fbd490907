/**
 * Counts the datagrams outside the tunnel with their IP and UDP headers, because traffic may be
 * billed. Does not count Ethernet headers, IP options, or the headers of fragments.
 */

/** The traffic in one direction since the tunnel was opened. */
export interface DirectionTraffic {
  /** UDP datagrams. */
  readonly datagrams: number;
  /** The bytes of these datagrams with their IP and UDP headers. */
  readonly bytes: number;
  /** The part of `bytes` that consists of keepalives. */
  readonly keepaliveBytes: number;
  /** The part of `bytes` that consists of handshakes and cookie replies. */
  readonly handshakeBytes: number;
}

/** The bytes of an IPv4 header without options and a UDP header; 20 more for IPv6. */
const HEADERS = { 4: 28, 6: 48 } as const;

/** The type and length of WireGuard messages (whitepaper 5.4). A keepalive contains no packet. */
const DATA = 4;
const KEEPALIVE_LENGTH = 32;

export class OuterTraffic {
  readonly sent = new TrafficCounter();
  readonly received = new TrafficCounter();
}

export class TrafficCounter {
  #datagrams = 0;
  #bytes = 0;
  #keepaliveBytes = 0;
  #handshakeBytes = 0;

  /**
   * @param family the version of IP outside the tunnel
   * @param sign -1 to take back a datagram that was not sent after all
   */
  count(message: Uint8Array, family: 4 | 6, sign: 1 | -1 = 1): void {
    const bytes = sign * (message.length + HEADERS[family]);
    this.#datagrams += sign;
    this.#bytes += bytes;
    if (message[0] !== DATA) this.#handshakeBytes += bytes;
    else if (message.length === KEEPALIVE_LENGTH) this.#keepaliveBytes += bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  totals(): DirectionTraffic {
    return {
      datagrams: this.#datagrams,
      bytes: this.#bytes,
      keepaliveBytes: this.#keepaliveBytes,
      handshakeBytes: this.#handshakeBytes,
    };
  }
}

/** The bytes that WireGuard and the headers outside add to a packet, without padding. */
export function outerOverhead(family: 4 | 6): number {
  return KEEPALIVE_LENGTH + HEADERS[family];
}
