import { promisify } from 'node:util';

import type { DatagramChannel } from '../../../src/proxy/datagram-dialer.js';
import { FAR, FAR_IPV6, serveNames, TwoTunnels } from '../../support/pairs/two-tunnels.js';

let world: TwoTunnels;

beforeEach(async () => {
  world = new TwoTunnels();
  await world.open();
  serveNames(world.far, {
    'both.test': [FAR, FAR_IPV6],
    'one.test': [FAR],
    'outside.test': ['192.0.2.1'],
  });
});
afterEach(() => world.close());

const IPV4 = { address: FAR, family: 4 };
const IPV6 = { address: FAR_IPV6, family: 6 };

/** The arguments of the callback. */
function lookup(hostname: string, options?: object | number): Promise<unknown[]> {
  return world.run(
    new Promise((resolve) => {
      const callback = (...outcome: unknown[]): void => resolve(outcome);
      if (options === undefined) world.near.lookup(hostname, callback);
      else world.near.lookup(hostname, options, callback);
    }),
  );
}

it.each([
  ['both.test', undefined, [null, FAR, 4]],
  ['both.test', 6, [null, FAR_IPV6, 6]],
  ['both.test', { family: 'IPv6' }, [null, FAR_IPV6, 6]],
  ['both.test', { family: 4, all: true }, [null, [IPV4]]],
  ['both.test', { all: true }, [null, [IPV4, IPV6]]],
  [FAR_IPV6, {}, [null, FAR_IPV6, 6]],
])('finds %s with %j', async (hostname, options, outcome) => {
  expect(await lookup(hostname, options)).toEqual(outcome);
});

it.each([
  ['none.test', undefined, 'ENOTFOUND', 'no-such-name'],
  ['one.test', 6, 'ENOTFOUND', 'no-such-name'],
  ['localhost', undefined, 'ENOTFOUND', 'no-such-name'],
  ['mute.test', undefined, 'EAI_AGAIN', 'name-unresolved'],
])('does not find %s with %j', async (hostname, options, code, reason) => {
  const [error] = await lookup(hostname, options);
  expect(error).toMatchObject({
    message: `getaddrinfo ${code} ${hostname}`,
    code,
    syscall: 'getaddrinfo',
    hostname,
    cause: { reason },
  });
});

it('has a promise form, including util.promisify()', async () => {
  const { promises } = world.near;
  expect(await world.run(promises.lookup('both.test'))).toEqual(IPV4);
  expect(await world.run(promises.lookup('both.test', { all: true }))).toEqual([IPV4, IPV6]);
  expect(await world.run(promisify(world.near.lookup)('both.test', 6))).toEqual(IPV6);
});

it('is used by connect(), whose error contains the address that failed', async () => {
  const connect = (host: string) => world.error(world.near.connect({ host, port: 81 }));
  expect(await connect('both.test')).toMatchObject({
    code: 'ECONNREFUSED',
    address: FAR,
    port: 81,
  });
  expect(await connect('outside.test')).toMatchObject({
    code: 'ENETUNREACH',
    address: '192.0.2.1',
  });
  expect(await connect('none.test')).toMatchObject({
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
    hostname: 'none.test',
  });
  expect(await connect('mute.test')).toMatchObject({ code: 'EAI_AGAIN' });
});

describe('UDP ports', () => {
  /** The callers of a tunnel have 8,192 UDP ports. Lookups use others, one for each family. */
  const take = (count: number): Promise<DatagramChannel[]> =>
    world.run(
      Promise.all(
        Array.from({ length: count }, () => world.near.datagramDialer.open({ host: FAR, port: 7 })),
      ),
    );

  it('are free again after each lookup, whether found, not found or unanswered', async () => {
    await take(100);
    for (const name of ['one.test', 'none.test', 'mute.test', 'both.test']) await lookup(name);
    expect(await lookup('outside.test')).toEqual([null, '192.0.2.1', 4]);
  });

  it('are there for a lookup even if the callers have used all of theirs', async () => {
    await take(8_192);
    await expect(
      world.run(world.near.datagramDialer.open({ host: FAR, port: 7 })),
    ).rejects.toMatchObject({ reason: 'exhausted' });
    expect(await lookup('one.test')).toEqual([null, FAR, 4]);
  });
});
