/** Encodes one DNS question and parses the response (RFC 1035 4). */
import dnsPacket, { type Answer, type DecodedPacket } from 'dns-packet';

import { parseIpAddress } from '../../wire/ip-address.js';

/** The record types of the two address families (RFC 1035 3.4.1, RFC 3596 2.1). */
export type AddressType = 'A' | 'AAAA';

export interface NameQuestion {
  /** An ID from 0 to 65535, which the response must repeat. */
  readonly id: number;
  readonly name: string;
  readonly type: AddressType;
}

/**
 * - `addresses`: IP addresses as strings, in the server's order; empty if the name or the type does
 *   not exist
 * - `truncated`: the response did not fit into a datagram (RFC 1035 4.2.1)
 * - `failed`: this server cannot answer, but another server may be able to; `rcode` is the reason
 */
export type NameAnswer =
  | {
      readonly kind: 'addresses';
      readonly addresses: readonly string[];
      /** The lifetime in milliseconds; 0 if the result must not be cached. */
      readonly ttl: number;
    }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'failed'; readonly rcode: string };

const HEADER_LENGTH = 12;
const RCODE_MASK = 0x0f;
const RCODE = { noError: 0, nameError: 3 } as const;

/** The names of further response codes that servers return (RFC 1035 4.1.1). */
const RCODE_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'FORMERR'],
  [2, 'SERVFAIL'],
  [4, 'NOTIMP'],
  [5, 'REFUSED'],
]);

/** The maximum number of records in all sections of a response; servers send fewer. */
const MAX_RECORDS = 256;

/** The maximum number of aliases to follow. */
const MAX_ALIASES = 16;

/**
 * Encodes a question that asks for recursion. The question omits EDNS, because addresses fit into
 * 512 bytes, and longer responses are requested over TCP.
 */
export function encodeQuestion({ id, name, type }: NameQuestion): Uint8Array {
  return dnsPacket.encode({
    type: 'query',
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type, name, class: 'IN' }],
  });
}

/** Parses a server's message; undefined if it is not a response to this question (RFC 5452 9.1). */
export function readAnswer(bytes: Uint8Array, question: NameQuestion): NameAnswer | undefined {
  const packet = decode(bytes);
  if (packet?.type !== 'response' || packet.id !== question.id) return undefined;
  const asked = packet.questions?.[0];
  if (packet.questions?.length !== 1 || asked === undefined) return undefined;
  if (asked.type !== question.type || asked.class !== 'IN') return undefined;
  if (!isSameName(asked.name, question.name)) return undefined;
  const rcode = (packet.flags ?? 0) & RCODE_MASK;
  if (packet.flag_tc) return { kind: 'truncated' };
  if (rcode === RCODE.nameError) return nothing(packet);
  if (rcode !== RCODE.noError) {
    return { kind: 'failed', rcode: RCODE_NAMES.get(rcode) ?? `RCODE ${rcode}` };
  }
  const found = addressesOf(question, packet.answers ?? []);
  // Check the addresses, because the codec converts even a truncated record to an address.
  if (!found.addresses.every((address) => isOfType(address, question.type))) return undefined;
  return found.addresses.length > 0 ? { kind: 'addresses', ...found } : nothing(packet);
}

function isOfType(address: string, type: AddressType): boolean {
  return parseIpAddress(address)?.length === (type === 'A' ? 4 : 16);
}

/** Decodes a DNS message; undefined if it is invalid, for which the codec throws various errors. */
function decode(bytes: Uint8Array): DecodedPacket | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < HEADER_LENGTH) return undefined;
  // Check the counts before the codec uses them, because the sender can choose them.
  const records = [6, 8, 10].reduce((sum, offset) => sum + buffer.readUInt16BE(offset), 0);
  if (records > MAX_RECORDS || buffer.readUInt16BE(4) !== 1) return undefined;
  try {
    return dnsPacket.decode(buffer);
  } catch {
    return undefined;
  }
}

/** Returns the addresses after following aliases (RFC 1034 3.6.2), with the records' lowest TTL. */
function addressesOf(
  { name, type }: NameQuestion,
  answers: readonly Answer[],
): { addresses: string[]; ttl: number } {
  let owner = name;
  let seconds = Infinity;
  for (let followed = 0; followed < MAX_ALIASES; followed++) {
    const alias = answers.find(
      (record) => record.type === 'CNAME' && isSameName(record.name, owner),
    );
    if (alias?.type !== 'CNAME') break;
    owner = alias.data;
    seconds = Math.min(seconds, alias.ttl ?? 0);
  }
  const addresses: string[] = [];
  for (const record of answers) {
    if (record.type !== type || !isSameName(record.name, owner)) continue;
    addresses.push(record.data);
    seconds = Math.min(seconds, record.ttl ?? 0);
  }
  return { addresses, ttl: addresses.length > 0 ? milliseconds(seconds) : 0 };
}

/**
 * Returns an answer without addresses. The SOA record limits how long a negative answer is cached;
 * without an SOA record, the answer is not cached (RFC 2308 5).
 */
function nothing({ authorities = [] }: DecodedPacket): NameAnswer {
  const soa = authorities.find((record) => record.type === 'SOA');
  const seconds = soa?.type === 'SOA' ? Math.min(soa.ttl ?? 0, soa.data.minimum ?? 0) : 0;
  return { kind: 'addresses', addresses: [], ttl: milliseconds(seconds) };
}

/** Converts a TTL; a TTL with its highest bit set counts as zero (RFC 2181 8). */
function milliseconds(seconds: number): number {
  return seconds > 0x7fff_ffff ? 0 : seconds * 1000;
}

/** Whether two names are equal, ignoring the case of ASCII letters (RFC 4343). */
function isSameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}
