import dnsPacket from 'dns-packet';

import type { DatagramDialer } from '../../../src/proxy/datagram-dialer.js';
import { DialError } from '../../../src/proxy/dialer.js';
import { FALLBACK_NOTE } from '../../../src/proxy/dns/host-names.js';
import { NameDialer } from '../../../src/tunnel/names/name-dialer.js';
import { NameResolver, NameCache } from '../../../src/tunnel/names/name-resolver.js';
import { abortListeners } from '../../support/abort-listeners.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';

const SERVERS = ['100.127.0.53', '100.127.1.53'];

/**
 * The server's reaction to a question: an answer, silence (undefined), or a failure of the dialer.
 */
type Server = (question: Buffer) => Uint8Array | DialError | undefined;

let clock: FakeClock;
let log: RecordingLog;
let start: number;
let asked: string[];
/** The number of open channels. */
let open: number;
let servers: Map<string, Server>;
let resolver: NameResolver;

/** Silence advances the clock at once. */
const datagrams: DatagramDialer = {
  open: ({ host }) => {
    asked.push(host);
    let answer: Uint8Array | undefined;
    const refusal = servers.get(host)?.(Buffer.alloc(0));
    if (refusal instanceof DialError) return Promise.reject(refusal);
    open++;
    return Promise.resolve({
      maxPayload: 1392,
      send: (bytes) => {
        const given = servers.get(host)?.(Buffer.from(bytes));
        answer = given instanceof DialError ? undefined : given;
      },
      receive: (timeout) => {
        if (answer === undefined) clock.advance(timeout);
        return Promise.resolve(answer);
      },
      close: () => {
        open--;
      },
    });
  },
};

// Each channel holds a UDP port of the tunnel: if 1,024 stayed open, every lookup would fail.
afterEach(() => expect(open).toBe(0));

beforeEach(() => {
  clock = new FakeClock();
  log = new RecordingLog();
  start = clock.now();
  asked = [];
  open = 0;
  servers = new Map();
  resolver = new NameResolver({
    servers: SERVERS,
    types: ['A'],
    datagrams,
    streams: { dial: () => Promise.reject(new DialError('refused', 'no TCP')) },
    clock,
    log,
    entropy: seededEntropy(1),
  });
});

function answering(...addresses: string[]): Server {
  return (bytes) => {
    if (bytes.length === 0) return undefined;
    const { id, questions = [] } = dnsPacket.decode(bytes);
    const { name } = questions[0]!;
    const answers = addresses.map((data) => ({ type: 'A', name, data, ttl: 60 }) as const);
    const flags = addresses.length > 0 ? 0 : 3;
    return dnsPacket.encode({ type: 'response', id, flags, questions, answers });
  };
}

function failing(reason: 'no-route' | 'no-handshake'): Server {
  return () => new DialError(reason, `because ${reason}`);
}

it('asks once for concurrent lookups, and again after the TTL', async () => {
  servers.set(SERVERS[0]!, answering('100.127.69.42'));
  const [one, two] = await Promise.all([
    resolver.resolve('One.test.'),
    resolver.resolve('one.test'),
  ]);
  expect([one, two]).toEqual([['100.127.69.42'], ['100.127.69.42']]);
  await resolver.resolve('one.test');
  expect(asked).toHaveLength(1);
  clock.advance(60_000);
  await resolver.resolve('one.test');
  expect(asked).toHaveLength(2);
});

it('asks the other server if one is silent or unreachable', async () => {
  servers.set(SERVERS[1]!, answering('100.127.69.42'));
  await resolver.resolve('one.test');
  expect(clock.now() - start).toBe(2_000);
  servers.set(SERVERS[0]!, failing('no-route'));
  await resolver.resolve('two.test');
  expect(clock.now() - start).toBe(2_000);
  expect(asked).toEqual([...SERVERS, ...SERVERS]);
});

it('skips answers to other questions, without extending the timeout', async () => {
  const truth = answering('100.127.69.42');
  let count = 0;
  const lying: DatagramDialer = {
    open: () => {
      let question = Buffer.alloc(0);
      return Promise.resolve({
        maxPayload: 1392,
        send: (bytes) => void (question = Buffer.from(bytes)),
        receive: () => {
          clock.advance(100);
          const bytes = Buffer.from(truth(question) as Uint8Array);
          // Another ID.
          if (++count % 4 !== 0) bytes[0] = bytes[0]! ^ 1;
          return Promise.resolve(bytes);
        },
        close: () => undefined,
      });
    },
  };
  const streams = { dial: () => Promise.reject(new DialError('refused', 'no TCP')) };
  const entropy = seededEntropy(1);
  const options = { servers: SERVERS, types: ['A'] as const, streams, clock, entropy, log };
  resolver = new NameResolver({ ...options, datagrams: lying });
  expect(await resolver.resolve('one.test')).toEqual(['100.127.69.42']);
  expect(clock.now() - start).toBe(400);

  const endless = {
    ...lying,
    open: (...given: Parameters<typeof lying.open>) => {
      count = NaN;
      return lying.open(...given);
    },
  };
  resolver = new NameResolver({ ...options, datagrams: endless });
  await expect(resolver.resolve('two.test')).rejects.toMatchObject({ reason: 'name-unresolved' });
  expect(clock.now() - start).toBe(400 + 10_000);
});

