/** The limits for `bench:flood`. */
import { median } from './results.js';

export const LIMITS = {
  /** The time of a POST during the flood, as a multiple of wireguard-go's. */
  ratio: 3,
  /** Seconds until a lost session is replaced: WireGuard's REKEY_TIMEOUT. */
  replaced: 5,
  /** The same during the flood: the server's cookie costs another REKEY_TIMEOUT. */
  replacedDuringFlood: 10,
};

/**
 * Compares the medians of alternating runs.
 *
 * @param ours runs with `quiet` and `flooded`, which are undefined if the POSTs failed, or have the
 * ms per POST as `p50` and `p99`, and the seconds of a replacement as `replaced`
 * @param theirs the same of wireguard-go
 * @returns for each figure, a text and whether it is within the limit
 */
export function judgeFlood(ours, theirs) {
  const compare = (part, key) => ({
    // A failed run exceeds each limit.
    value: median(ours.map((run) => run[part]?.[key] ?? Infinity)),
    other: median(theirs.flatMap((run) => run[part]?.[key] ?? [])),
  });
  const posts = (name, key) => {
    const { value, other } = compare('flooded', key);
    const limit = LIMITS.ratio * other;
    const text = `${name} of a POST during the flood: ${value.toFixed(2)} ms`;
    const bound = `limit ${limit.toFixed(2)}, ${LIMITS.ratio} × wireguard-go's ${other.toFixed(2)}`;
    return { text: `${text} (${bound})`, isGood: value <= limit };
  };
  const replacement = (name, part, most) => {
    const { value, other } = compare(part, 'replaced');
    const limit = Math.min(most, other);
    const text = `a lost session is replaced after ${value.toFixed(1)} s, ${name}`;
    const bound = `limit ${limit.toFixed(1)}, wireguard-go's ${other.toFixed(1)}`;
    return { text: `${text} (${bound})`, isGood: value <= limit };
  };
  return [
    posts('median', 'p50'),
    posts('99th percentile', 'p99'),
    replacement('without a flood', 'quiet', LIMITS.replaced),
    replacement('during the flood', 'flooded', LIMITS.replacedDuringFlood),
  ];
}
