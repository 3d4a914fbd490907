/** Reads and changes DNS messages (RFC 1035 4.1) without decoding their records. */

const HEADER_LENGTH = 12;
const MAX_NAME_LENGTH = 255;
/** The length of a question after its name: QTYPE and QCLASS (RFC 1035 4.1.2). */
const TYPE_AND_CLASS = 4;
/** The two highest bits of a length octet mark a compression pointer (RFC 1035 4.1.4). */
const POINTER = 0xc0;

const FLAG_RESPONSE = 0x8000;
const FLAG_TRUNCATED = 0x0200;
const FLAG_RECURSION_DESIRED = 0x0100;
const FLAG_RECURSION_AVAILABLE = 0x0080;
const FLAG_CHECKING_DISABLED = 0x0010;
const OPCODE = 0x7800;
const RCODE_MASK = 0x000f;

/** Response codes (RFC 1035 4.1.1). */
export const RCODE = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
} as const;

/** Record types that this code treats specially. */
export const TYPE = { a: 1, ptr: 12, aaaa: 28, opt: 41, ixfr: 251, axfr: 252 } as const;

export const CLASS_IN = 1;

/** The size that a client without EDNS accepts over UDP (RFC 1035 2.3.4). */
const CLASSIC_SIZE = 512;

/** The UDP payload size in the OPT records that arctun writes, as DNS flag day 2020 recommends. */
const EDNS_SIZE = 1232;

/** A query with exactly one question. */
export interface DnsQuery {
  readonly bytes: Uint8Array;
  readonly id: number;
  /** The name in lower case without a final dot. Octets that are not printable are escaped. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** The offset at which the question ends. */
  readonly questionEnd: number;
  /** The maximum size of a response over UDP. */
  readonly udpSize: number;
  readonly hasEdns: boolean;
}

export type ReadQuery =
  | { readonly kind: 'query'; readonly query: DnsQuery }
  /** The message must be answered with this error. */
  | { readonly kind: 'refused'; readonly response: Uint8Array }
  /** The message must not be answered, because an answer could start a loop. */
  | { readonly kind: 'ignored' };

/** Reads a client's message. Any bytes are allowed. */
export function readQuery(bytes: Uint8Array): ReadQuery {
  if (bytes.length < HEADER_LENGTH) return { kind: 'ignored' };
  const flags = word(bytes, 2);
  if ((flags & FLAG_RESPONSE) !== 0) return { kind: 'ignored' };
  const refuse = (rcode: number): ReadQuery => ({
    kind: 'refused',
    response: header(bytes, rcode, { questions: 0, answers: 0, additionals: 0 }),
  });
  if ((flags & OPCODE) !== 0) return refuse(RCODE.notImplemented);
  // RFC 9619 4: a message with OPCODE 0 and a QDCOUNT above 1 MUST be answered with FORMERR.
  if (word(bytes, 4) !== 1) return refuse(RCODE.formatError);
  const question = readQuestion(bytes);
  const edns = question && findEdns(bytes, question.questionEnd);
  if (question === undefined || edns === undefined) return refuse(RCODE.formatError);
  return { kind: 'query', query: { bytes, id: word(bytes, 0), ...question, ...edns } };
}

/**
 * Whether a message is the response to a query: the ID and the question must match (RFC 5452 9.1).
 * Letters of the name may differ in case (RFC 4343).
 */
export function isResponseTo(response: Uint8Array, query: DnsQuery, id: number): boolean {
  if (response.length < query.questionEnd) return false;
  if (word(response, 0) !== id || word(response, 4) !== 1) return false;
  const flags = word(response, 2);
  if ((flags & FLAG_RESPONSE) === 0 || (flags & OPCODE) !== 0) return false;
  const nameEnd = query.questionEnd - TYPE_AND_CLASS;
  for (let at = HEADER_LENGTH; at < nameEnd; at++) {
    if (lowerCase(response[at] ?? 0) !== lowerCase(query.bytes[at] ?? 0)) return false;
  }
  return [nameEnd, nameEnd + 2].every((at) => word(response, at) === word(query.bytes, at));
}

export function isTruncated(response: Uint8Array): boolean {
  return (word(response, 2) & FLAG_TRUNCATED) !== 0;
}

export function rcodeOf(response: Uint8Array): number {
  return word(response, 2) & RCODE_MASK;
}

/** The size in bytes of the length field before each message over TCP (RFC 1035 4.2.2). */
export const LENGTH_FIELD = 2;

/** Returns a message with its length, which are sent in one segment (RFC 7766 8). */
export function withLength(message: Uint8Array): Uint8Array {
  const { length } = message;
  return Buffer.concat([Uint8Array.of(length >>> 8, length & 0xff), message]);
}

/** Returns a copy of a message with another ID. */
export function withId(message: Uint8Array, id: number): Uint8Array {
  // The slice() of a Buffer would share its memory with the message.
  const copy = new Uint8Array(message);
  copy[0] = id >>> 8;
  copy[1] = id & 0xff;
  return copy;
}

/** Returns the response to a query without records, for example an error. */
export function emptyResponse(query: DnsQuery, rcode: number): Uint8Array {
  return buildResponse(query, rcode, []);
}

/**
 * Returns the response that tells a client to repeat its query over TCP. RFC 6891 7: a truncated
 * response MUST contain the question and, after a query with EDNS, an OPT record.
 */
