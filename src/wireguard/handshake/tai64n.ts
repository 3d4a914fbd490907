/**
 * TAI64N time stamps (https://cr.yp.to/libtai/tai64.html): the initiator's proof that its message is
 * a new one (whitepaper 5.1, 5.4.2). Eight bytes of seconds, four of nanoseconds, big-endian, so
 * that byte order is time order.
 */
import { TIMESTAMP_LENGTH } from '../constants.js';

/** TAI64 label of 1970-01-01T00:00:00Z: 2^62 and the ten seconds by which TAI was ahead. */
const LABEL_HIGH = 0x4000_0000;
const LABEL_LOW = 10;

const SECOND = 1_000_000_000;

/**
 * Nanoseconds are rounded down to 2^24 (16.8 ms), the kernel's step: a finer stamp would tell
 * an observer how long we take, and a responder refuses more than 50 a second anyway.
 */
const STEP = 2 ** 24;

/**
 * The stamp for an initiation. Where the wall clock has stepped back or stands still, the stamp is
 * one step after `previous` instead: a responder refuses all that is not later (5.1), and a device
 * whose clock starts in 1970 would be locked out.
 *
 * @param unixMilliseconds wall clock
 * @param previous the last stamp sent to this peer, also by an earlier process
 */
export function nextTimestamp(unixMilliseconds: number, previous?: Uint8Array): Uint8Array {
  const stamp = timestampOf(unixMilliseconds);
  if (previous === undefined || compareTimestamps(stamp, previous) > 0) return stamp;
  return oneStepAfter(previous);
}

/** Negative, zero or positive as `left` is before, equal to or after `right`. */
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
