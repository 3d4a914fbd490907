/** Looks up the records of a name, for people who want to see them. */
import dnsPacket, { type Answer, type Packet } from 'dns-packet';

import { UserError } from '../../lib/errors/user-error.js';
import { readQuery } from './dns-message.js';
import type { DnsOutcome, DnsUpstream } from './dns-upstream.js';

/** The record types that a user can ask for. */
export const LOOKUP_TYPES = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT'] as const;

export type LookupType = (typeof LOOKUP_TYPES)[number];

export interface LookupRecord {
  readonly name: string;
  /** The lifetime in seconds. */
  readonly ttl: number;
  readonly type: string;
  /** The data in the presentation format of zone files. */
  readonly data: string;
}

export interface LookupResult {
  readonly name: string;
  readonly type: LookupType;
  /** The name of the response code, such as NOERROR or NXDOMAIN. */
  readonly status: string;
  readonly server: string;
  readonly via: 'udp' | 'tcp';
  /** How long the server took, in milliseconds. */
  readonly duration: number;
  readonly answers: readonly LookupRecord[];
}

/** The timeouts of the attempts in milliseconds. The servers take turns. */
const ATTEMPTS = [2_000, 2_000, 3_000, 3_000] as const;

/** The size of a response over UDP that this client accepts, as DNS flag day 2020 recommends. */
const UDP_SIZE = 1232;

/** The maximum number of records in a response. */
const MAX_RECORDS = 4096;

/**
 * Asks the name servers for the records of one type.
 *
 * @param name a name in ASCII with valid labels
 * @returns the reasons if no server responds
 * @throws DialError if the tunnel cannot send queries; the abort reason
 * @throws UserError of kind `failed` for a malformed response
 */
export async function lookUp(
  upstream: Pick<DnsUpstream, 'ask'>,
  name: string,
  type: LookupType,
  signal?: AbortSignal,
): Promise<LookupResult | Extract<DnsOutcome, { kind: 'silent' }>> {
  const read = readQuery(encodeQuery(name, type));
  if (read.kind !== 'query') throw new RangeError(`${JSON.stringify(name)} must be a valid name`);
  const options = { attempts: ATTEMPTS, wholeOnly: true, signal };
  const outcome = await upstream.ask(read.query, options);
  if (outcome.kind === 'silent') return outcome;
  const { server, via, duration } = outcome;
  return { name, type, ...decode(outcome.bytes, server), server, via, duration };
}

function encodeQuery(name: string, type: LookupType): Uint8Array {
  const query: Packet = {
    type: 'query',
    id: 0,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type, name, class: 'IN' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: UDP_SIZE,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  };
  return dnsPacket.encode(query);
}

function decode(bytes: Uint8Array, server: string): Pick<LookupResult, 'status' | 'answers'> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Check the counts before the codec uses them, because the server can choose them.
  const records = [6, 8, 10].reduce((sum, offset) => sum + buffer.readUInt16BE(offset), 0);
  try {
    if (records > MAX_RECORDS) throw new RangeError(`${records} records`);
    const packet = dnsPacket.decode(buffer) as dnsPacket.DecodedPacket & { rcode: string };
    return { status: packet.rcode, answers: (packet.answers ?? []).map(recordOf) };
  } catch (error) {
    throw new UserError('failed', {
      what: 'cannot read the response',
      why: `name server ${server} sent a malformed message`,
      next: ['Choose another name server with --dns.'],
      cause: error,
    });
  }
}

function recordOf(record: Answer): LookupRecord {
  const ttl = 'ttl' in record ? (record.ttl ?? 0) : 0;
  // Do not show a TTL with its highest bit set, which means zero (RFC 2181 8).
  return {
    name: absolute(record.name),
    ttl: ttl > 0x7fff_ffff ? 0 : ttl,
    type: record.type,
    data: dataText(record),
  };
}

function dataText(record: Answer): string {
  if (record.type === 'A' || record.type === 'AAAA') return record.data;
  if (record.type === 'CNAME' || record.type === 'DNAME') return absolute(record.data);
  if (record.type === 'NS' || record.type === 'PTR') return absolute(record.data);
  if (record.type === 'MX') {
    return `${record.data.preference ?? 0} ${absolute(record.data.exchange)}`;
  }
  if (record.type === 'SRV') {
    const { priority = 0, weight = 0, port, target } = record.data;
    return `${priority} ${weight} ${port} ${absolute(target)}`;
  }
  if (record.type === 'SOA') {
    const { mname, rname, serial, refresh, retry, expire, minimum } = record.data;
    const numbers = [serial, refresh, retry, expire, minimum].map((value) => value ?? 0);
    return [absolute(mname), absolute(rname), ...numbers].join(' ');
  }
  if (record.type === 'TXT') return [record.data].flat().map(quoted).join(' ');
  return 'data' in record ? unknownText(record.data) : '';
}

/** Returns an absolute name, with escapes for what could look like other lines or fields. */
function absolute(name: string): string {
  const text = name.replace(/[^\x21-\x7e]/gu, (character) => {
    const octets = Array.from(Buffer.from(character), (octet) => String(octet).padStart(3, '0'));
    return octets.map((octet) => `\\${octet}`).join('');
  });
  return text.endsWith('.') ? text : `${text}.`;
}

/** Formats a character string of a TXT record (RFC 1035 5.1). */
function quoted(text: string | Buffer): string {
  const octets = Array.from(typeof text === 'string' ? Buffer.from(text) : text, (octet) => {
    if (octet === 0x22 || octet === 0x5c) return `\\${String.fromCharCode(octet)}`;
    const isPlain = octet >= 0x20 && octet < 0x7f;
    return isPlain ? String.fromCharCode(octet) : `\\${String(octet).padStart(3, '0')}`;
  });
  return `"${octets.join('')}"`;
}

/** Formats the data of a type that this code does not know (RFC 3597 5). */
function unknownText(data: unknown): string {
  if (!(data instanceof Uint8Array)) return printable(JSON.stringify(data));
  return `\\# ${data.length} ${Buffer.from(data).toString('hex')}`.trim();
}

/** Escapes what JSON allows in a string but a terminal could read as a control sequence. */
function printable(json: string): string {
  return json.replaceAll(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
