/**
 * Limits how many handshake messages from strangers are read per second under load. Strangers are
 * all sources except the one whose response this device awaits. To read a message is to check its
 * MACs and to send a cookie reply. This takes about 40 µs, so the limits below use an eighth of a
 * CPU core. Dropping a message takes less than 2 µs.
 *
 * All sources share one limit. After a flood has used it up, each source uses the limit of one of
 * 64 groups. The grouping is random and changes every second, so a flood from few sources rarely
 * affects other sources. A flood from many spoofed sources affects all, as in Linux.
 */
import { SipHash, randomSipHashKey } from '../../lib/siphash.js';
import { TokenBucket } from '../../lib/token-bucket.js';
import type { Endpoint } from '../../ports/datagram.js';
import type { Entropy } from '../../ports/entropy.js';
import { addressBytes } from './cookie.js';
import { sourceNetwork } from './rate-limiter.js';

const PER_SECOND = 2_000;
const BURST = 2_048;

/** Messages with a mac2 that turns out to be invalid, or whose source exceeds its own limit. */
const REFUSED_MAC2_PER_SECOND = 1_000;
const REFUSED_MAC2_BURST = 1_024;

const GROUPS = 64;
const GROUP_PER_SECOND = 16;
const GROUP_BURST = 16;

/** How long, in ms, a source stays in its group. */
const GROUPING_AGE = 1_000;

export class StrangerLimit {
  readonly #entropy: Entropy;
  readonly #withoutMac2 = new TokenBucket(PER_SECOND, BURST, 0);
  readonly #withMac2 = new TokenBucket(REFUSED_MAC2_PER_SECOND, REFUSED_MAC2_BURST, 0);
  /** The groups that have been used. */
  readonly #groups = new Map<number, TokenBucket>();
  #grouping: SipHash | undefined;
  #groupedAt = -Infinity;
  #lastSource: Endpoint | undefined;
  #lastGroup = 0;

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  /** Whether to read a handshake message; `hasMac2` means that its mac2 is not zero. */
  allow(source: Endpoint, hasMac2: boolean, now: number): boolean {
    const shared = hasMac2 ? this.#withMac2 : this.#withoutMac2;
    return shared.take(now) || this.#bucketOf(this.#groupOf(source, now)).take(now);
  }

  /** Call this if the mac2 of an allowed message was valid: such messages have their own limit. */
  provedMac2(): void {
    this.#withMac2.giveBack();
  }

  #bucketOf(group: number): TokenBucket {
    let bucket = this.#groups.get(group);
    if (bucket === undefined) {
      bucket = new TokenBucket(GROUP_PER_SECOND, GROUP_BURST, 0);
      this.#groups.set(group, bucket);
    }
    return bucket;
  }

  #groupOf(source: Endpoint, now: number): number {
    if (this.#grouping === undefined || now - this.#groupedAt >= GROUPING_AGE) {
      this.#grouping = new SipHash(randomSipHashKey(this.#entropy));
      this.#groupedAt = now;
      this.#lastSource = undefined;
    }
    if (source !== this.#lastSource) {
      this.#lastSource = source;
      const network = sourceNetwork(addressBytes(source));
      this.#lastGroup = (this.#grouping.hash(network) >>> 0) % GROUPS;
    }
    return this.#lastGroup;
  }
}
