import { createSocket } from 'node:dgram';
import { jest } from '@jest/globals';
import { decode, encode, type StringAnswer } from 'dns-packet';
import { execFileSync } from 'node:child_process';

import {
  type AddressRecord,
  createResolver,
  nameServerRecords,
  type ResolverSources,
  systemResolver,
  networkFault,
} from '../../../src/system/network/resolver.js';
import { abortListeners } from '../../support/abort-listeners.js';
import { REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

const never = new Promise<never>(() => undefined);

interface Fake {
  readonly lookup: Promise<readonly { readonly address: string }[]>;
  readonly records?: Promise<readonly AddressRecord[]>;
  readonly fault?: Error;
}

function setUp({ lookup, records = never, fault }: Fake) {
  let stopped = 0;
  let asked = 0;
  const sources: ResolverSources = {
    lookup: () => lookup,
    networkFault: () => Promise.resolve(fault),
    records: () => {
      asked++;
      return { answer: records, stop: () => stopped++ };
    },
  };
  // The rejection is for the resolver; it is no error that it happens before a caller waits.
  lookup.catch(() => undefined);
  records.catch(() => undefined);
  return { resolver: createResolver(sources), stopped: () => stopped, asked: () => asked };
}

const found = (...addresses: string[]) =>
  Promise.resolve(addresses.map((address) => ({ address })));
const record = (address: string, ttl: number) => ({ address, ttl });

it.each(['192.0.2.1', '2001:db8::1'])(
  'returns %s as its own address, without expiry',
  async (host) => {
    const { resolver } = setUp({ lookup: Promise.reject(new Error('no query was expected')) });
    expect(await resolver.resolve(host)).toEqual({ addresses: [host], ttl: Infinity });
  },
);

it('returns the system’s addresses in order, with the shortest TTL of them', async () => {
  const { resolver, stopped } = setUp({
    lookup: found('192.0.2.2', '2001:db8::1', '192.0.2.1'),
    records: Promise.resolve([
      record('192.0.2.1', 300),
      record('2001:db8::1', 20),
      record('192.0.2.2', 60),
      record('192.0.2.9', 1),
    ]),
  });
  expect(await resolver.resolve('arc.example')).toEqual({
    addresses: ['192.0.2.2', '2001:db8::1', '192.0.2.1'],
    ttl: 20_000,
  });
  expect(stopped()).toBe(1);
});

it.each([
  ['/etc/hosts has another address', [record('192.0.2.9', 5)]],
  ['DNS has none', []],
])('ignores the TTL of DNS if %s', async (_case, records) => {
  const { resolver } = setUp({
    lookup: found('192.0.2.1', '192.0.2.2'),
    records: Promise.resolve(records),
  });
  expect((await resolver.resolve('arc.example')).ttl).toBe(60_000);
});

it('uses the shortest TTL of the addresses in DNS, even if DNS lacks some', async () => {
  const { resolver } = setUp({
    lookup: found('192.0.2.1', '192.0.2.2', '192.0.2.3'),
    records: Promise.resolve([record('192.0.2.1', 7), record('192.0.2.2', 5)]),
  });
  expect((await resolver.resolve('arc.example')).ttl).toBe(5_000);
});

it.each(['arc.local', 'Arc.LOCAL.'])('queries no name server for %s (RFC 6762 3)', async (host) => {
  const { resolver, asked } = setUp({ lookup: found('192.0.2.1') });
  expect(await resolver.resolve(host)).toEqual({ addresses: ['192.0.2.1'], ttl: 60_000 });
  expect(asked()).toBe(0);
});

it('uses the default TTL if DNS fails', async () => {
  const { resolver } = setUp({
    lookup: found('192.0.2.1'),
    records: Promise.reject(new Error('ECONNREFUSED')),
  });
  expect((await resolver.resolve('arc.example')).ttl).toBe(60_000);
});

it('fails as the system does, and sends no query', async () => {
  const error = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
  const { resolver, stopped } = setUp({ lookup: Promise.reject(error) });
  await expect(resolver.resolve('arc.example')).rejects.toBe(error);
  expect(stopped()).toBe(1);
});

it('reports that the network is down if the name is not found for that reason', async () => {
  const error = Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN' });
  const fault = Object.assign(new Error('no route'), { code: 'ENETUNREACH' });
  const { resolver } = setUp({ lookup: Promise.reject(error), fault });
  await expect(resolver.resolve('arc.example')).rejects.toBe(fault);
});

describe('in virtual time', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('waits a tenth of a second for the TTL', async () => {
    const { resolver, stopped } = setUp({ lookup: found('192.0.2.1') });
    const resolving = resolver.resolve('arc.example');
    let isOver = false;
    void resolving.then(() => (isOver = true));
    await jest.advanceTimersByTimeAsync(99);
    expect(isOver).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(await resolving).toEqual({ addresses: ['192.0.2.1'], ttl: 60_000 });
    expect(stopped()).toBe(1);
  });

  it('gives up after 20 s', async () => {
    const { resolver, stopped } = setUp({ lookup: never });
    const failure = resolver.resolve('arc.example').catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(20_000);
    expect(await failure).toMatchObject({
      code: 'ETIMEDOUT',
      message: 'the resolver did not answer for arc.example within 20 s',
    });
    expect(stopped()).toBe(1);
  });
});

