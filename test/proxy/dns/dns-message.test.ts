import dnsPacket from 'dns-packet';

import {
  buildResponse,
  type DnsQuery,
  emptyResponse,
  encodeName,
  isResponseTo,
  isTruncated,
  RCODE,
  rcodeOf,
  readQuery,
  truncatedResponse,
  TYPE,
  withId,
} from '../../../src/proxy/dns/dns-message.js';
import { seededRandom } from '../../support/pairs/netstack-pair.js';
import { edns, encodeQuery, queryOf } from './queries.js';

/** The response code with which a message is refused; `ignored`, or `query` if it is accepted. */
function verdict(bytes: Uint8Array): number | string {
  const read = readQuery(bytes);
  return read.kind === 'refused' ? rcodeOf(read.response) : read.kind;
}

it('reads the question, and the size that the client accepts', () => {
  const query = queryOf(encodeQuery('Uni.SORACOM.io', 'AAAA', { id: 0x1234 }));
  expect(query).toMatchObject({ id: 0x1234, name: 'uni.soracom.io', type: 28, class: 1 });
  expect(query).toMatchObject({ hasEdns: false, udpSize: 512 });
  expect(query.questionEnd).toBe(query.bytes.length);
  expect(queryOf(encodeQuery('.', 'NS'))).toMatchObject({ name: '', type: 2 });
});

it.each([
  [4096, 4096],
  [512, 512],
  [100, 512],
])('reads the EDNS size %i as %i (RFC 6891 6.2.3)', (given, udpSize) => {
  const query = queryOf(encodeQuery('a.test', 'A', { additionals: [edns(given)] }));
  expect(query).toMatchObject({ hasEdns: true, udpSize });
});

it('finds EDNS after other records, even after a compressed name', () => {
  const record = { type: 'A', name: 'a.test', data: '192.0.2.1' } as const;
  const bytes = encodeQuery('a.test', 'A', { additionals: [record, edns(1400)] });
  expect(queryOf(bytes)).toMatchObject({ udpSize: 1400 });
  // Replace the record's name, 8 bytes, with a pointer to the question.
  const start = 12 + 8 + 4;
  const compressed = Uint8Array.of(...bytes.slice(0, start), 0xc0, 12, ...bytes.slice(start + 8));
  expect(queryOf(compressed)).toMatchObject({ udpSize: 1400 });
});

it('escapes octets of a name that are not printable, or that separate labels', () => {
  const bytes = encodeQuery('a.b', 'A');
  bytes[13] = 0x2e;
  expect(queryOf(bytes).name).toBe('\\046.b');
  bytes[13] = 0xff;
  expect(queryOf(bytes).name).toBe('\\255.b');
});

describe('a message that is not a valid query', () => {
  const good = encodeQuery('a.test', 'A', { id: 7, additionals: [edns(1232)] });
  const changed = (change: (bytes: Uint8Array) => void): Uint8Array => {
    const bytes = good.slice();
    change(bytes);
    return bytes;
  };

  it.each([
    ['is a response', changed((bytes) => (bytes[2] = bytes[2]! | 0x80)), 'ignored'],
    ['is shorter than a header', good.slice(0, 11), 'ignored'],
    ['has another opcode', changed((bytes) => (bytes[2] = 0x28)), RCODE.notImplemented],
    ['has no question', changed((bytes) => (bytes[5] = 0)), RCODE.formatError],
    ['has two questions (RFC 9619 4)', changed((bytes) => (bytes[5] = 2)), RCODE.formatError],
    ['ends in its name', good.slice(0, 16), RCODE.formatError],
    ['ends in its type', good.slice(0, 22), RCODE.formatError],
    ['has a compressed name', changed((bytes) => (bytes[12] = 0xc0)), RCODE.formatError],
    ['has a label of 64', changed((bytes) => (bytes[12] = 64)), RCODE.formatError],
    ['ends before its OPT record', good.slice(0, 24), RCODE.formatError],
    ['ends in its OPT record', good.slice(0, -1), RCODE.formatError],
    ['has an OPT record with too much data', changed((b) => (b[b.length - 1] = 1)), 1],
    [
      'has two OPT records (RFC 6891 6.1.1)',
      encodeQuery('a.test', 'A', { additionals: [edns(1232), edns(1232)] }),
      RCODE.formatError,
    ],
    ['has a name of 256 octets', longName(64), RCODE.formatError],
  ])('%s', (_, bytes, expected) => {
    expect(verdict(bytes)).toBe(expected);
  });

  it('is a query unchanged', () => {
    expect(verdict(good)).toBe('query');
    expect(verdict(longName(63))).toBe('query');
  });

  it('is answered with its ID, its flags and no question', () => {
    const read = readQuery(changed((bytes) => (bytes[5] = 0)));
    if (read.kind !== 'refused') throw new Error(read.kind);
    expect(read.response).toHaveLength(12);
    const {
      id,
      flag_qr: isResponse,
      flag_rd: isRecursive,
    } = dnsPacket.decode(Buffer.from(read.response));
    expect({ id, isResponse, isRecursive }).toEqual({ id: 7, isResponse: true, isRecursive: true });
  });

  /** A query for a name of three labels of 63 octets and one of `last - 2`. */
  function longName(last: number): Uint8Array {
    const labels = [63, 63, 63, last - 2].flatMap((length) => [
      length,
      ...new Array<number>(length).fill(0x61),
    ]);
    return Uint8Array.of(...encodeQuery('.', 'A').slice(0, 12), ...labels, 0, 0, 1, 0, 1);
  }
});

