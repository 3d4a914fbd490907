/**
 * TCP sequence numbers: arithmetic modulo 2^32 (RFC 9293 3.4). A number is stored as an int32 (`|
 * 0`), for which V8 does not need a heap object. Comparisons are correct for distances below 2^31.
 */

export function sequenceAdd(sequence: number, count: number): number {
  return (sequence + count) | 0;
}

/** Returns the number of octets from `from` to `to`; negative if `to` comes first. */
export function sequenceDistance(from: number, to: number): number {
  return (to - from) | 0;
}

export function sequenceBefore(left: number, right: number): boolean {
  return ((left - right) | 0) < 0;
}

export function sequenceAtOrBefore(left: number, right: number): boolean {
  return ((left - right) | 0) <= 0;
}

export function sequenceMax(left: number, right: number): number {
  return ((left - right) | 0) < 0 ? right : left;
}
