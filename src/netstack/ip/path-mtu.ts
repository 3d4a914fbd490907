import { addressKey, type IpAddress } from '../../wire/ip-address.js';
import { IPV6_MINIMUM_MTU } from '../../wire/ipv6.js';

/** Less is not believed: Linux's min_pmtu. RFC 5927 7.1: else a forger could make us send crumbs. */
export const IPV4_MINIMUM_PATH_MTU = 552;

/** RFC 1191 6.3 and RFC 8201 4: after ten minutes the path may have grown. */
export const PATH_MTU_LIFETIME = 600_000;

/** Destinations whose path is known; the oldest makes room. */
const MAXIMUM_PATHS = 1024;

/** RFC 1191 7, as far as an interface of ours reaches down to them. */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006];

interface Path {
  readonly mtu: number;
  readonly expiresAt: number;
}

/** What ICMP has told of paths narrower than the tunnel: RFC 1191, RFC 8201. */
export class PathMtus {
  readonly #linkMtu: number;
  /** In the order of expiry, as all live equally long. */
  readonly #paths = new Map<number | string, Path>();

  constructor(linkMtu: number) {
    this.#linkMtu = linkMtu;
  }

  /** Destinations whose path is narrower than the tunnel. */
  get size(): number {
    return this.#paths.size;
  }

  /** The largest packet for that destination, in bytes; the key as addressKey() makes it. */
  of(destinationKey: number | string): number {
    return this.#paths.get(destinationKey)?.mtu ?? this.#linkMtu;
  }

  /**
   * Takes the word of a router that a packet of ours, `sentLength` bytes long, was too big.
   *
   * @param mtu the next hop's MTU; 0 where a router older than RFC 1191 names none
   * @returns whether it is believed and the path is narrower than was known
   */
  learn(destination: IpAddress, mtu: number, sentLength: number, now: number): boolean {
    const key = addressKey(destination);
    const believed = destination.length === 4 ? ipv4Estimate(mtu, sentLength) : mtu;
    // RFC 8201 4: an MTU below IPv6's minimum MUST be discarded.
    if (destination.length === 16 && believed < IPV6_MINIMUM_MTU) return false;
    // What would have fitted was not dropped for its length; and no message widens a path.
    if (believed >= sentLength || believed >= this.of(key)) return false;
    this.#paths.delete(key);
    if (this.#paths.size >= MAXIMUM_PATHS) this.#forgetOldest();
    this.#paths.set(key, { mtu: believed, expiresAt: now + PATH_MTU_LIFETIME });
    return true;
  }

  /** When expire() has something to do; Infinity when never. */
  nextTimeout(): number {
    for (const { expiresAt } of this.#paths.values()) return expiresAt;
    return Infinity;
  }

  /** Forgets one path that is due at `now` and returns its destination's key, or undefined. */
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

/** RFC 1191 5: without a number, the next plateau below what was sent. */
function ipv4Estimate(mtu: number, sentLength: number): number {
  const named = mtu === 0 ? (PLATEAUS.find((plateau) => plateau < sentLength) ?? 0) : mtu;
  return Math.max(IPV4_MINIMUM_PATH_MTU, named);
}
