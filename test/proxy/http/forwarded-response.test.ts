import { Cleanup, Forwarding, localDialer, OK, until } from '../support/forwarding.js';

const cleanup = new Cleanup();
let forwarding: Forwarding;
beforeEach(() => {
  forwarding = new Forwarding(cleanup);
});
afterEach(() => cleanup.run());

describe('the answer', () => {
  it('keeps the status, the reason phrase, and the order, spelling and number of the fields', async () => {
    const head = 'HTTP/1.1 207 Some Of It\r\nSet-Cookie: a\r\nx-A: 1\r\nSet-Cookie: b\r\n';
    const { received } = await forwarding.seenByClient(`${head}Content-Length: 2\r\n\r\nab`);
    expect(received).toBe(`${head}Content-Length: 2\r\nConnection: close\r\n\r\nab`);
  });

  it('drops connection-specific fields', async () => {
    const hops = 'Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nTrailer: X\r\n';
    const { received } = await forwarding.seenByClient(
      `HTTP/1.1 200 OK\r\n${hops}Upgrade: h2c\r\nProxy-Authenticate: x\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(received).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });

  it.each([200, 301, 599])('keeps %i', async (status) => {
    const { received } = await forwarding.seenByClient(
      `HTTP/1.1 ${status} X\r\nLocation: /y\r\n\r\n`,
    );
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} X\\r\\nLocation: /y\\r\\n`));
  });

  it.each(['204 No Content', '304 Not Modified'])('has no body with %s', async (status) => {
    const { received } = await forwarding.seenByClient(`HTTP/1.1 ${status}\r\nETag: "x"\r\n\r\n`);
    expect(received).toBe(`HTTP/1.1 ${status}\r\nETag: "x"\r\nConnection: close\r\n\r\n`);
  });

  it('to HEAD keeps its length and has no body', async () => {
    const { received, ending } = await forwarding.seenByClient(
      'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n',
      'HEAD /x HTTP/1.1\r\nHost: localhost\r\n\r\n',
    );
    expect(received).toBe('HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nConnection: close\r\n\r\n');
    expect(ending).toBe('fin');
  });

  it('without a length is forwarded in chunks', async () => {
    const { received, ending } = await forwarding.seenByClient('HTTP/1.0 200 OK\r\n\r\nhello');
    expect(received).toMatch(/Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/);
    expect(ending).toBe('fin');
  });

  it('without a length is forwarded to an HTTP/1.0 client until the end', async () => {
    const { received, ending } = await forwarding.seenByClient(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: trailer\r\n\r\n',
      'GET / HTTP/1.0\r\n\r\n',
    );
    expect(received).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello');
    expect(ending).toBe('fin');
  });

  const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n';

  it('arrives after the preceding 1xx', async () => {
    const { received } = await forwarding.seenByClient(HINTS + OK);
    expect(received.startsWith(`${HINTS}HTTP/1.1 200 OK\r\n`)).toBe(true);
  });

  it.each(['Content-Length: 5', 'Transfer-Encoding: chunked'])(
    'arrives after a 1xx without its %s (RFC 9110 8.6)',
    async (field) => {
      const hints = HINTS.replace('Link', `${field}\r\nLink`);
      const { received } = await forwarding.seenByClient(hints + OK);
      expect(received).toMatch(
        /^HTTP\/1\.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP\/1\.1 200 [^]*ok$/,
      );
    },
  );

  it('with 204 has no length (RFC 9110 8.6)', async () => {
    const { received } = await forwarding.seenByClient(
      'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
    );
    expect(received).toBe('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
  });

  it('arrives without 1xx messages at an HTTP/1.0 client', async () => {
    const { received } = await forwarding.seenByClient(HINTS + OK, 'GET / HTTP/1.0\r\n\r\n');
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('arrives after at most 32 1xx messages', async () => {
    const { received } = await forwarding.seenByClient(HINTS.repeat(40) + OK);
    expect(received.match(/HTTP\/1\.1 103/g)).toHaveLength(32);
    expect(received).toMatch(/\r\n\r\nok$/);
  });

  it('keeps its trailers', async () => {
    const { received } = await forwarding.seenByClient(
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n' +
        '2\r\nok\r\n0\r\nX-Sum: 1\r\nHost: y\r\n\r\n',
    );
    expect(received).toMatch(/\r\nTrailer: X-Sum\r\n[^]*2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n$/);
  });

  it('arrives before its body is complete', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\nX: \xe9\xff\r\nContent-Length: 4\r\n\r\n');
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await client.until('\r\n\r\n');
    expect(client.received).toMatch(/^HTTP\/1\.1 200 OK\r\nX: \xe9\xff\r\n/);
    server.wires[0]!.send('ab');
    await client.until('ab');
    server.wires[0]!.send('cd');
    await client.until('abcd');
  });

  it('leaves the connection open if it arrives at once and is empty', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    const heads = () => client.received.split('HTTP/1.1 200 OK\r\n').length - 1;
    for (let count = 1; count <= 3; count++) {
      client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await until(() => heads() === count && client.received.endsWith('\r\n\r\n'));
    }
  });

  it('is reset if an error arrives together with the head', async () => {
    const { received, ending } = await forwarding.seenByClient(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n',
    );
    expect(received).not.toContain('0\r\n\r\n');
    expect(ending).toBe('ECONNRESET');
  });

  it('may arrive before the request is complete, and the connection stays open', async () => {
    const server = await forwarding.server(async (wire, index) => {
      await wire.request();
      wire.send(index === 0 ? 'HTTP/1.1 413 Big\r\nContent-Length: 3\r\n\r\nbig' : OK);
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345');
    await client.until('big');
    await server.wires[0]!.ended();
    client.send('67890GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await client.until('ok');
    expect(server.wires[0]!.received).not.toContain('6789');
  });

  it('does not cut off a client that is still sending, even if its connection will close', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 413 Big\r\nContent-Length: 3\r\n\r\nbig');
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send(
      'POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5000000\r\n\r\n',
    );
    await client.until('big');
    await new Promise<void>((resolve, reject) => {
      client.socket.write(Buffer.alloc(5_000_000), (error) => (error ? reject(error) : resolve()));
    });
    expect(await client.ended()).toBe('fin');
  });

  it('may have as many and as large fields as a request', async () => {
    const fields = `${'a: b\r\n'.repeat(2500)}X: ${'x'.repeat(20_000)}\r\n`;
    const { received } = await forwarding.seenByClient(`HTTP/1.1 200 OK\r\n${fields}\r\n`);
    expect(received.match(/a: b\r\n/g)).toHaveLength(2500);
    const seen = await forwarding.seenByTarget(
      `GET / HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`,
    );
    expect(seen).toContain(fields);
  });
});
