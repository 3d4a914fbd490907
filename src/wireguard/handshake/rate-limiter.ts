/**
 * Limits handshakes per source address under load, after a valid mac2 proved that the address is
 * real (whitepaper 5.3). Uses one token bucket per IPv4 address or IPv6 /64, because one host can
 * use a whole /64.
 */
const PACKETS_PER_SECOND = 20;
const PACKETS_BURSTABLE = 5;
const COST = 1_000 / PACKETS_PER_SECOND;
const MAX_TOKENS = COST * PACKETS_BURSTABLE;

/** Time in ms after which a bucket is full again and can be deleted. */
const MAX_AGE = 1_000;

/**
 * The maximum number of sources tracked at once. Further sources are refused, to limit memory use.
 */
const MAX_SOURCES = 8_192;

interface Bucket {
  tokens: number;
  filledAt: number;
}

export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();
  #sweptAt = -Infinity;

  get size(): number {
    return this.#buckets.size;
  }

  /** @param source an IPv4 or IPv6 address; any other value counts as a separate source */
  allow(source: Uint8Array, now: number): boolean {
    this.#sweep(now);
    const key = bucketKey(source);
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_SOURCES) return false;
      this.#buckets.set(key, { tokens: MAX_TOKENS - COST, filledAt: now });
      return true;
    }
    bucket.tokens = Math.min(MAX_TOKENS, bucket.tokens + (now - bucket.filledAt));
    bucket.filledAt = now;
    if (bucket.tokens < COST) return false;
    bucket.tokens -= COST;
    return true;
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < MAX_AGE) return;
    this.#sweptAt = now;
    for (const [key, bucket] of this.#buckets) {
      if (now - bucket.filledAt >= MAX_AGE) this.#buckets.delete(key);
    }
  }
}

function bucketKey(source: Uint8Array): string {
  return String.fromCharCode(...sourceNetwork(source));
}

/** Returns an IPv4 address, or the /64 of an IPv6 address. */
export function sourceNetwork(source: Uint8Array): Uint8Array {
  return source.length === 16 && !isMappedIpv4(source) ? source.subarray(0, 8) : source;
}

/** Whether an address is IPv4-mapped (RFC 4291 2.5.5.2): an IPv4 source on a dual-stack socket. */
function isMappedIpv4(address: Uint8Array): boolean {
  for (let index = 0; index < 10; index++) if (address[index] !== 0) return false;
  return address[10] === 0xff && address[11] === 0xff;
}
