/**
 * TAI64N timestamps (https://cr.yp.to/libtai/tai64.html), by which a responder detects replayed
 * initiations (whitepaper 5.1, 5.4.2). A timestamp is 8 bytes of seconds and 4 bytes of
 * nanoseconds, both big-endian, so that timestamps can be compared byte by byte.
 */
import { TIMESTAMP_LENGTH } from '../constants.js';

/** The TAI64 label of 1970-01-01T00:00:00Z: 2^62 plus 10 seconds, the TAI offset at that time. */
const LABEL_HIGH = 0x4000_0000;
const LABEL_LOW = 10;

const SECOND = 1_000_000_000;

/**
 * Nanoseconds are rounded down to a multiple of 2^24 (16.8 ms), as in the Linux kernel. More
 * precise timestamps would reveal processing times, and a responder refuses more than 50
 * initiations a second anyway.
 */
const STEP = 2 ** 24;

/**
 * Returns the timestamp for an initiation. If the wall clock was set back or has not advanced,
 * returns `previous` plus one step. A responder refuses timestamps that are not later than the
 * previous one (§5.1), so without this rule, a device whose clock starts in 1970 could not connect.
 *
 * @param unixMilliseconds wall clock
 * @param previous the last timestamp sent to this peer, including by an earlier process
 */
export function nextTimestamp(unixMilliseconds: number, previous?: Uint8Array): Uint8Array {
  const stamp = timestampOf(unixMilliseconds);
  if (previous === undefined || compareTimestamps(stamp, previous) > 0) return stamp;
  return oneStepAfter(previous);
}

/** Returns a negative number, 0 or a positive number if `left` is before, at or after `right`. */
export function compareTimestamps(left: Uint8Array, right: Uint8Array): number {
  for (let index = 0; index < TIMESTAMP_LENGTH; index++) {
    const difference = left[index]! - right[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

function timestampOf(unixMilliseconds: number): Uint8Array {
  const milliseconds = Math.max(0, Math.floor(unixMilliseconds));
  const seconds = Math.floor(milliseconds / 1000) + LABEL_LOW;
  const nanoseconds = (milliseconds % 1000) * 1_000_000;
  const high = LABEL_HIGH + Math.floor(seconds / 0x1_0000_0000);
  return encode(high, seconds % 0x1_0000_0000, nanoseconds - (nanoseconds % STEP));
}

function oneStepAfter(stamp: Uint8Array): Uint8Array {
  const view = new DataView(stamp.buffer, stamp.byteOffset, TIMESTAMP_LENGTH);
  const nanoseconds = view.getUint32(8);
  const raised = nanoseconds - (nanoseconds % STEP) + STEP;
  const carry = raised >= SECOND ? 1 : 0;
  const low = view.getUint32(4) + carry;
  const high = view.getUint32(0) + (low > 0xffff_ffff ? 1 : 0);
  return encode(high, low >>> 0, carry === 1 ? 0 : raised);
}

function encode(high: number, low: number, nanoseconds: number): Uint8Array {
  const stamp = new Uint8Array(TIMESTAMP_LENGTH);
  const view = new DataView(stamp.buffer);
  view.setUint32(0, high);
  view.setUint32(4, low);
  view.setUint32(8, nanoseconds);
  return stamp;
}
