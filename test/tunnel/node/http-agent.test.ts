import { type AgentOptions, createServer, get, type IncomingMessage, request } from 'node:http';
import { get as getSecure } from 'node:https';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

import { Agent, request as undiciRequest } from 'undici';

import {
  FAR,
  FAR_IPV6,
  readText,
  serveNames,
  TwoTunnels,
} from '../../support/pairs/two-tunnels.js';

let world: TwoTunnels;
/** Connections that the server accepted. */
let connections: number;

beforeEach(async () => {
  world = new TwoTunnels();
  await world.open();
  connections = 0;
  const http = createServer((asked, response) => {
    void readText(asked).then((body) => {
      response.end(`${asked.method} ${asked.url} ${asked.headers.host} ${body}`);
    });
  });
  http.keepAliveTimeout = 0;
  world.far.listen({ port: 80 }, (socket) => {
    connections++;
    http.emit('connection', socket);
  });
});
afterEach(() => world.close());

/** The body of the response to a GET request with this agent. */
function getText(path: string, agent: ReturnType<typeof world.near.httpAgent>, host = FAR) {
  return world.run(
    new Promise<string>((resolve, reject) => {
      get({ host, path, agent }, (response) => {
        readText(response).then(resolve, reject);
      }).on('error', reject);
    }),
  );
}

const keepAlive: AgentOptions = { keepAlive: true, maxSockets: 1 };

it('reuses a connection only if keep-alive is on', async () => {
  const agent = world.near.httpAgent(keepAlive);
  expect(await getText('/one', agent)).toBe(`GET /one ${FAR} `);
  expect(await getText('/two', agent)).toBe(`GET /two ${FAR} `);
  expect(connections).toBe(1);
  agent.destroy();
  const once = world.near.httpAgent();
  await getText('/one', once);
  await getText('/two', once);
  expect(connections).toBe(3);
});

it('accepts names and IPv6 addresses', async () => {
  serveNames(world.far, { 'web.test': [FAR] });
  const agent = world.near.httpAgent();
  expect(await getText('/', agent, 'web.test')).toBe('GET / web.test ');
  expect(await getText('/', agent, FAR_IPV6)).toBe(`GET / [${FAR_IPV6}] `);
});

it('sends a body, and a queued request', async () => {
  const agent = world.near.httpAgent(keepAlive);
  const posts = [1, 2].map(
    (number) =>
      new Promise<string>((resolve, reject) => {
        const options = { host: FAR, method: 'POST', path: `/${number}`, agent };
        request(options, (response: IncomingMessage) => {
          readText(response).then(resolve, reject);
        })
          .on('error', reject)
          .end('a'.repeat(10));
      }),
  );
  const texts = await world.run(Promise.all(posts));
  expect(texts).toEqual([1, 2].map((number) => `POST /${number} ${FAR} ${'a'.repeat(10)}`));
  expect(connections).toBe(1);
  agent.destroy();
});

it('fails the request with the connection’s error', async () => {
  const agent = world.near.httpAgent();
  await expect(getText('/', agent, '192.0.2.1')).rejects.toMatchObject({ code: 'ENETUNREACH' });
  await expect(getText('/', agent, 'none.invalid')).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

it.each([
  ['the request', {}, { timeout: 500 }],
  ['the agent', { timeout: 500 }, {}],
])('times out a request as %s specifies', async (_name, ofAgent, ofRequest) => {
  world.far.listen({ port: 8080 }, (socket) => socket.on('error', () => undefined));
  const agent = world.near.httpAgent(ofAgent);
  const asked = get({ host: FAR, port: 8080, agent, ...ofRequest }).on('error', () => undefined);
  await world.event(asked, 'timeout');
  asked.destroy();
});

/** A pre-shared key replaces a certificate. */
const PSK = { identity: 'tester', psk: Buffer.alloc(32, 7) };
const CIPHERS = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
const CLIENT_TLS = {
  ...CIPHERS,
  pskCallback: () => PSK,
  checkServerIdentity: () => undefined,
};

function serveSecurely(): void {
  const options: TlsOptions = { ...CIPHERS, pskCallback: () => PSK.psk };
  const server = createTlsServer(options, (socket) => {
    socket.once('data', () => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret');
    });
  });
  world.far.listen({ port: 443 }, (socket) => server.emit('connection', socket));
}

it('speaks TLS over a connection of the tunnel', async () => {
  serveSecurely();
  const agent = world.near.httpsAgent();
  const text = new Promise<string>((resolve, reject) => {
    getSecure({ host: FAR, agent, ...CLIENT_TLS }, (response) => {
      readText(response).then(resolve, reject);
    }).on('error', reject);
  });
  expect(await world.run(text)).toBe('secret');
  const refused = new Promise((resolve) => {
    getSecure({ host: FAR, port: 444, agent }).on('error', resolve);
  });
  expect(await world.run(refused)).toMatchObject({ code: 'ECONNREFUSED', port: 444 });
});

it('works as the connect function of undici', async () => {
  serveSecurely();
  const dispatcher = new Agent({ connect: world.near.undiciConnector(CLIENT_TLS) });
  const getBody = async (url: string): Promise<string> => {
    const { body } = await undiciRequest(url, { dispatcher });
    return body.text();
  };
  expect(await world.run(getBody(`http://${FAR}/a`))).toBe(`GET /a ${FAR} `);
  expect(await world.run(getBody(`http://[${FAR_IPV6}]/b`))).toBe(`GET /b [${FAR_IPV6}] `);
  expect(await world.run(getBody(`https://${FAR}/`))).toBe('secret');
  const refused = getBody(`http://${FAR}:81/`);
  await expect(world.run(refused)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await world.run(dispatcher.destroy());
});