export function truncatedResponse(query: DnsQuery, response: Uint8Array): Uint8Array {
  const short = buildResponse(query, rcodeOf(response), []);
  short[2] = (short[2] ?? 0) | (FLAG_TRUNCATED >>> 8);
  return short;
}

/** Returns a response with records for the name of the question, each with its data in `records`. */
export function buildResponse(
  query: DnsQuery,
  rcode: number,
  records: readonly Uint8Array[],
  ttl = 0,
): Uint8Array {
  const counts = { questions: 1, answers: records.length, additionals: query.hasEdns ? 1 : 0 };
  const parts = [
    header(query.bytes, rcode, counts),
    query.bytes.subarray(HEADER_LENGTH, query.questionEnd),
    ...records.flatMap((data) => [recordHeader(query, data.length, ttl), data]),
    ...(query.hasEdns ? [OPT_RECORD] : []),
  ];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Encodes a name without compression (RFC 1035 3.1). Labels must have 1 to 63 ASCII characters. */
export function encodeName(name: string): Uint8Array {
  const labels = name.split('.').flatMap((label) => {
    const bytes = new TextEncoder().encode(label);
    return [bytes.length, ...bytes];
  });
  return Uint8Array.of(...labels, 0);
}

/** An OPT record without options and with EDNS version 0 (RFC 6891 6.1.2). */
const OPT_RECORD = Uint8Array.of(
  0,
  0,
  TYPE.opt,
  EDNS_SIZE >>> 8,
  EDNS_SIZE & 0xff,
  0,
  0,
  0,
  0,
  0,
  0,
);

/** A record's fields before its data; the name points to the question. */
function recordHeader({ type, class: cls }: DnsQuery, length: number, ttl: number): Uint8Array {
  const fields = new Uint8Array(12);
  const view = new DataView(fields.buffer);
  view.setUint16(0, (POINTER << 8) | HEADER_LENGTH);
  view.setUint16(2, type);
  view.setUint16(4, cls);
  view.setUint32(6, ttl);
  view.setUint16(10, length);
  return fields;
}

/** The header of the response to a query. */
function header(
  query: Uint8Array,
  rcode: number,
  counts: { readonly questions: number; readonly answers: number; readonly additionals: number },
): Uint8Array {
  const fields = new Uint8Array(HEADER_LENGTH);
  const view = new DataView(fields.buffer);
  const kept = OPCODE | FLAG_RECURSION_DESIRED | FLAG_CHECKING_DISABLED;
  view.setUint16(0, word(query, 0));
  view.setUint16(2, FLAG_RESPONSE | (word(query, 2) & kept) | FLAG_RECURSION_AVAILABLE | rcode);
  view.setUint16(4, counts.questions);
  view.setUint16(6, counts.answers);
  view.setUint16(10, counts.additionals);
  return fields;
}

function readQuestion(
  bytes: Uint8Array,
): Pick<DnsQuery, 'name' | 'type' | 'class' | 'questionEnd'> | undefined {
  const labels: string[] = [];
  let at = HEADER_LENGTH;
  for (;;) {
    const length = bytes[at];
    // A name in the question cannot be compressed, because no name precedes it.
    if (length === undefined || length >= 64) return undefined;
    at++;
    if (length === 0) break;
    labels.push(labelText(bytes.subarray(at, at + length)));
    at += length;
    if (at - HEADER_LENGTH >= MAX_NAME_LENGTH) return undefined;
  }
  const questionEnd = at + TYPE_AND_CLASS;
  if (questionEnd > bytes.length) return undefined;
  const [type, cls] = [word(bytes, at), word(bytes, at + 2)];
  return { name: labels.join('.'), type, class: cls, questionEnd };
}

function labelText(label: Uint8Array): string {
  return Array.from(label, (octet) => {
    const isPlain = octet > 0x20 && octet < 0x7f && octet !== 0x2e && octet !== 0x5c;
    return isPlain ? String.fromCharCode(lowerCase(octet)) : `\\${String(octet).padStart(3, '0')}`;
  }).join('');
}

/**
 * Finds the OPT record of a query; undefined if the records are malformed.
 *
 * @param start the offset of the first record
 */
function findEdns(
  bytes: Uint8Array,
  start: number,
): Pick<DnsQuery, 'hasEdns' | 'udpSize'> | undefined {
  const records = word(bytes, 6) + word(bytes, 8) + word(bytes, 10);
  let found = { hasEdns: false, udpSize: CLASSIC_SIZE };
  let at = start;
  for (let count = 0; count < records; count++) {
    const fields = skipName(bytes, at);
    if (fields === undefined || fields + 10 > bytes.length) return undefined;
    if (word(bytes, fields) === TYPE.opt) {
      // RFC 6891 6.1.1: a query with more than one OPT record MUST be answered with FORMERR.
      if (found.hasEdns) return undefined;
      // RFC 6891 6.2.3: values below 512 MUST be treated as 512.
      found = { hasEdns: true, udpSize: Math.max(CLASSIC_SIZE, word(bytes, fields + 2)) };
    }
    at = fields + 10 + word(bytes, fields + 8);
    if (at > bytes.length) return undefined;
  }
  return found;
}

/** Returns the offset after a name, which a compression pointer may end. */
function skipName(bytes: Uint8Array, start: number): number | undefined {
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    if (length >= POINTER) return at + 2;
    if (length >= 64) return undefined;
    at += 1 + length;
  }
}

function word(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

/** Converts an ASCII capital to lower case. */
function lowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet;
}
