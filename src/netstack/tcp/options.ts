/** TCP options: MSS (RFC 9293 3.7.1), window scale and timestamps (RFC 7323). */
import { readInt32, readUint16, writeInt32, writeUint16 } from '../../wire/bytes.js';
import {
  OPTION_END,
  OPTION_MSS,
  OPTION_NOP,
  OPTION_TIMESTAMPS,
  OPTION_WINDOW_SCALE,
} from '../../wire/tcp.js';

/** The MSS to assume where the peer names none: RFC 9293 3.7.1, MUST-15, by family. */
export const DEFAULT_MSS = 536;
export const DEFAULT_IPV6_MSS = 1220;

/** A peer's MSS is not taken below this, lest headers outweigh data (as Linux's min_snd_mss). */
const MINIMUM_MSS = 48;

/** RFC 7323 2.3: a larger shift MUST be taken as this one. */
const MAXIMUM_SHIFT = 14;

/** Bytes of the timestamps option with the two NOPs before it. */
export const TIMESTAMPS_LENGTH = 12;
const MSS_LENGTH = 4;
const WINDOW_SCALE_LENGTH = 4;

/** NOP, NOP, kind, length: how RFC 7323 appendix A lays the option out. */
const TIMESTAMPS_PREFIX = (OPTION_NOP << 24) | (OPTION_NOP << 16) | (OPTION_TIMESTAMPS << 8) | 10;

/** The options of one segment; reused for the next. */
export class TcpOptions {
  mss = DEFAULT_MSS;
  hasMss = false;
  /** -1 when absent. */
  windowShift = -1;
  hasTimestamps = false;
  /** TSval and TSecr as int32. */
  tsVal = 0;
  tsEcr = 0;

  clear(): void {
    this.mss = DEFAULT_MSS;
    this.hasMss = false;
    this.windowShift = -1;
    this.hasTimestamps = false;
  }
}

/** Reads options into `options`. What is malformed ends the list; it never throws. */
export function parseOptions(
  options: TcpOptions,
  bytes: Uint8Array,
  offset: number,
  length: number,
): void {
  options.clear();
  if (length === TIMESTAMPS_LENGTH && readInt32(bytes, offset) === TIMESTAMPS_PREFIX) {
    takeTimestamps(options, bytes, offset + 4);
    return;
  }
  const end = offset + length;
  let at = offset;
  while (at < end) {
    const kind = bytes[at]!;
    if (kind === OPTION_END) return;
    if (kind === OPTION_NOP) {
      at += 1;
      continue;
    }
    const size = at + 1 < end ? bytes[at + 1]! : 0;
    if (size < 2 || at + size > end) return;
    takeOption(options, kind, bytes.subarray(at + 2, at + size));
    at += size;
  }
}

function takeOption(options: TcpOptions, kind: number, value: Uint8Array): void {
  if (kind === OPTION_MSS && value.length === 2) {
    options.mss = Math.max(MINIMUM_MSS, readUint16(value, 0));
    options.hasMss = true;
  } else if (kind === OPTION_WINDOW_SCALE && value.length === 1) {
    options.windowShift = Math.min(MAXIMUM_SHIFT, value[0]!);
  } else if (kind === OPTION_TIMESTAMPS && value.length === 8) {
    takeTimestamps(options, value, 0);
  }
}

function takeTimestamps(options: TcpOptions, bytes: Uint8Array, offset: number): void {
  options.hasTimestamps = true;
  options.tsVal = readInt32(bytes, offset);
  options.tsEcr = readInt32(bytes, offset + 4);
}

/** Bytes of the options that a SYN carries. */
export function synOptionsLength(windowScale: boolean, timestamps: boolean): number {
  return (
    MSS_LENGTH + (windowScale ? WINDOW_SCALE_LENGTH : 0) + (timestamps ? TIMESTAMPS_LENGTH : 0)
  );
}

/** Writes MSS, and the window scale when `shift` is not negative; returns the offset behind. */
export function writeSynOptions(
  bytes: Uint8Array,
  offset: number,
  mss: number,
  shift: number,
): number {
  bytes[offset] = OPTION_MSS;
  bytes[offset + 1] = MSS_LENGTH;
  writeUint16(bytes, offset + 2, mss);
  if (shift < 0) return offset + MSS_LENGTH;
  bytes[offset + 4] = OPTION_NOP;
  bytes[offset + 5] = OPTION_WINDOW_SCALE;
  bytes[offset + 6] = 3;
  bytes[offset + 7] = shift;
  return offset + MSS_LENGTH + WINDOW_SCALE_LENGTH;
}

export function writeTimestamps(
  bytes: Uint8Array,
  offset: number,
  tsVal: number,
  tsEcr: number,
): void {
  writeInt32(bytes, offset, TIMESTAMPS_PREFIX);
  writeInt32(bytes, offset + 4, tsVal);
  writeInt32(bytes, offset + 8, tsEcr);
}
