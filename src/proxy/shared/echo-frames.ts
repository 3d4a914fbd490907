/**
 * The payloads of the data frames of an echo channel:
 *
 *     client → owner  sequence number (2 bytes), data of the request
 *     owner → client  kind (1 byte), sequence number (2), milliseconds since the request was sent
 *                     (8, a double), then
 *                       kind 1: the TTL (1), data of the reply
 *                       kind 2: the reporting address, a space, the ICMP error's text
 *
 * The owner measures the time, so that it does not include the way between the two processes.
 */
import type { EchoEvent } from '../echo-dialer.js';

const REPLY = 1;
const ERROR = 2;

/** The length in bytes of what comes before the data of a request. */
export const REQUEST_HEADER = 2;

/** The lengths in bytes of what all events begin with, and of what comes before a reply's data. */
const EVENT_HEADER = 11;
const REPLY_HEADER = 12;

/** An event whose time is relative to its request. */
export type TimedEvent = EchoEvent extends infer Event
  ? Event extends EchoEvent
    ? Omit<Event, 'at'> & {
        /** Milliseconds since the request was sent. */
        readonly elapsed: number;
      }
    : never
  : never;

export function encodeRequest(sequence: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(REQUEST_HEADER + payload.length);
  bytes.writeUInt16BE(sequence);
  bytes.set(payload, REQUEST_HEADER);
  return bytes;
}

/** @returns undefined if the frame is invalid */
export function decodeRequest(
  bytes: Uint8Array,
): { readonly sequence: number; readonly payload: Uint8Array } | undefined {
  if (bytes.length < REQUEST_HEADER) return undefined;
  return { sequence: viewOf(bytes).getUint16(0), payload: bytes.subarray(REQUEST_HEADER) };
}

export function encodeEvent(event: TimedEvent): Buffer {
  const isReply = event.kind === 'reply';
  const rest = isReply
    ? Buffer.concat([Buffer.of(event.ttl), event.payload])
    : Buffer.from(`${event.from} ${event.text}`);
  const header = Buffer.alloc(EVENT_HEADER);
  header[0] = isReply ? REPLY : ERROR;
  header.writeUInt16BE(event.sequence, 1);
  header.writeDoubleBE(event.elapsed, 3);
  return Buffer.concat([header, rest]);
}

/** @returns undefined if the frame is invalid */
export function decodeEvent(bytes: Uint8Array): TimedEvent | undefined {
  if (bytes.length < REPLY_HEADER) return undefined;
  const view = viewOf(bytes);
  const [kind, sequence, elapsed] = [bytes[0], view.getUint16(1), view.getFloat64(3)];
  // The comparison is also false for NaN.
  if (!(elapsed >= 0 && elapsed < Infinity)) return undefined;
  if (kind === REPLY) {
    const ttl = bytes[EVENT_HEADER] ?? 0;
    return { kind: 'reply', sequence, elapsed, ttl, payload: bytes.subarray(REPLY_HEADER) };
  }
  const text = Buffer.from(bytes.subarray(EVENT_HEADER)).toString();
  const space = text.indexOf(' ');
  if (kind !== ERROR || space < 0) return undefined;
  const [from, why] = [text.slice(0, space), text.slice(space + 1)];
  return { kind: 'error', sequence, elapsed, from, text: why };
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** The number of latest requests whose events are recognized, as in `ping`. */
const REMEMBERED = 1_024;

/** The times at which the latest requests were sent, by sequence number. */
export class SendTimes {
  readonly #times = new Map<number, number>();

  add(sequence: number, at: number): void {
    this.#times.delete(sequence);
    this.#times.set(sequence, at);
    if (this.#times.size <= REMEMBERED) return;
    const [oldest] = this.#times.keys();
    if (oldest !== undefined) this.#times.delete(oldest);
  }

  /** @returns undefined for a request that is unknown or too old */
  of(sequence: number): number | undefined {
    return this.#times.get(sequence);
  }
}
