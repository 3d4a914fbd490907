/** What many measurements of one thing say together. */

/** The value that `part` of all are not above; NaN without any. */
export function quantile(values, part) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? NaN;
}

/** Median, 99th percentile and the largest. */
export function summarize(values) {
  return {
    count: values.length,
    median: quantile(values, 0.5),
    p99: quantile(values, 0.99),
    largest: quantile(values, 1),
  };
}

/**
 * How much longer the one took than the other, pair by pair: what the machine did at that moment was
 * the same for both.
 */
export function differences(pairs) {
  return pairs.map(({ ours, baseline }) => ours - baseline);
}
