import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { exchange, failureOf as kindOf } from '../../../src/soracom/client/transport.js';
import { TransportError } from '../../../src/soracom/client/transport-error.js';
import { json, RecordingServer } from '../recording-server.js';

const DEADLINES = { connect: 1000, whole: 2000 };
const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

let saved: Record<string, string | undefined>;
beforeEach(() => {
  saved = Object.fromEntries(PROXY_VARIABLES.map((name) => [name, process.env[name]]));
  for (const name of PROXY_VARIABLES) Reflect.deleteProperty(process.env, name);
});
afterEach(() => {
  for (const [name, value] of Object.entries(saved)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
});

const post = (url: string, deadlines = DEADLINES) =>
  exchange({ method: 'POST', url, headers: {}, body: '{}' }, deadlines);

async function failureOf(promise: Promise<unknown>): Promise<TransportError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (error instanceof TransportError) return error;
  throw new Error('no TransportError');
}

async function listen(onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer(onConnection);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

it.each(['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'])(
  'does not send requests for this machine through %s',
  async (name) => {
    const proxy = await RecordingServer.start({});
    const direct = await RecordingServer.start({ 'POST /v1/auth': json('direct') });
    process.env[name] = proxy.url;
    for (const host of ['127.0.0.1', 'localhost']) {
      const { body } = await post(`${direct.url.replace('127.0.0.1', host)}/v1/auth`);
      expect(body).toBe('"direct"');
    }
    expect(proxy.requests).toEqual([]);
    await proxy.close();
    await direct.close();
  },
);

it('does not follow redirects', async () => {
  const other = await RecordingServer.start({});
  const server = await RecordingServer.start({
    'POST /v1/auth': (response) => response.writeHead(307, { Location: `${other.url}/` }).end(),
  });
  expect((await post(`${server.url}/v1/auth`)).status).toBe(307);
  expect(other.requests).toEqual([]);
  await server.close();
  await other.close();
});

describe('https through HTTPS_PROXY', () => {
  it('is tunneled by CONNECT, so that the proxy sees only TLS', async () => {
    const seen: string[] = [];
    let tunnelled: Buffer = Buffer.alloc(0);
    const proxy = await listen((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (head) => {
        seen.push(head.toString('latin1'));
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        socket.once('data', (bytes) => {
          tunnelled = bytes;
          socket.destroy();
        });
      });
    });
    process.env.HTTPS_PROXY = `http://user:pass@127.0.0.1:${portOf(proxy)}`;
    const error = await failureOf(post('https://api.invalid/v1/auth'));
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatch(/^CONNECT api\.invalid:443 HTTP\/1\.1\r\n/);
    expect(seen[0]).toMatch(/Proxy-Authorization: Basic dXNlcjpwYXNz/i);
    // RFC 8446 section 5.1: a record of type handshake.
    expect(tunnelled[0]).toBe(22);
    expect(error).toMatchObject({ failure: 'connection', sent: false });
    await new Promise((resolve) => proxy.close(resolve));
  });

  it('reports that the proxy refuses: the API did not get the request', async () => {
    const proxy = await listen((socket) => {
      socket.on('error', () => undefined);
      socket
        .resume()
        .end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
    });
    process.env.HTTPS_PROXY = `http://127.0.0.1:${portOf(proxy)}`;
    const error = await failureOf(post('https://api.invalid/v1/auth'));
    expect(error).toMatchObject({ failure: 'proxy', sent: false });
    expect(error.message).toBe('the proxy did not connect: HTTP 407');
    await new Promise((resolve) => proxy.close(resolve));
  });
});

describe('deadlines', () => {
  it('gives up on an answer that trickles forever', async () => {
    const drip = await RecordingServer.start({
      'POST /': (response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(timer));
      },
    });
    const error = await failureOf(post(`${drip.url}/`, { connect: 10_000, whole: 1_000 }));
    expect(error).toMatchObject({ failure: 'timeout', sent: true });
    expect(error.message).toBe('no response within 1 s');
    await drip.close();
  });
});

it.each([
  ['ENOTFOUND', 'dns'],
  ['EAI_AGAIN', 'dns'],
  ['CERT_HAS_EXPIRED', 'tls-clock'],
  ['CERT_NOT_YET_VALID', 'tls-clock'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
  ['ECONNREFUSED', 'connection'],
])('classifies %s as a failure of the kind %s', (code, failure) => {
  expect(kindOf(code)).toBe(failure);
});
