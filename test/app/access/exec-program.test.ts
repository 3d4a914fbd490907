import { request } from 'node:http';

import type { AccessOptions } from '../../../src/app/access/access.js';
import { environmentFor, execProgram } from '../../../src/app/access/exec-program.js';
import type { TunnelListeners } from '../../../src/app/status/status-report.js';
import { simUseLine } from '../../../src/app/up/sim-use.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Secret } from '../../../src/lib/secrets/secret.js';
import type { TunnelConfig } from '../../../src/tunnel/tunnel-config.js';
import { FakeClaims } from '../../support/fakes/fake-claims.js';
import { fakeShares } from '../../support/fakes/fake-shares.js';
import { REPORT } from '../../support/fakes/status-report.js';
import { TunnelInMemory } from '../../support/pairs/tunnel-in-memory.js';

it('sets the proxy variables in both spellings', () => {
  const http = 'http://127.0.0.1:1080';
  const socks = 'socks5h://127.0.0.1:1080';
  const local = 'localhost,127.0.0.1,::1';
  expect(environmentFor('127.0.0.1:1080', undefined)).toEqual({
    ...{ http_proxy: http, HTTP_PROXY: http, https_proxy: http, HTTPS_PROXY: http },
    ...{ all_proxy: socks, ALL_PROXY: socks, no_proxy: local, NO_PROXY: local },
    NODE_USE_ENV_PROXY: '1',
    ARCTUN_PROXY_URL: http,
  });
});

it('names the forwarder, if one is open', () => {
  expect(environmentFor('127.0.0.1:1', 'http://127.0.0.1:8888')).toMatchObject({
    ARCTUN_FORWARD_URL: 'http://127.0.0.1:8888',
  });
});

it.each([
  ['0.0.0.0:1080', '127.0.0.1:1080'],
  ['[::]:1080', '[::1]:1080'],
  ['192.0.2.1:1080', '192.0.2.1:1080'],
])('reaches a proxy on %s at %s', (listen, address) => {
  expect(environmentFor(listen, undefined).http_proxy).toBe(`http://${address}`);
});

describe('with a running up', () => {
  const SOCKET = '/run/user/1000/arctun/soratun0.sock';
  const PRIVATE_KEY = new Uint8Array(32).fill(3);
  const crypto = createNodeCrypto();

  /** Runs a program that does what `use` does with its environment. */
  async function exec(
    listeners: TunnelListeners,
    use: (environment: Readonly<Record<string, string>>) => Promise<void>,
  ): Promise<void> {
    const world = new TunnelInMemory(crypto);
    const claims = new FakeClaims();
    const shares = fakeShares();
    const up = { command: 'up', pid: 1234, forward: 'http://127.0.0.1:8888' } as const;
    const name = Buffer.from(crypto.publicKey(PRIVATE_KEY)).toString('hex');
    claims.holders.set(name, () => simUseLine({ ...up, socket: SOCKET }));
    const status = JSON.stringify({ status: { ...REPORT, listeners } });
    shares.connections.sockets.set(SOCKET, `${status}\n`);
    const config = { privateKey: new Secret(PRIVATE_KEY) } as unknown as TunnelConfig;
    const options: Omit<AccessOptions, 'command'> = { config, force: false, pid: 4711, wait: 0 };
    const programs = {
      run: async (_command: readonly string[], environment: Readonly<Record<string, string>>) => {
        await use(environment);
        return 0;
      },
    };
    await execProgram(['true'], options, { ...world.ports, claims, ...shares, programs });
  }

  /** Sends a request through the proxy, and returns the status code. */
  function get(proxy: URL, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = proxy;
      const path = 'http://100.127.69.42/';
      request({ host: hostname, port, path, headers, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .once('error', reject)
        .end();
    });
  }

  it('uses the proxy of the up if it needs no password', async () => {
    const seen: string[] = [];
    await exec({ proxy: '127.0.0.1:1080' }, (environment) => {
      seen.push(environment.http_proxy ?? '', environment.ALL_PROXY ?? '');
      return Promise.resolve();
    });
    expect(seen).toEqual(['http://127.0.0.1:1080', 'socks5h://127.0.0.1:1080']);
  });

  it.each<[string, TunnelListeners]>([
    ['has no proxy', {}],
    ['has a proxy on a Unix socket', { proxy: 'unix:/run/arctun/proxy.sock' }],
    ['has a proxy with a password', { proxy: '127.0.0.1:1080', proxyHasPassword: true }],
  ])('opens a private port with a password if the up %s', async (_case, listeners) => {
    const program = async (environment: Readonly<Record<string, string>>) => {
      const proxy = new URL(environment.http_proxy ?? '');
      expect(proxy).toMatchObject({ hostname: '127.0.0.1', username: 'arctun' });
      expect(proxy.port).not.toBe('1080');
      expect(proxy.password).toMatch(/^[0-9a-f]{32}$/);
      expect(environment.all_proxy).toBe(`socks5h://arctun:${proxy.password}@${proxy.host}`);
      expect(proxy.password).not.toMatch(/^(..)\1+$/);
      const basic = Buffer.from(`arctun:${proxy.password}`).toString('base64');
      // No process listens at the socket of this `up`.
      expect(await get(proxy, { 'proxy-authorization': `Basic ${basic}` })).toBe(503);
      expect(await get(proxy)).toBe(407);
    };
    await exec(listeners, program);
    expect.assertions(7);
  });
});
