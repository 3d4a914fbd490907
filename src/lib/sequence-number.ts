/**
 * TCP sequence numbers: arithmetic modulo 2^32 (RFC 9293 3.4). A number is kept as an int32
 * (`| 0`), which V8 holds without a heap object; comparisons are right for distances below 2^31.
 */

/** `sequence` moved on by `count` octets. */
export function sequenceAdd(sequence: number, count: number): number {
  return (sequence + count) | 0;
}

/** How many octets lie from `from` to `to`; negative when `to` comes first. */
export function sequenceDistance(from: number, to: number): number {
  return (to - from) | 0;
}

/** Whether `left` comes before `right`. */
export function sequenceBefore(left: number, right: number): boolean {
  return ((left - right) | 0) < 0;
}

/** Whether `left` comes before `right` or is the same. */
export function sequenceAtOrBefore(left: number, right: number): boolean {
  return ((left - right) | 0) <= 0;
}

/** The later of two sequence numbers. */
export function sequenceMax(left: number, right: number): number {
  return ((left - right) | 0) < 0 ? right : left;
}
