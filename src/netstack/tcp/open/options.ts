/** TCP options: MSS (RFC 9293 3.7.1), window scale and timestamps (RFC 7323), SACK (RFC 2018). */
import { readInt32, readUint16, writeInt32, writeUint16 } from '../../../wire/bytes.js';
import type { IpAddress } from '../../../wire/ip-address.js';
import {
  OPTION_END,
  OPTION_MSS,
  OPTION_NOP,
  OPTION_SACK,
  OPTION_SACK_PERMITTED,
  OPTION_TIMESTAMPS,
  OPTION_WINDOW_SCALE,
} from '../../../wire/tcp.js';

/** The MSS for each address family if the peer does not send one (RFC 9293 3.7.1, MUST-15). */
export const DEFAULT_MSS = 536;
const DEFAULT_IPV6_MSS = 1220;

export function defaultMss(address: IpAddress): number {
  return address.length === 16 ? DEFAULT_IPV6_MSS : DEFAULT_MSS;
}

/** The lower bound for the peer's MSS (like Linux's min_snd_mss): limits the header overhead. */
const MINIMUM_MSS = 48;

/** RFC 7323 2.3: a larger shift MUST be treated as 14. */
const MAXIMUM_SHIFT = 14;

/** The length of the timestamps option, including two NOPs before it, in octets. */
export const TIMESTAMPS_LENGTH = 12;
const MSS_LENGTH = 4;
const WINDOW_SCALE_LENGTH = 4;
const SACK_PERMITTED_LENGTH = 4;

/**
 * The number of SACK blocks per ACK: as many as fit with timestamps (RFC 2018 3), even if no
 * timestamps are sent.
 */
export const SACK_BLOCKS = 3;

/** The maximum number of blocks in a SACK option (RFC 2018 3). */
const MAXIMUM_SACK_BLOCKS = 4;
const SACK_BLOCK_LENGTH = 8;

/** NOP, NOP, kind, length: the layout of RFC 7323 appendix A. */
const TIMESTAMPS_PREFIX = (OPTION_NOP << 24) | (OPTION_NOP << 16) | (OPTION_TIMESTAMPS << 8) | 10;

/** The options of one segment. The object is reused for the next segment. */
export class TcpOptions {
  mss = DEFAULT_MSS;
  hasMss = false;
  /** The window shift; -1 if absent. */
  windowShift = -1;
  hasTimestamps = false;
  /** TSval and TSecr of the timestamps option as int32. */
  tsVal = 0;
  tsEcr = 0;
  sackPermitted = false;
  /** The SACK blocks [start, end) as int32; the first `sackCount` are valid. */
  readonly sackStarts = new Int32Array(MAXIMUM_SACK_BLOCKS);
  readonly sackEnds = new Int32Array(MAXIMUM_SACK_BLOCKS);
  sackCount = 0;

  clear(): void {
    this.mss = DEFAULT_MSS;
    this.hasMss = false;
    this.windowShift = -1;
    this.hasTimestamps = false;
    this.sackPermitted = false;
    this.sackCount = 0;
  }
}

/** Parses options into `options`. Stops at the first malformed option and never throws. */
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
  } else if (kind === OPTION_SACK_PERMITTED && value.length === 0) {
    options.sackPermitted = true;
  } else if (kind === OPTION_SACK && value.length % SACK_BLOCK_LENGTH === 0) {
    takeSack(options, value);
  }
}

function takeSack(options: TcpOptions, value: Uint8Array): void {
  options.sackCount = Math.min(MAXIMUM_SACK_BLOCKS, value.length / SACK_BLOCK_LENGTH);
  for (let index = 0; index < options.sackCount; index++) {
    options.sackStarts[index] = readInt32(value, index * SACK_BLOCK_LENGTH);
    options.sackEnds[index] = readInt32(value, index * SACK_BLOCK_LENGTH + 4);
  }
}

function takeTimestamps(options: TcpOptions, bytes: Uint8Array, offset: number): void {
  options.hasTimestamps = true;
  options.tsVal = readInt32(bytes, offset);
  options.tsEcr = readInt32(bytes, offset + 4);
}

/** The options of a local SYN. */
export interface SynOptions {
  readonly mss: number;
  /** Rcv.Wind.Shift; -1 to omit the window scale option. */
  readonly windowShift: number;
  readonly sackPermitted: boolean;
}

/** The length of the SYN options in octets. */
export function synOptionsLength(options: SynOptions): number {
  return (
    MSS_LENGTH +
    (options.windowShift < 0 ? 0 : WINDOW_SCALE_LENGTH) +
    (options.sackPermitted ? SACK_PERMITTED_LENGTH : 0)
  );
}

/** Writes the options and returns the offset after them. */
export function writeSynOptions(bytes: Uint8Array, offset: number, options: SynOptions): number {
  let at = offset;
  bytes[at] = OPTION_MSS;
  bytes[at + 1] = MSS_LENGTH;
  writeUint16(bytes, at + 2, options.mss);
  at += MSS_LENGTH;
  if (options.windowShift >= 0) {
    bytes.set([OPTION_NOP, OPTION_WINDOW_SCALE, 3, options.windowShift], at);
    at += WINDOW_SCALE_LENGTH;
  }
  if (options.sackPermitted) {
    bytes.set([OPTION_NOP, OPTION_NOP, OPTION_SACK_PERMITTED, 2], at);
    at += SACK_PERMITTED_LENGTH;
  }
  return at;
}

export function writeTimestamps(
  bytes: Uint8Array,
  offset: number,
  tsVal: number,
  tsEcr: number,
): number {
  writeInt32(bytes, offset, TIMESTAMPS_PREFIX);
  writeInt32(bytes, offset + 4, tsVal);
  writeInt32(bytes, offset + 8, tsEcr);
  return offset + TIMESTAMPS_LENGTH;
}

/** The length in octets of a SACK option with `count` blocks, including two NOPs before it. */
export function sackLength(count: number): number {
  return count === 0 ? 0 : 4 + count * SACK_BLOCK_LENGTH;
}

/** Writes the header of a SACK option and returns the offset of the first block. */
export function writeSackPrefix(bytes: Uint8Array, offset: number, count: number): number {
  bytes[offset] = OPTION_NOP;
  bytes[offset + 1] = OPTION_NOP;
  bytes[offset + 2] = OPTION_SACK;
  bytes[offset + 3] = 2 + count * SACK_BLOCK_LENGTH;
  return offset + 4;
}

/** Writes a block and returns the offset after it. */
export function writeSackBlock(
  bytes: Uint8Array,
  offset: number,
  start: number,
  end: number,
): number {
  writeInt32(bytes, offset, start);
  writeInt32(bytes, offset + 4, end);
  return offset + SACK_BLOCK_LENGTH;
}
