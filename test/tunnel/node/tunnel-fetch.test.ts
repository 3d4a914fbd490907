import { createServer } from 'node:http';

import { UserError } from '../../../src/lib/errors/user-error.js';
import { TunnelFetch } from '../../../src/tunnel/node/tunnel-fetch.js';
import { FAR, readText, serveNames, TwoTunnels } from '../../support/pairs/two-tunnels.js';

describe('fetch() of a tunnel', () => {
  let world: TwoTunnels;
  let connections: number;

  beforeEach(async () => {
    world = new TwoTunnels();
    await world.open();
    connections = 0;
    const http = createServer((asked, response) => {
      void readText(asked).then((body) => {
        response.writeHead(201, { 'X-Path': asked.url });
        response.end(`${asked.method} ${asked.headers.host} ${body}`);
      });
    });
    http.keepAliveTimeout = 0;
    world.far.listen({ port: 80 }, (socket) => {
      connections++;
      http.emit('connection', socket);
    });
  });
  afterEach(() => world.close());

  const textOf = async (...request: Parameters<typeof world.near.fetch>) => {
    const response = await world.near.fetch(...request);
    return `${response.status} ${response.headers.get('x-path')} ${await response.text()}`;
  };

  it('requests URLs inside the tunnel, by address and by name, over kept connections', async () => {
    serveNames(world.far, { 'web.test': [FAR] });
    const first = await world.run(textOf(`http://${FAR}/one`));
    expect(first).toBe(`201 /one GET ${FAR} `);
    // undici uses the connection again only after it has read the end of the response.
    await world.pass(100);
    const url = new URL(`http://${FAR}/two`);
    const second = await world.run(textOf(url, { method: 'POST', body: 'x'.repeat(5) }));
    expect(second).toBe(`201 /two POST ${FAR} xxxxx`);
    expect(connections).toBe(1);
    expect(await world.run(textOf('http://web.test/'))).toBe('201 / GET web.test ');
  });

  it('does not use a kept connection after the process was frozen', async () => {
    let now = 1e12;
    const connect = () => world.near.undiciConnector();
    const frozen = new TunnelFetch(
      connect,
      () => import('undici'),
      () => now,
    );
    const get = async () => (await frozen.fetch(`http://${FAR}/`)).text();
    await world.run(get());
    now += 4_000;
    await world.pass(100);
    await world.run(get());
    expect(connections).toBe(1);
    now += 4_001;
    await world.pass(100);
    await world.run(get());
    expect(connections).toBe(2);
    await frozen.close();
  });

  it('lets a running request end after the process was frozen', async () => {
    let now = 1e12;
    const connect = () => world.near.undiciConnector();
    const frozen = new TunnelFetch(
      connect,
      () => import('undici'),
      () => now,
    );
    const response = await world.run(frozen.fetch(`http://${FAR}/`, { method: 'POST', body: 'x' }));
    now += 60_000;
    await world.run(frozen.fetch(`http://${FAR}/`));
    expect(await world.run(response.text())).toBe(`POST ${FAR} x`);
    await frozen.close();
  });

  it('fails with the reason of the connection', async () => {
    const failed = world.near.fetch('http://192.0.2.1/').catch((error: unknown) => error);
    expect(await world.run(failed)).toMatchObject({
      name: 'TypeError',
      cause: { code: 'ENETUNREACH' },
    });
  });

  it('can be aborted', async () => {
    world.far.listen({ port: 81 });
    const signal = AbortSignal.abort();
    const aborted = world.near.fetch(`http://${FAR}:81/`, { signal }).catch((e: unknown) => e);
    expect(await world.run(aborted)).toMatchObject({ name: 'AbortError' });
  });
});

it('says what to install if undici is missing', async () => {
  const missing = new TunnelFetch(
    () => () => undefined,
    () => Promise.reject(new Error('Cannot find package')),
  );
  const failure = await missing.fetch('http://a.test/').catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(UserError);
  expect(failure).toMatchObject({ next: ['Install it with "npm install undici@7".'] });
  await missing.close();
});