it('gives up after 10 s, and names the silent servers', async () => {
  await expect(resolver.resolve('one.test')).rejects.toMatchObject({
    reason: 'name-unresolved',
    message:
      'cannot look up one.test: name server 100.127.0.53 does not answer, ' +
      'name server 100.127.1.53 does not answer',
  });
  expect(clock.now() - start).toBe(10_000);
});

it('gives up at once if no server is within the allowed IPs', async () => {
  for (const server of SERVERS) servers.set(server, failing('no-route'));
  await expect(resolver.resolve('one.test')).rejects.toMatchObject({ reason: 'name-unresolved' });
  expect(clock.now() - start).toBe(0);
  expect(asked).toEqual(SERVERS);
});

it('closes the channel of a question that it cannot send', async () => {
  const channel = await datagrams.open({ host: SERVERS[0]!, port: 53 });
  const refusing: DatagramDialer = {
    open: () =>
      Promise.resolve({
        ...channel,
        send: () => {
          throw new DialError('exhausted', 'too many datagrams are waiting to be sent');
        },
      }),
  };
  const streams = { dial: () => Promise.reject(new DialError('refused', 'no TCP')) };
  const options = {
    servers: SERVERS,
    types: ['A'] as const,
    clock,
    log,
    entropy: seededEntropy(1),
  };
  resolver = new NameResolver({ ...options, streams, datagrams: refusing });
  await expect(resolver.resolve('one.test')).rejects.toMatchObject({ reason: 'exhausted' });
  expect(open).toBe(0);
});

it('reports the tunnel’s reason if the tunnel does not work', async () => {
  servers.set(SERVERS[0]!, failing('no-handshake'));
  await expect(resolver.resolve('one.test')).rejects.toMatchObject({ reason: 'no-handshake' });
  expect(asked).toHaveLength(1);
});

it('queries a silent server over TCP once, however often its datagrams are truncated', async () => {
  const truncated: Server = (bytes) => {
    if (bytes.length === 0) return undefined;
    const { id, questions = [] } = dnsPacket.decode(bytes);
    const flags = dnsPacket.TRUNCATED_RESPONSE;
    return dnsPacket.encode({ type: 'response', id, flags, questions });
  };
  for (const server of SERVERS) servers.set(server, truncated);
  const streams = {
    dial: (_target: unknown, signal?: AbortSignal) =>
      new Promise<never>((_resolve, reject) => {
        signal!.addEventListener('abort', () => reject(signal!.reason as Error));
        setImmediate(() => clock.advance(20_000));
      }),
  };
  const entropy = seededEntropy(1);
  resolver = new NameResolver({
    servers: SERVERS,
    types: ['A'],
    datagrams,
    streams,
    clock,
    log,
    entropy,
  });
  await expect(resolver.resolve('one.test')).rejects.toMatchObject({
    reason: 'name-unresolved',
    message: expect.stringContaining('100.127.1.53 does not answer over TCP') as string,
  });
  expect(asked).toEqual(SERVERS);
});

it.each([
  'localhost',
  'x.LOCALHOST.',
  'printer.local',
  'a.invalid',
  'x.onion',
  'a..b',
  '',
  'é.test',
])('sends no query for %j', async (name) => {
  await expect(resolver.resolve(name)).rejects.toMatchObject({ reason: 'no-such-name' });
  expect(asked).toEqual([]);
});

it('is aborted by its signal and by the end of the tunnel', async () => {
  const reason = new Error('gone');
  await expect(resolver.resolve('one.test', AbortSignal.abort(reason))).rejects.toBe(reason);
  resolver.close();
  await expect(resolver.resolve('two.test')).rejects.toMatchObject({ reason: 'closed' });
});

it('leaves no listener on the signal of a lookup, found or not', async () => {
  const stop = new AbortController();
  servers.set(SERVERS[0]!, answering('100.127.69.42'));
  for (let count = 0; count < 20; count++) await resolver.resolve(`n${count}.test`, stop.signal);
  servers.clear();
  await expect(resolver.resolve('none.test', stop.signal)).rejects.toThrow('cannot look up');
  expect(abortListeners(stop)).toBe(0);
});

