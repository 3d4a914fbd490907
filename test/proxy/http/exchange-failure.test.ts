import { Duplex } from 'node:stream';

import type { Dialer } from '../../../src/proxy/dialer.js';
import { Cleanup, failing, Forwarding, localDialer, until } from '../support/forwarding.js';

const cleanup = new Cleanup();
let forwarding: Forwarding;
beforeEach(() => {
  forwarding = new Forwarding(cleanup);
});
afterEach(() => cleanup.run());

describe('a failure before the answer', () => {
  it.each([
    ['no-route', 502],
    ['no-handshake', 504],
    ['not-ready', 503],
  ] as const)('of the dialer, %s, is answered with %i', async (reason, status) => {
    const forwarder = await forwarding.start(failing(reason));
    const client = forwarding.client(forwarder);
    client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc');
    const received = await client.until('}}\n');
    const [head, body] = received.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toContain('Content-Type: application/json');
    expect(JSON.parse(body!)).toEqual({
      error: { reason, message: `because ${reason}`, target: '100.127.69.42:80' },
    });
    expect(forwarder.counters).toEqual({ requests: 1, failures: 1, active: 0 });
  });

  it('has no body for HEAD', async () => {
    const client = forwarding.client(await forwarding.start(failing('refused')));
    client.send('HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 502 [^]*\r\n\r\n$/);
  });

  it('keeps the connection for the next request, after the rest of the body', async () => {
    const client = forwarding.client(await forwarding.start(failing('refused')));
    client.send('POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nabc');
    await client.until('}}\n');
    client.send('defPOST /2 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await client.until(/\}\}\n[^]*\}\}\n/);
  });

  it.each([
    ['no byte', '', 'reset'],
    ['part of the head', 'HTTP/1.1 200 OK\r\nContent-', 'reset'],
    ['another protocol', 'SSH-2.0-x\r\n', 'bad-answer'],
  ])('of a target that sends %s is answered with 502', async (_name, answer, reason) => {
    const { client } = await forwarding.answering(answer);
    client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await client.until('}}\n')).toMatch(
      new RegExp(`^HTTP/1\\.1 502 [^]*"reason":"${reason}"`),
    );
  });

  it('of a target that resets is answered with 502', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.socket.resetAndDestroy();
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await client.until('}}\n')).toMatch(/^HTTP\/1\.1 502 [^]*"reason":"reset"/);
  });

  it('of a stream that is already destroyed is answered with 502', async () => {
    const server = await forwarding.server(() => undefined);
    const local = localDialer(server.port);
    const dialer: Dialer = {
      async dial(target, signal) {
        const stream = await local.dial(target, signal);
        await new Promise((resolve) => stream.once('close', resolve).destroy());
        return stream;
      },
    };
    const client = forwarding.client(await forwarding.start(dialer));
    client.send(
      'POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n',
    );
    await client.ended();
    expect(client.received).toMatch(/^HTTP\/1\.1 502 [^]*"reason":"reset"/);
    expect(client.received).not.toContain('Continue');
  });
});

describe('a failure after the head of the answer', () => {
  const HEADS = {
    'with a length': 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart',
    'in chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n',
    'with a broken chunk':
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nnonsense\r\n',
  };

  it.each([
    ['with a length', '1.1'],
    ['in chunks', '1.0'],
    ['with a broken chunk', '1.1'],
  ] as const)('%s resets the connection of an HTTP/%s client', async (name, version) => {
    const head = HEADS[name];
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send(head);
    });
    const forwarder = await forwarding.start(localDialer(server.port));
    const client = forwarding.client(forwarder);
    client.send(`GET / HTTP/${version}\r\nHost: localhost\r\n\r\n`);
    if (!head.includes('nonsense')) {
      await client.until('part');
      server.wires[0]!.socket.end();
    }
    expect(await client.ended()).toBe('ECONNRESET');
    expect(forwarder.counters).toEqual({ requests: 1, failures: 1, active: 0 });
  });

  it.each(['1.1', '1.0'])('through a reset only resets HTTP/%s', async (version) => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\n\r\npart');
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send(`GET / HTTP/${version}\r\nHost: localhost\r\n\r\n`);
    await client.until('part');
    server.wires[0]!.socket.resetAndDestroy();
    expect(await client.ended()).toBe('ECONNRESET');
    expect(client.received).not.toMatch(/0\r\n\r\n$/);
  });
});

describe('a stream that is destroyed without an error', () => {
  it.each(['1.1', '1.0'])('in the answer resets the connection of HTTP/%s', async (version) => {
    const stream = new Duplex({
      read: () => undefined,
      write: (_chunk, _encoding, done) => done(),
    });
    const dialer: Dialer = { dial: () => Promise.resolve(stream) };
    const client = forwarding.client(await forwarding.start(dialer));
    client.send(`GET / HTTP/${version}\r\nHost: localhost\r\n\r\n`);
    stream.push('HTTP/1.1 200 OK\r\n\r\npart');
    await client.until('part');
    stream.destroy();
    expect(await client.ended()).toBe('ECONNRESET');
  });
});

it('forwards the answer of a target that resets in the middle of the request', async () => {
  const stream = new Duplex({ read: () => undefined, write: () => undefined });
  const dialer: Dialer = { dial: () => Promise.resolve(stream) };
  const client = forwarding.client(await forwarding.start(dialer));
  client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc');
  await until(() => stream.writableLength > 0);
  stream.push('HTTP/1.1 413 Big\r\nContent-Length: 3\r\n\r\nbig');
  stream.destroy(new Error('reset'));
  expect(await client.until('big')).toMatch(/^HTTP\/1\.1 413 /);
});

it('delivers the whole answer to a slow client even if the target resets after it', async () => {
  const size = 40 * 64 * 1024;
  const stream: Duplex = new Duplex({
    highWaterMark: 2 * size,
    read: () => undefined,
    write: (_chunk, _encoding, done) => done(),
  });
  const dialer: Dialer = { dial: () => Promise.resolve(stream) };
  const client = forwarding.client(await forwarding.start(dialer));
  client.send('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  client.socket.pause();
  stream.push(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
  stream.push(Buffer.alloc(size));
  await until(() => stream.readableLength === 0);
  stream.destroy(new Error('reset'));
  client.socket.resume();
  expect(await client.ended()).toBe('fin');
  expect(client.received.split('\r\n\r\n')[1]).toHaveLength(size);
});
