import { addressKey, type IpAddress } from '../../wire/ip-address.js';
import { IPV6_MINIMUM_MTU } from '../../wire/ipv6.js';

/**
 * Linux's min_pmtu: a smaller MTU is raised to this value. RFC 5927 7.1: a forged ICMP error could
 * otherwise force tiny packets.
 */
export const IPV4_MINIMUM_PATH_MTU = 552;

/** RFC 1191 6.3 and RFC 8201 4: assume after ten minutes that the path MTU may have increased. */
export const PATH_MTU_LIFETIME = 600_000;

/** The maximum number of destinations with a known path MTU; a new one evicts the oldest. */
const MAXIMUM_PATHS = 1024;

/** The plateaus of RFC 1191 7 that are above the minimum path MTU. */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006];

interface Path {
  readonly mtu: number;
  readonly expiresAt: number;
}

/** Path MTUs below the tunnel's MTU, learned from ICMP (RFC 1191, RFC 8201). */
export class PathMtus {
  readonly #linkMtu: number;
  /** Paths in order of expiry, since all have the same lifetime. */
  readonly #paths = new Map<number | string, Path>();

  constructor(linkMtu: number) {
    this.#linkMtu = linkMtu;
  }

  get size(): number {
    return this.#paths.size;
  }

  /** The path MTU in octets to the destination with this addressKey(). */
  of(destinationKey: number | string): number {
    return this.#paths.get(destinationKey)?.mtu ?? this.#linkMtu;
  }

  /**
   * Processes an ICMP error that reports a sent packet of `sentLength` octets as too big.
   *
   * @param mtu the next hop's MTU; 0 from a router older than RFC 1191
   * @returns whether the error is plausible and reduced the known path MTU
   */
  learn(destination: IpAddress, mtu: number, sentLength: number, now: number): boolean {
    const key = addressKey(destination);
    const believed = destination.length === 4 ? ipv4Estimate(mtu, sentLength) : mtu;
    // RFC 8201 4: an MTU below IPv6's minimum MUST be discarded.
    if (destination.length === 16 && believed < IPV6_MINIMUM_MTU) return false;
    // A packet that fits cannot have been dropped because of its size, and an ICMP error never
    // raises the path MTU.
    if (believed >= sentLength || believed >= this.of(key)) return false;
    this.#paths.delete(key);
    if (this.#paths.size >= MAXIMUM_PATHS) this.#forgetOldest();
    this.#paths.set(key, { mtu: believed, expiresAt: now + PATH_MTU_LIFETIME });
    return true;
  }

  /** When the next path expires; Infinity if no path is stored. */
  nextTimeout(): number {
    for (const { expiresAt } of this.#paths.values()) return expiresAt;
    return Infinity;
  }

  /** Removes one path that expired by `now` and returns its destination key; undefined if none. */
  expire(now: number): number | string | undefined {
    if (this.nextTimeout() > now) return undefined;
    return this.#forgetOldest();
  }

  #forgetOldest(): number | string | undefined {
    for (const key of this.#paths.keys()) {
      this.#paths.delete(key);
      return key;
    }
    return undefined;
  }
}

/** RFC 1191 5: if the error has no MTU, uses the next plateau below the packet's length. */
function ipv4Estimate(mtu: number, sentLength: number): number {
  const named = mtu === 0 ? (PLATEAUS.find((plateau) => plateau < sentLength) ?? 0) : mtu;
  return Math.max(IPV4_MINIMUM_PATH_MTU, named);
}
