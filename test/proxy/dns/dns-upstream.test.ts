import { Duplex } from 'node:stream';

import type { DatagramDialer } from '../../../src/proxy/datagram-dialer.js';
import { DialError } from '../../../src/proxy/dialer.js';
import { emptyResponse, RCODE, withId } from '../../../src/proxy/dns/dns-message.js';
import { DnsUpstream } from '../../../src/proxy/dns/dns-upstream.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { encodeQuery, queryOf } from './queries.js';

const SERVERS = ['100.127.0.53', '100.127.1.53'];
const OPTIONS = { attempts: [2_000, 3_000, 2_000], wholeOnly: false };

/** A server's datagrams in response to a query, or its failure. */
type Server = (query: Uint8Array) => readonly Uint8Array[] | DialError;

let clock: FakeClock;
let servers: Map<string, Server>;
let asked: { readonly host: string; readonly query: Uint8Array; readonly timeouts: number[] }[];
let open: number;
/** The stream's response to the query over TCP; undefined if the server refuses. */
let overTcp: ((query: Uint8Array) => Uint8Array) | undefined;

/** A silent server advances the clock at once. */
const datagrams: DatagramDialer = {
  open: ({ host }) => {
    open++;
    let left: Uint8Array[] = [];
    const timeouts: number[] = [];
    return Promise.resolve({
      maxPayload: 1392,
      send: (bytes) => {
        asked.push({ host, query: bytes, timeouts });
        const given = servers.get(host)?.(bytes) ?? [];
        if (given instanceof DialError) throw given;
        left = [...given];
      },
      receive: (timeout) => {
        timeouts.push(timeout);
        const next = left.shift();
        if (next === undefined) clock.advance(timeout);
        return Promise.resolve(next);
      },
      close: () => open--,
    });
  },
};

beforeEach(() => {
  clock = new FakeClock();
  servers = new Map();
  asked = [];
  open = 0;
  overTcp = undefined;
});
afterEach(() => expect(open).toBe(0));

function stream(): Duplex {
  const duplex: Duplex = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      const response = overTcp?.(Uint8Array.from(chunk.subarray(2))) ?? new Uint8Array(0);
      duplex.push(Buffer.concat([Buffer.from([response.length >> 8, response.length]), response]));
      done();
    },
  });
  return duplex;
}

function upstream(): DnsUpstream {
  const dial = () =>
    overTcp ? Promise.resolve(stream()) : Promise.reject(new DialError('refused', 'no TCP'));
  const entropy = seededEntropy(1);
  return new DnsUpstream({ servers: SERVERS, datagrams, streams: { dial }, clock, entropy });
}

const QUERY = queryOf(encodeQuery('uni.test', 'TXT', { id: 99 }));

/** Responds to any query with a code and flags. */
const answering =
  (rcode = 0, flags = 0): Server =>
  (query) => [response(query, rcode, flags)];

function response(query: Uint8Array, rcode = 0, flags = 0): Uint8Array {
  const bytes = emptyResponse(queryOf(query), rcode);
  bytes[2] = bytes[2]! | flags;
  return bytes;
}

const TRUNCATED = 0x02;

it('sends the query with a random ID, and returns the response with the ID of the query', async () => {
  servers.set(SERVERS[0]!, answering());
  const first = await upstream().ask(QUERY, OPTIONS);
  expect(first).toMatchObject({ kind: 'response', server: SERVERS[0], via: 'udp', duration: 0 });
  expect(first).toMatchObject({ bytes: emptyResponse(QUERY, 0) });
  const [{ query }] = asked as [(typeof asked)[0]];
  expect(query.slice(0, 2)).not.toEqual(QUERY.bytes.slice(0, 2));
  expect(query.slice(2)).toEqual(QUERY.bytes.slice(2));
});

it('ignores datagrams that do not belong to the query, and waits for the rest of the timeout', async () => {
  servers.set(SERVERS[0]!, (query) => {
    const id = queryOf(query).id ^ 1;
    const other = queryOf(withId(encodeQuery('evil.test', 'TXT'), queryOf(query).id));
    return [withId(response(query), id), emptyResponse(other, 0), response(query, 3)];
  });
  const found = await upstream().ask(QUERY, OPTIONS);
  expect(found).toMatchObject({ kind: 'response', bytes: emptyResponse(QUERY, 3) });
  expect(asked[0]?.timeouts).toEqual([2_000, 2_000, 2_000]);
});

it('asks the servers in turn, and reports why none responded', async () => {
  servers.set(SERVERS[1]!, () => new DialError('refused', 'closed'));
  const began = clock.now();
  expect(await upstream().ask(QUERY, OPTIONS)).toEqual({
    kind: 'silent',
    failures: new Map([
      [SERVERS[0], 'does not answer'],
      [SERVERS[1], 'does not accept DNS queries'],
    ]),
  });
  expect(asked.map(({ host }) => host)).toEqual([SERVERS[0], SERVERS[1], SERVERS[0]]);
  expect(clock.now() - began).toBe(4_000);
});

it.each([RCODE.serverFailure, RCODE.refused, RCODE.notImplemented])(
  'asks the other server after code %i, and returns that response if the other is no better',
  async (rcode) => {
    servers.set(SERVERS[0]!, answering(rcode));
    expect(await upstream().ask(QUERY, OPTIONS)).toMatchObject({ server: SERVERS[0] });
    expect(asked.map(({ host }) => host)).toEqual(SERVERS);
    servers.set(SERVERS[1]!, answering());
    expect(await upstream().ask(QUERY, OPTIONS)).toMatchObject({ server: SERVERS[1] });
  },
);

it('does not ask the other server after NXDOMAIN', async () => {
  servers.set(SERVERS[0]!, answering(RCODE.nameError));
  await upstream().ask(QUERY, OPTIONS);
  expect(asked).toHaveLength(1);
});

it('repeats the query over TCP only if the caller needs the whole response', async () => {
  servers.set(SERVERS[0]!, answering(0, TRUNCATED));
  overTcp = (query) => response(query);
  expect(await upstream().ask(QUERY, OPTIONS)).toMatchObject({ via: 'udp' });
  const whole = await upstream().ask(QUERY, { ...OPTIONS, wholeOnly: true });
  expect(whole).toMatchObject({ via: 'tcp', bytes: emptyResponse(QUERY, 0) });
});

it('checks the response over TCP, too', async () => {
  servers.set(SERVERS[0]!, answering(0, TRUNCATED));
  overTcp = (query) => withId(response(query), queryOf(query).id ^ 1);
  expect(await upstream().ask(QUERY, { attempts: [1_000], wholeOnly: true })).toEqual({
    kind: 'silent',
    failures: new Map([[SERVERS[0], 'does not answer over TCP']]),
  });
});

it('sends a query that does not fit into a packet over TCP', async () => {
  overTcp = (query) => response(query);
  const long = queryOf(
    encodeQuery('a.test', 'A', {
      additionals: [{ type: 'TXT', name: 'a.test', data: Buffer.alloc(250) }].concat(
        Array.from({ length: 6 }, () => ({ type: 'TXT', name: 'a.test', data: Buffer.alloc(250) })),
      ) as never,
    }),
  );
  expect(await upstream().ask(long, OPTIONS)).toMatchObject({ via: 'tcp' });
  expect(asked).toEqual([]);
});

it('rejects if the tunnel cannot send queries', async () => {
  servers.set(SERVERS[0]!, () => new DialError('no-handshake', 'silent'));
  await expect(upstream().ask(QUERY, OPTIONS)).rejects.toMatchObject({ reason: 'no-handshake' });
});