it('dials the addresses of a name in order, and reports the first failure', async () => {
  servers.set(SERVERS[0]!, answering('192.0.2.1', '100.127.69.42'));
  const dialled: string[] = [];
  const dialer = new NameDialer(
    resolver,
    {
      dial: ({ host }) => {
        dialled.push(host);
        const reason = host === '192.0.2.1' ? 'no-route' : 'refused';
        return Promise.reject(new DialError(reason, `${host} says no`));
      },
    },
    clock,
  );
  await expect(dialer.dial({ host: 'one.test', port: 80 })).rejects.toMatchObject({
    reason: 'no-route',
    message: 'one.test: 192.0.2.1 says no',
  });
  expect(dialled).toEqual(['192.0.2.1', '100.127.69.42']);
});

describe('names with fixed addresses', () => {
  const withHosts = (hosts: object) =>
    new NameResolver({
      servers: SERVERS,
      types: ['A'],
      datagrams,
      streams: { dial: () => Promise.reject(new DialError('refused', 'no TCP')) },
      clock,
      entropy: seededEntropy(1),
      log,
      ...hosts,
    });
  const addresses = new Map([['uni.test', ['192.0.2.1', '192.0.2.2']]]);

  it('are not asked for', async () => {
    resolver = withHosts({ hosts: new Map([...addresses, ['printer.local', ['192.0.2.9']]]) });
    expect(await resolver.resolve('Uni.test.')).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(await resolver.resolve('printer.local')).toEqual(['192.0.2.9']);
    expect(asked).toEqual([]);
  });

  it('are a fallback if no name server answers, which is logged once', async () => {
    resolver = withHosts({ fallbackHosts: new Map([...addresses, ['b.test', ['192.0.2.3']]]) });
    expect(await resolver.resolve('uni.test')).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(await resolver.resolve('b.test')).toEqual(['192.0.2.3']);
    expect(log.messages('warn')).toEqual([FALLBACK_NOTE]);
    await expect(resolver.resolve('other.test')).rejects.toMatchObject({
      reason: 'name-unresolved',
    });
  });

  it('are used for a minute without asking again', async () => {
    resolver = withHosts({ fallbackHosts: addresses });
    await resolver.resolve('uni.test');
    asked.length = 0;
    servers.set(SERVERS[0]!, answering('192.0.2.7'));
    expect(await resolver.resolve('uni.test')).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(asked).toEqual([]);
    clock.advance(60_000);
    expect(await resolver.resolve('uni.test')).toEqual(['192.0.2.7']);
  });

  it('are no fallback if a name server answers, even that the name does not exist', async () => {
    resolver = withHosts({ fallbackHosts: addresses });
    servers.set(SERVERS[0]!, answering());
    await expect(resolver.resolve('uni.test')).rejects.toMatchObject({ reason: 'no-such-name' });
    servers.set(SERVERS[0]!, answering('192.0.2.7'));
    expect(await resolver.resolve('uni.test')).toEqual(['192.0.2.7']);
    expect(log.lines).toEqual([]);
  });

  it('are no fallback if the tunnel is down', async () => {
    resolver = withHosts({ fallbackHosts: addresses });
    servers.set(SERVERS[0]!, () => new DialError('no-handshake', 'silent'));
    await expect(resolver.resolve('uni.test')).rejects.toMatchObject({ reason: 'no-handshake' });
  });
});

it('keeps a name for its TTL, but at most for an hour', () => {
  const cache = new NameCache();
  cache.set('a', ['10.0.0.1'], 1_000, 0);
  cache.set('b', [], 86_400_000, 0);
  cache.set('c', ['10.0.0.1'], 0, 0);
  expect(cache.get('a', 999)).toEqual(['10.0.0.1']);
  expect(cache.get('a', 1_000)).toBeUndefined();
  expect(cache.get('b', 3_599_999)).toEqual([]);
  expect(cache.get('b', 3_600_000)).toBeUndefined();
  expect(cache.get('c', 0)).toBeUndefined();
});

it('keeps 1,024 names, and evicts the least recently used one', () => {
  const cache = new NameCache();
  for (let index = 0; index < 1024; index++) cache.set(`n${index}`, [], 1_000, 0);
  cache.get('n0', 0);
  cache.set('new', [], 1_000, 0);
  expect(cache.size).toBe(1024);
  expect(cache.get('n0', 0)).toEqual([]);
  expect(cache.get('n1', 0)).toBeUndefined();
});
