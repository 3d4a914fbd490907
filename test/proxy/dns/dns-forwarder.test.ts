import dnsPacket, { type RecordType } from 'dns-packet';

import { buildResponse, type DnsQuery, rcodeOf } from '../../../src/proxy/dns/dns-message.js';
import { DnsForwarder, type DnsForwarderOptions } from '../../../src/proxy/dns/dns-forwarder.js';
import type { AskOptions, DnsOutcome } from '../../../src/proxy/dns/dns-upstream.js';
import { FALLBACK_NOTE } from '../../../src/proxy/dns/host-names.js';
import { DialError } from '../../../src/proxy/dialer.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { edns, encodeQuery } from './queries.js';

const SILENT: DnsOutcome = { kind: 'silent', failures: new Map() };
const HOSTS = new Map([
  ['camera.test', ['192.0.2.7', 'fd00::7', '192.0.2.8']],
  ['old.test', ['192.0.2.7']],
]);

let clock: FakeClock;
let log: RecordingLog;
let asked: { readonly query: DnsQuery; readonly options: AskOptions }[];
/** The outcome of each query. */
let outcome: (query: DnsQuery) => DnsOutcome | Promise<DnsOutcome>;

beforeEach(() => {
  clock = new FakeClock();
  log = new RecordingLog();
  asked = [];
  outcome = () => SILENT;
});

function forwarder(options: Partial<DnsForwarderOptions> = {}): DnsForwarder {
  const upstream: DnsForwarderOptions['upstream'] = {
    ask: async (query, given) => {
      asked.push({ query, options: given });
      return outcome(query);
    },
  };
  return new DnsForwarder({ upstream, clock, log, ...options });
}

/** A response with one record of `length` bytes. */
function found(query: DnsQuery, length = 10): DnsOutcome {
  const bytes = buildResponse(query, 0, [new Uint8Array(length)], 60);
  return { kind: 'response', bytes, server: '100.127.0.53', via: 'udp', duration: 1 };
}

async function ask(
  target: DnsForwarder,
  name: string,
  type: RecordType = 'A',
  fields: object = {},
): Promise<dnsPacket.DecodedPacket & { rcode: string; isTruncated: boolean }> {
  const response = await target.answer(encodeQuery(name, type, fields), 'udp');
  const packet = dnsPacket.decode(Buffer.from(response!));
  const { rcode } = packet as unknown as { rcode: string };
  return { ...packet, rcode, isTruncated: packet.flag_tc };
}

it('passes a query and its response on unchanged', async () => {
  outcome = (query) => found(query);
  const bytes = encodeQuery('a.test', 'TXT', { id: 7, additionals: [edns(1232)] });
  const response = await forwarder().answer(bytes, 'udp');
  expect(asked[0]?.query.bytes).toBe(bytes);
  expect(response).toEqual((found(asked[0]!.query) as { bytes: Uint8Array }).bytes);
});

it('needs whole responses only for clients over TCP', async () => {
  outcome = (query) => found(query, 2_000);
  const target = forwarder();
  const overTcp = await target.answer(encodeQuery('a.test', 'TXT'), 'tcp');
  expect(overTcp!.length).toBeGreaterThan(2_000);
  await target.answer(encodeQuery('a.test', 'TXT'), 'udp');
  expect(asked.map(({ options }) => options.wholeOnly)).toEqual([true, false]);
});

it.each([
  [undefined, 476, false],
  [undefined, 477, true],
  [1232, 1185, false],
  [1232, 1186, true],
])(
  'truncates a response that exceeds the size of a client over UDP: %s, %i bytes',
  async (size, length, isTruncated) => {
    outcome = (query) => found(query, length);
    const fields = size === undefined ? {} : { additionals: [edns(size)] };
    const response = await ask(forwarder(), 'a.test', 'NULL', fields);
    expect(response.isTruncated).toBe(isTruncated);
    expect(response.answers).toHaveLength(isTruncated ? 0 : 1);
  },
);

it('ignores responses, and refuses malformed queries', async () => {
  const query = encodeQuery('a.test', 'A');
  query[2] = 0x80;
  expect(await forwarder().answer(query, 'udp')).toBeUndefined();
  const malformed = await forwarder().answer(encodeQuery('a.test', 'A').slice(0, 15), 'udp');
  expect(rcodeOf(malformed!)).toBe(1);
  expect(asked).toEqual([]);
});

describe('names with fixed addresses', () => {
  it('are answered locally, with the addresses of the family', async () => {
    const target = forwarder({ hosts: HOSTS });
    const { answers, id } = await ask(target, 'Camera.test', 'A', { id: 5 });
    expect(id).toBe(5);
    expect(answers?.map((record) => 'data' in record && record.data)).toEqual([
      '192.0.2.7',
      '192.0.2.8',
    ]);
    expect(answers?.[0]).toMatchObject({ name: 'Camera.test', type: 'A', ttl: 60 });
    const ipv6 = await ask(target, 'camera.test', 'AAAA');
    expect(ipv6.answers).toMatchObject([{ type: 'AAAA', data: 'fd00::7' }]);
    expect(asked).toEqual([]);
  });

  it('have an empty response for a family without an address', async () => {
    const response = await ask(forwarder({ hosts: HOSTS }), 'old.test', 'AAAA');
    expect(response).toMatchObject({ rcode: 'NOERROR', answers: [] });
    expect(asked).toEqual([]);
  });

  it('are found by their addresses', async () => {
    const target = forwarder({ hosts: HOSTS });
    const ipv4 = await ask(target, '7.2.0.192.in-addr.arpa', 'PTR');
    expect(ipv4.answers).toMatchObject([{ data: 'camera.test' }, { data: 'old.test' }]);
    const nibbles = `7${'.0'.repeat(29)}.d.f.ip6.arpa`;
    expect((await ask(target, nibbles, 'PTR')).answers).toMatchObject([{ data: 'camera.test' }]);
    expect(asked).toEqual([]);
  });

  it('are looked up by the name servers for other types, classes and names', async () => {
    const target = forwarder({ hosts: HOSTS });
    await ask(target, 'camera.test', 'MX');
    await ask(target, 'a.camera.test', 'A');
    await ask(target, '9.2.0.192.in-addr.arpa', 'PTR');
    const chaos = [{ name: 'camera.test', type: 'A' as const, class: 'CH' as const }];
    await ask(target, 'camera.test', 'A', { questions: chaos });
    expect(asked).toHaveLength(4);
  });
});

