import dnsPacket, { type Answer } from 'dns-packet';

import { lookUp, type LookupType } from '../../../src/proxy/dns/dns-lookup.js';
import type { DnsQuery } from '../../../src/proxy/dns/dns-message.js';
import type { DnsOutcome } from '../../../src/proxy/dns/dns-upstream.js';

/** Looks up records in a response that contains these answers. */
async function found(answers: readonly Answer[], type: LookupType = 'A', rcode = 0) {
  let asked: DnsQuery | undefined;
  const questions = [{ name: 'a.test', type }];
  const flags = rcode;
  const bytes = dnsPacket.encode({ type: 'response', flags, questions, answers: [...answers] });
  const result = await lookUp(
    upstreamWith(bytes, (query) => (asked = query)),
    'a.test',
    type,
  );
  if ('kind' in result) throw new Error('silent');
  return { ...result, asked };
}

function upstreamWith(bytes: Uint8Array, onAsk: (query: DnsQuery) => void = () => undefined) {
  return {
    ask: (query: DnsQuery): Promise<DnsOutcome> => {
      onAsk(query);
      const response = { bytes, server: '192.0.2.53', via: 'udp', duration: 3 } as const;
      return Promise.resolve({ kind: 'response', ...response });
    },
  };
}

it.each<[LookupType, Answer, string]>([
  ['A', { type: 'A', name: 'a.test', data: '192.0.2.1' }, '192.0.2.1'],
  ['AAAA', { type: 'AAAA', name: 'a.test', data: 'fd00::1' }, 'fd00::1'],
  ['CNAME', { type: 'CNAME', name: 'a.test', data: 'b.test' }, 'b.test.'],
  ['NS', { type: 'NS', name: 'a.test', data: 'ns.test' }, 'ns.test.'],
  ['PTR', { type: 'PTR', name: 'a.test', data: 'b.test' }, 'b.test.'],
  ['MX', { type: 'MX', name: 'a.test', data: { preference: 5, exchange: 'm.test' } }, '5 m.test.'],
  [
    'SRV',
    { type: 'SRV', name: 'a.test', data: { priority: 1, weight: 2, port: 3, target: 't.test' } },
    '1 2 3 t.test.',
  ],
  [
    'SOA',
    {
      type: 'SOA',
      name: 'a.test',
      data: {
        ...{ mname: 'm.test', rname: 'r.test', serial: 1 },
        ...{ refresh: 2, retry: 3, expire: 4, minimum: 5 },
      },
    },
    'm.test. r.test. 1 2 3 4 5',
  ],
  [
    'TXT',
    { type: 'TXT', name: 'a.test', data: ['plain', 'a "quoted\\" text', Buffer.from([7, 200])] },
    '"plain" "a \\"quoted\\\\\\" text" "\\007\\200"',
  ],
  ['A', { type: 'NULL', name: 'a.test', data: Buffer.from([1, 255]) }, '\\# 2 01ff'],
])('shows the data of a record of type %s', async (type, record, data) => {
  const { answers } = await found([{ ttl: 60, ...record } as Answer], type);
  expect(answers).toEqual([{ name: 'a.test.', ttl: 60, type: record.type, data }]);
});

it('asks with EDNS, and reports the status and the server', async () => {
  const result = await found([], 'MX', 3);
  expect(result.asked).toMatchObject({ name: 'a.test', type: 15, udpSize: 1232, hasEdns: true });
  expect(result).toMatchObject({
    status: 'NXDOMAIN',
    server: '192.0.2.53',
    via: 'udp',
    answers: [],
  });
});

it('escapes names that could look like other lines', async () => {
  const { answers } = await found([{ type: 'CNAME', name: 'a.test', data: 'b\n c.test' }]);
  expect(answers[0]?.data).toBe('b\\010\\032c.test.');
});

it('escapes control characters in the data of other types', async () => {
  const data = { cpu: 'a\u009b2J', os: '\u001b[2J' };
  const { answers } = await found([{ type: 'HINFO', name: 'a.test', data }]);
  expect(answers[0]?.data).toBe(String.raw`{"cpu":"a\u009b2J","os":"\u001b[2J"}`);
});

it('shows a TTL with its highest bit set as 0 (RFC 2181 8)', async () => {
  const record = { type: 'A', name: 'a.test', data: '192.0.2.1', ttl: 0x8000_0000 } as const;
  expect((await found([record])).answers[0]?.ttl).toBe(0);
});

it('fails for a malformed response', async () => {
  const bytes = Buffer.from(dnsPacket.encode({ type: 'response', questions: [], answers: [] }));
  bytes.writeUInt16BE(1, 6);
  await expect(lookUp(upstreamWith(bytes), 'a.test', 'A')).rejects.toMatchObject({
    kind: 'failed',
    why: 'name server 192.0.2.53 sent a malformed message',
  });
  bytes.writeUInt16BE(65_535, 6);
  await expect(lookUp(upstreamWith(bytes), 'a.test', 'A')).rejects.toMatchObject({
    kind: 'failed',
  });
});
