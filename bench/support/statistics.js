/** Statistics over repeated measurements. */

/** Returns the quantile at the fraction `part`; NaN if there are no values. */
export function quantile(values, part) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? NaN;
}

/** Returns the median, 99th percentile and maximum. */
export function summarize(values) {
  return {
    count: values.length,
    median: quantile(values, 0.5),
    p99: quantile(values, 0.99),
    largest: quantile(values, 1),
  };
}

/** Returns the difference of each pair, which cancels out the machine's load at that time. */
export function differences(pairs) {
  return pairs.map(({ ours, baseline }) => ours - baseline);
}

/** Returns the middle value, or the mean of the two middle ones. */
export function median(values) {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