describe('if no name server responds', () => {
  it('uses the fallback addresses, which is logged once', async () => {
    const target = forwarder({ fallbackHosts: HOSTS });
    expect((await ask(target, 'old.test')).answers).toHaveLength(1);
    await ask(target, 'old.test');
    expect(asked).toHaveLength(2);
    expect(log.messages('warn')).toEqual([FALLBACK_NOTE]);
  });

  it('answers other names with SERVFAIL', async () => {
    expect(await ask(forwarder({ fallbackHosts: HOSTS }), 'a.test')).toMatchObject({
      rcode: 'SERVFAIL',
      questions: [{ name: 'a.test' }],
    });
    expect(log.messages('warn')).toEqual([]);
  });

  it('does not use the fallback after a response', async () => {
    outcome = (query) => ({ ...found(query), bytes: buildResponse(query, 3, []) }) as DnsOutcome;
    expect(await ask(forwarder({ fallbackHosts: HOSTS }), 'old.test')).toMatchObject({
      rcode: 'NXDOMAIN',
    });
  });
});

it('answers with SERVFAIL if the tunnel fails', async () => {
  outcome = () => Promise.reject(new Error('the tunnel is closing'));
  expect(await ask(forwarder(), 'a.test')).toMatchObject({ rcode: 'SERVFAIL' });
  expect(log.lines).toMatchObject([
    { level: 'debug', fields: { reason: 'the tunnel is closing' } },
  ]);
});

it.each(['AXFR', 'IXFR'] as const)('refuses the zone transfer %s', async (type) => {
  expect(await ask(forwarder(), 'a.test', type)).toMatchObject({ rcode: 'NOTIMP' });
  expect(asked).toEqual([]);
});

describe('a query without a response', () => {
  beforeEach(() => {
    outcome = () => new Promise(() => undefined);
  });

  it('gets SERVFAIL after 5 s, and stops waiting', async () => {
    const target = forwarder();
    const response = ask(target, 'a.test');
    expect(target.pending).toBe(1);
    clock.advance(4_999);
    expect(asked[0]?.options.signal?.aborted).toBe(false);
    clock.advance(1);
    expect(await response).toMatchObject({ rcode: 'SERVFAIL' });
    expect(asked[0]?.options.signal?.aborted).toBe(true);
    expect(target.pending).toBe(0);
    expect(clock.armed).toBe(0);
  });

  it('leaves room for 511 others; further queries get SERVFAIL at once', async () => {
    const target = forwarder();
    const waiting = Array.from({ length: 512 }, () => ask(target, 'a.test'));
    expect(target.pending).toBe(512);
    expect(await ask(target, 'a.test')).toMatchObject({ rcode: 'SERVFAIL' });
    expect(asked).toHaveLength(512);
    target.close();
    await Promise.all(waiting);
    expect(target.pending).toBe(0);
  });

  it('gets SERVFAIL when the listener closes, as does a later query', async () => {
    const target = forwarder();
    const response = ask(target, 'a.test');
    target.close();
    expect(await response).toMatchObject({ rcode: 'SERVFAIL' });
    expect(await ask(target, 'a.test')).toMatchObject({ rcode: 'SERVFAIL' });
    expect(asked).toHaveLength(1);
    expect(clock.armed).toBe(0);
  });
});

it('counts queries, those that failed, and messages that are not queries', async () => {
  const target = forwarder();
  expect(target.counters).toEqual({ requests: 0, failures: 0, active: 0 });
  await target.answer(new Uint8Array(3), 'udp');
  await ask(target, 'silent.test');
  outcome = (query) => found(query);
  await ask(target, 'a.test');
  outcome = () => new Promise(() => undefined);
  const waiting = ask(target, 'waits.test');
  expect(target.counters).toEqual({
    requests: 3,
    failures: 1,
    active: 1,
    dropped: { malformed: 1 },
  });
  target.close();
  await waiting;
  expect(target.counters).toMatchObject({ failures: 2, active: 0 });
});

it('refuses queries while the traffic budget is used up', async () => {
  outcome = () => Promise.reject(new DialError('over-budget', 'used up'));
  const target = forwarder({ hosts: HOSTS });
  expect(await ask(target, 'a.test')).toMatchObject({ rcode: 'REFUSED', answers: [] });
  expect(target.counters).toMatchObject({ requests: 1, failures: 1 });
  expect(await ask(target, 'camera.test')).toMatchObject({ rcode: 'NOERROR' });
  outcome = () => Promise.reject(new DialError('no-handshake', 'silent'));
  expect(await ask(target, 'a.test')).toMatchObject({ rcode: 'SERVFAIL' });
});
