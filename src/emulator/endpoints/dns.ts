/**
 * SORACOM's name server over UDP (RFC 1035), for the names of SORACOM's services. The server
 * reports all other names as nonexistent, so that a test notices leaked lookups.
 */
import dnsPacket, { type Answer, type DecodedPacket, type Packet, type Question } from 'dns-packet';

import { DropCounter } from '../../lib/drop-counter.js';
import { DNS_ADDRESSES, DNS_PORT, SERVICE_NAMES } from '../services.js';
import type { ArcNetwork } from '../arc-network.js';

/** The time in seconds for which a response may be cached. */
const TTL = 60;

/** The maximum UDP payload in bytes, as recommended by DNS flag day 2020. */
const UDP_PAYLOAD_SIZE = 1232;

const HEADER_LENGTH = 12;
const RESPONSE = 0x8000;
const OPCODE = 0x7800;

/** The maximum number of additional records: OPT and a signature. */
const MAX_ADDITIONALS = 2;

const RCODE = { noError: 0, formatError: 1, nameError: 3, notImplemented: 4 } as const;

export type DnsDropReason = 'too-short' | 'not-a-query';

export class DnsEndpoint {
  /** Counts the datagrams that the server did not answer. */
  readonly drops = new DropCounter<DnsDropReason>();

  /** Answers queries at both addresses of SORACOM's name servers. */
  listen(network: Pick<ArcNetwork, 'bindUdp'>): void {
    for (const address of DNS_ADDRESSES) {
      network.bindUdp({ address, port: DNS_PORT }, (payload, _from, reply) => {
        const answer = this.answer(payload);
        if (answer !== undefined) reply(answer);
      });
    }
  }

  /** Builds the response to one datagram; returns undefined if a response could start a loop. */
  answer(datagram: Uint8Array): Uint8Array | undefined {
    const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    if (bytes.length < HEADER_LENGTH) {
      this.drops.count('too-short');
      return undefined;
    }
    if (bytes.readUInt16BE(2) & RESPONSE) {
      // Do not answer a response, because two servers could answer each other forever.
      this.drops.count('not-a-query');
      return undefined;
    }
    const header = { id: bytes.readUInt16BE(0), flags: bytes.readUInt16BE(2) };
    if ((header.flags & OPCODE) !== 0) return encode(header, RCODE.notImplemented);
    const query = decodeQuery(bytes);
    if (query === undefined) return encode(header, RCODE.formatError);
    return answerQuery(query);
  }
}

interface Query {
  readonly packet: DecodedPacket;
  readonly question: Question;
}

/** Decodes a query with exactly one question in printable ASCII; undefined for anything else. */
function decodeQuery(bytes: Buffer): Query | undefined {
  // Check the counts before decoding, because the counts in a datagram may be wrong (RFC 9619).
  const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((offset) =>
    bytes.readUInt16BE(offset),
  );
  if (questions !== 1 || answers !== 0 || authorities !== 0) return undefined;
  if (additionals === undefined || additionals > MAX_ADDITIONALS) return undefined;
  try {
    const packet = dnsPacket.decode(bytes);
    const question = packet.questions?.[0];
    // The decoder treats labels as UTF-8, so bytes outside ASCII would be changed in the response.
    if (question === undefined || !/^[\x21-\x7e]+$/.test(question.name)) return undefined;
    return { packet, question };
  } catch {
    return undefined;
  }
}

function answerQuery(query: Query): Uint8Array {
  const { packet, question } = query;
  const address = SERVICE_NAMES.get(question.name.toLowerCase());
  if (address === undefined || question.class !== 'IN') {
    return encode(packet, RCODE.nameError, query);
  }
  // If a name exists but has no data of the requested type, the answer is empty (RFC 2308 2.2).
  if (question.type !== 'A') return encode(packet, RCODE.noError, query);
  const record: Answer = { type: 'A', name: question.name, ttl: TTL, class: 'IN', data: address };
  return encode(packet, RCODE.noError, query, [record]);
}

function encode(
  { id, flags = 0 }: Pick<Packet, 'id' | 'flags'>,
  rcode: number,
  query?: Query,
  answers: Answer[] = [],
): Uint8Array {
  const hasEdns = query?.packet.additionals?.some(({ type }) => type === 'OPT') ?? false;
  return dnsPacket.encode({
    type: 'response',
    id,
    flags: (flags & (OPCODE | dnsPacket.RECURSION_DESIRED)) | dnsPacket.RECURSION_AVAILABLE | rcode,
    questions: query ? [query.question] : [],
    answers,
    additionals: hasEdns ? [EDNS] : [],
  });
}

/** The record that the response to a query with OPT must contain (RFC 6891 6.1.1). */
const EDNS: Answer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: UDP_PAYLOAD_SIZE,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};
