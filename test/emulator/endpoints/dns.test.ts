import dnsPacket, { type DecodedPacket, type Packet, type RecordType } from 'dns-packet';

import { DnsEndpoint } from '../../../src/emulator/endpoints/dns.js';
import { FakeArcNetwork } from '../fakes.js';

const QUERY: Packet = { type: 'query', id: 4711, flags: dnsPacket.RECURSION_DESIRED };

function query(name: string, type: RecordType = 'A', rest: Packet = {}): Buffer {
  return dnsPacket.encode({ ...QUERY, questions: [{ type, name, class: 'IN' }], ...rest });
}

function answer(datagram: Uint8Array): DecodedPacket & { rcode: string } {
  const bytes = new DnsEndpoint().answer(datagram)!;
  return dnsPacket.decode(Buffer.from(bytes)) as DecodedPacket & { rcode: string };
}

describe('SORACOM names', () => {
  it.each([
    ['uni.soracom.io', '100.127.69.42'],
    ['unified.soracom.io', '100.127.69.42'],
    ['beam.soracom.io', '100.127.127.100'],
    ['funnel.soracom.io', '100.127.65.43'],
    ['harvest.soracom.io', '100.127.111.111'],
    ['metadata.soracom.io', '100.127.100.127'],
    ['pong.soracom.io', '100.127.100.127'],
    ['ntp.soracom.io', '100.127.0.123'],
    ['krypton.soracom.io', '54.250.252.99'],
  ])('%s is %s', (name, address) => {
    expect(answer(query(name))).toMatchObject({
      id: 4711,
      type: 'response',
      opcode: 'QUERY',
      rcode: 'NOERROR',
      flag_rd: true,
      flag_ra: true,
      flag_tc: false,
      questions: [{ name, type: 'A', class: 'IN' }],
      answers: [{ name, type: 'A', class: 'IN', ttl: 60, data: address }],
      additionals: [],
    });
  });

  it('are matched in any case, which the answer keeps', () => {
    const { questions, answers } = answer(query('UnI.SoRaCoM.iO'));
    expect(questions).toMatchObject([{ name: 'UnI.SoRaCoM.iO' }]);
    expect(answers).toMatchObject([{ name: 'UnI.SoRaCoM.iO', data: '100.127.69.42' }]);
  });

  it('exist, but have no data of other types', () => {
    const { answers, ...header } = answer(query('uni.soracom.io', 'AAAA'));
    expect(header).toMatchObject({ rcode: 'NOERROR', questions: [{ type: 'AAAA' }] });
    expect(answers).toEqual([]);
  });
});

describe('other names', () => {
  it.each([
    'example.com',
    'soracom.io',
    'x.uni.soracom.io',
    'uni.soracom.io.example',
    'constructor',
  ])('%s does not exist', (name) => {
    const { rcode, answers, questions } = answer(query(name));
    expect({ rcode, answers }).toEqual({ rcode: 'NXDOMAIN', answers: [] });
    expect(questions).toMatchObject([{ name }]);
  });

  it('are not found in a different class', () => {
    const questions = [{ type: 'A' as const, name: 'uni.soracom.io', class: 'CH' as const }];
    expect(answer(dnsPacket.encode({ ...QUERY, questions }))).toMatchObject({ rcode: 'NXDOMAIN' });
  });
});

it('keeps the RD flag of the query', () => {
  expect(answer(query('uni.soracom.io', 'A', { flags: 0 }))).toMatchObject({
    flag_rd: false,
    flag_ra: true,
  });
});

it('answers OPT with OPT (RFC 6891 6.1.1)', () => {
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] } as const;
  const additionals = [{ ...opt, extendedRcode: 0, ednsVersion: 0, flag_do: false, options: [] }];
  expect(answer(query('uni.soracom.io', 'A', { additionals }))).toMatchObject({
    answers: [{ data: '100.127.69.42' }],
    additionals: [{ type: 'OPT', udpPayloadSize: 1232, ednsVersion: 0, extendedRcode: 0 }],
  });
});

describe('a message that is not a plain query', () => {
  it('is counted and not answered if it is shorter than a header, or a response', () => {
    const dns = new DnsEndpoint();
    expect(dns.answer(new Uint8Array(0))).toBeUndefined();
    expect(dns.answer(query('uni.soracom.io').subarray(0, 11))).toBeUndefined();
    const response = dnsPacket.encode({ ...QUERY, type: 'response', questions: [] });
    expect(dns.answer(response)).toBeUndefined();
    expect([...dns.drops]).toEqual([
      ['too-short', 2],
      ['not-a-query', 1],
    ]);
  });

  it('gets NOTIMP for another opcode, which the answer keeps', () => {
    const status = query('uni.soracom.io', 'A', { flags: 2 << 11 });
    expect(answer(status)).toMatchObject({ id: 4711, opcode: 'STATUS', rcode: 'NOTIMP' });
  });

  it.each([
    ['no question', 4, 0],
    ['two questions', 4, 2],
    ['65535 questions', 4, 65535],
    ['an answer', 6, 1],
    ['an authority', 8, 1],
    ['three additionals', 10, 3],
  ])('gets FORMERR for %s', (_, offset, count) => {
    const bytes = query('uni.soracom.io');
    bytes.writeUInt16BE(count, offset);
    expect(answer(bytes)).toMatchObject({ id: 4711, rcode: 'FORMERR', questions: [], answers: [] });
  });

  it('gets FORMERR for a name that points forward, is cut off, or is not ASCII', () => {
    const pointer = query('uni.soracom.io');
    pointer.writeUInt16BE(0xc0ff, 12);
    expect(answer(pointer)).toMatchObject({ rcode: 'FORMERR' });
    expect(answer(query('uni.soracom.io').subarray(0, 20))).toMatchObject({ rcode: 'FORMERR' });
    const latin = query('uni.soracom.io');
    latin[13] = 0xe9;
    expect(answer(latin)).toMatchObject({ rcode: 'FORMERR' });
  });

  it('never throws, whatever byte of a query is changed', () => {
    const dns = new DnsEndpoint();
    const original = query('uni.soracom.io');
    for (let index = 0; index < original.length; index++) {
      for (let value = 0; value < 256; value++) {
        const bytes = Uint8Array.from(original);
        bytes[index] = value;
        expect(() => dns.answer(bytes)).not.toThrow();
      }
    }
  });
});

it('listens on both name servers', () => {
  const network = new FakeArcNetwork();
  new DnsEndpoint().listen(network);
  for (const server of ['100.127.0.53:53', '100.127.1.53:53']) {
    const replies = network.exchange(server, query('pong.soracom.io'));
    expect(replies.map((reply) => dnsPacket.decode(Buffer.from(reply)).answers)).toMatchObject([
      [{ data: '100.127.100.127' }],
    ]);
    expect(network.exchange(server, new Uint8Array(3))).toEqual([]);
  }
});