it.each<[string, Fake]>([
  ['during the system lookup', { lookup: never }],
  ['during the TTL query', { lookup: found('192.0.2.1') }],
])('leaves no timer running when it is stopped %s', async (_case, fake) => {
  jest.useFakeTimers();
  try {
    const { resolver, stopped } = setUp(fake);
    const controller = new AbortController();
    const reason = new Error('closed');
    const failure = resolver
      .resolve('arc.example', controller.signal)
      .catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(1);
    controller.abort(reason);
    expect(await failure).toBe(reason);
    expect(jest.getTimerCount()).toBe(0);
    expect(stopped()).toBe(1);
  } finally {
    jest.useRealTimers();
  }
});

it('sends no query if it was stopped before', async () => {
  const { resolver } = setUp({ lookup: found('192.0.2.1') });
  const reason = new Error('closed');
  await expect(resolver.resolve('arc.example', AbortSignal.abort(reason))).rejects.toBe(reason);
});

it('finds the names of /etc/hosts', async () => {
  const { addresses, ttl } = await systemResolver.resolve('localhost');
  expect(addresses.some((address) => ['127.0.0.1', '::1'].includes(address))).toBe(true);
  expect(ttl).toBeGreaterThanOrEqual(0);
  expect(ttl).toBeLessThan(Infinity);
});

it('queries name servers for both kinds of records', async () => {
  const server = createSocket('udp4');
  const data: Record<string, StringAnswer[]> = {
    A: [{ type: 'A', name: 'arc.example', ttl: 30, data: '192.0.2.1' }],
    AAAA: [{ type: 'AAAA', name: 'arc.example', ttl: 90, data: '2001:db8::1' }],
  };
  server.on('message', (bytes, from) => {
    const { id, questions = [] } = decode(bytes);
    const answers = data[questions[0]!.type] ?? [];
    server.send(encode({ type: 'response', id: id ?? 0, questions, answers }), from.port);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  const asking = nameServerRecords('arc.example', [`127.0.0.1:${server.address().port}`]);
  const records = await asking.answer;
  asking.stop();
  expect(records).toEqual([
    expect.objectContaining(record('192.0.2.1', 30)),
    expect.objectContaining(record('2001:db8::1', 90)),
  ]);
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

it('returns the answers so far when it is stopped', async () => {
  const silent = createSocket('udp4');
  await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve));
  const asking = nameServerRecords('arc.example', [`127.0.0.1:${silent.address().port}`]);
  asking.stop();
  expect(await asking.answer).toEqual([]);
  await new Promise<void>((resolve) => silent.close(() => resolve()));
});

it('leaves no listener on the signal of its callers', async () => {
  const stop = new AbortController();
  const known = setUp({ lookup: found('192.0.2.1') }).resolver;
  const unknown = setUp({ lookup: Promise.reject(new Error('ENOTFOUND')) }).resolver;
  for (let count = 0; count < 5; count++) {
    await known.resolve('arc.example', stop.signal);
    await expect(unknown.resolve('arc.example', stop.signal)).rejects.toThrow('ENOTFOUND');
  }
  expect(abortListeners(stop)).toBe(0);
});

it('counts neither a local stub nor a name as a server on a network', async () => {
  await expect(networkFault(['127.0.0.53', 'dns.example'])).resolves.toEqual(
    await networkFault([]),
  );
});

describeWith(['root', 'unshare', 'ip'], 'in a network namespace', () => {
  const script = `
    const { networkFault } = await import('${REPOSITORY}dist/src/system/network/resolver.js');
    const fault = await networkFault(['127.0.0.53', '10.9.9.9']);
    console.log(JSON.stringify(fault && { code: fault.code, message: fault.message }) ?? 'none');`;
  const program = [process.execPath, '--input-type=module', '-e', script];

  function run(...setUp: string[]): string {
    const commands = [...setUp, '"$@"'].join(' && ');
    const parameters = ['-n', 'sh', '-c', commands, 'sh', ...program];
    return execFileSync('unshare', parameters, { encoding: 'utf8' }).trim();
  }

  it('reports no network without a route', () => {
    expect(JSON.parse(run('ip link set lo up'))).toEqual({
      code: 'ENETUNREACH',
      message: 'this machine has no route to the network (connect ENETUNREACH 10.9.9.9:53)',
    });
  });

  it.each(['10.9.9.9', 'default'])('reports a network with a route to %s', (destination) => {
    const veth = 'ip link add name near type veth peer name far';
    const up = ['ip link set near up', 'ip link set far up', 'ip addr add 10.1.0.1/24 dev near'];
    expect(run(veth, ...up, `ip route add ${destination} via 10.1.0.2`)).toBe('none');
  });
});