it('never throws, and never reads beyond the message', () => {
  const random = seededRandom(5);
  const good = encodeQuery('a.test', 'A', { additionals: [edns(1232)] });
  for (let run = 0; run < 20_000; run++) {
    const bytes = good.slice(0, Math.floor(random() * (good.length + 1)));
    for (let change = 0; change < 3; change++) {
      bytes[Math.floor(random() * bytes.length)] = random() * 256;
    }
    const read = readQuery(bytes);
    if (read.kind === 'query') {
      expect(read.query.questionEnd).toBeLessThanOrEqual(bytes.length);
      expect(isResponseTo(emptyResponse(read.query, 0), read.query, read.query.id)).toBe(true);
    }
  }
});

describe('a response', () => {
  const query = queryOf(encodeQuery('Uni.test', 'A', { id: 7 }));
  const good = () => emptyResponse(query, 0);

  it.each([
    ['another ID', (bytes: Uint8Array) => withId(bytes, 8)],
    ['no response flag', (bytes: Uint8Array) => edit(bytes, 2, 0x01)],
    ['another opcode', (bytes: Uint8Array) => edit(bytes, 2, 0xa8)],
    ['two questions', (bytes: Uint8Array) => edit(bytes, 5, 2)],
    ['another name', (bytes: Uint8Array) => edit(bytes, 13, 0x76)],
    ['another type', (bytes: Uint8Array) => edit(bytes, query.questionEnd - 3, 28)],
    ['another class', (bytes: Uint8Array) => edit(bytes, query.questionEnd - 1, 3)],
    ['no whole question', (bytes: Uint8Array) => bytes.slice(0, query.questionEnd - 1)],
  ])('with %s does not belong to the query (RFC 5452 9.1)', (_, change) => {
    expect(isResponseTo(good(), query, 7)).toBe(true);
    expect(isResponseTo(change(good()), query, 7)).toBe(false);
  });

  it('belongs to the query if only the case differs (RFC 4343)', () => {
    expect(isResponseTo(edit(good(), 13, 0x75), query, 7)).toBe(true);
  });

  it('does not belong to a query for a type whose number differs as the case of a letter', () => {
    // 65 is HTTPS (RFC 9460), and 97 is the number of a small letter.
    const bytes = edit(encodeQuery('uni.test', 'A', { id: 7 }), query.questionEnd - 3, 65);
    const https = queryOf(bytes);
    const response = emptyResponse(https, 0);
    expect(isResponseTo(response, https, 7)).toBe(true);
    expect(isResponseTo(edit(response, https.questionEnd - 3, 97), https, 7)).toBe(false);
  });

  function edit(bytes: Uint8Array, at: number, octet: number): Uint8Array {
    bytes[at] = octet;
    return bytes;
  }
});

it('builds records for the name as the client spelled it', () => {
  const query = queryOf(encodeQuery('Uni.test', 'A', { additionals: [edns(4096)] }));
  const records = [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(192, 0, 2, 2)];
  const {
    answers,
    questions,
    additionals,
    flag_ra: isRecursive,
  } = dnsPacket.decode(Buffer.from(buildResponse(query, RCODE.noError, records, 60)));
  expect(isRecursive).toBe(true);
  expect(questions).toEqual([{ name: 'Uni.test', type: 'A', class: 'IN' }]);
  expect(answers).toMatchObject([
    { name: 'Uni.test', type: 'A', ttl: 60, data: '192.0.2.1' },
    { name: 'Uni.test', type: 'A', ttl: 60, data: '192.0.2.2' },
  ]);
  expect(additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232 }]);
});

it('builds a truncated response with the question and, after EDNS, an OPT record (RFC 6891 7)', () => {
  const opt = { additionals: [edns(512)] };
  for (const [query, extra] of [
    [queryOf(encodeQuery('a.test', 'TXT', opt)), 1],
    [queryOf(encodeQuery('a.test', 'TXT')), 0],
  ] as const) {
    const short = truncatedResponse(query, buildResponse(query, 3, [new Uint8Array(600)]));
    expect(isTruncated(short)).toBe(true);
    expect(rcodeOf(short)).toBe(3);
    const { questions, answers, additionals } = dnsPacket.decode(Buffer.from(short));
    expect([questions?.length, answers?.length, additionals?.length]).toEqual([1, 0, extra]);
  }
});

it('encodes a name', () => {
  expect([...encodeName('ab.c')]).toEqual([2, 0x61, 0x62, 1, 0x63, 0]);
  const query: DnsQuery = queryOf(encodeQuery('1.2.0.192.in-addr.arpa', 'PTR'));
  expect(query.type).toBe(TYPE.ptr);
  const response = buildResponse(query, 0, [encodeName('ab.c')]);
  expect(dnsPacket.decode(Buffer.from(response)).answers).toMatchObject([{ data: 'ab.c' }]);
});

it('changes the ID in a copy, even of a Buffer', () => {
  const message = Buffer.from(encodeQuery('a.test', 'A', { id: 0x1234 }));
  expect([...withId(message, 0x5678)]).toEqual([0x56, 0x78, ...message.subarray(2)]);
  expect(message.readUInt16BE(0)).toBe(0x1234);
});
