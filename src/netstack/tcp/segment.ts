import {
  FIN,
  SYN,
  TCP_HEADER_LENGTH,
  tcpAcknowledgment,
  tcpDestinationPort,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
  tcpSourcePort,
  tcpWindow,
} from '../../wire/tcp.js';
import { parseOptions, TcpOptions } from './open/options.js';

const NOTHING = new Uint8Array(0);

/** A received segment: SEG.* of RFC 9293 3.3.1. One object is reused for all segments. */
export class Segment {
  bytes: Uint8Array = NOTHING;
  sourcePort = 0;
  destinationPort = 0;
  segSeq = 0;
  segAck = 0;
  /** The unscaled value of the window field. */
  segWnd = 0;
  /** Whether the segment arrived with SYN set, so that its window is not scaled (RFC 7323 2.2). */
  hasSynWindow = false;
  flags = 0;
  payloadOffset = 0;
  payloadLength = 0;
  readonly options = new TcpOptions();

  /** SEG.LEN: the number of data octets, plus one each for SYN and FIN. */
  get segLen(): number {
    return this.payloadLength + (this.flags & FIN ? 1 : 0) + (this.flags & SYN ? 1 : 0);
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Parses the segment at `offset`. Returns false if the lengths are inconsistent. */
  parse(bytes: Uint8Array, offset: number, length: number): boolean {
    if (length < TCP_HEADER_LENGTH) return false;
    const headerLength = tcpHeaderLength(bytes, offset);
    if (headerLength < TCP_HEADER_LENGTH || headerLength > length) return false;
    this.bytes = bytes;
    this.sourcePort = tcpSourcePort(bytes, offset);
    this.destinationPort = tcpDestinationPort(bytes, offset);
    this.segSeq = tcpSequence(bytes, offset);
    this.segAck = tcpAcknowledgment(bytes, offset);
    this.segWnd = tcpWindow(bytes, offset);
    this.flags = tcpFlags(bytes, offset);
    this.hasSynWindow = this.has(SYN);
    this.payloadOffset = offset + headerLength;
    this.payloadLength = length - headerLength;
    parseOptions(this.options, bytes, offset + TCP_HEADER_LENGTH, headerLength - TCP_HEADER_LENGTH);
    return true;
  }

  release(): void {
    this.bytes = NOTHING;
  }
}
