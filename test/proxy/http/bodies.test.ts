/** Large bodies: complete, in both directions, and never faster than the slower side. */
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';

import type { Dialer } from '../../../src/proxy/dialer.js';
import { Cleanup, Forwarding } from '../support/forwarding.js';

const cleanup = new Cleanup();
let forwarding: Forwarding;
beforeEach(() => {
  forwarding = new Forwarding(cleanup);
});
afterEach(() => cleanup.run());

const MEBIBYTE = 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 'abcdefg');

/** The most that one stream of the forwarder may buffer: its high-water mark and a chunk. */
const STREAM_BOUND = 256 * 1024;

function dialing(stream: Duplex): Dialer {
  return { dial: () => Promise.resolve(stream) };
}

it('does not read a large body before it has a connection', async () => {
  const size = 64 * MEBIBYTE;
  const forwarder = await forwarding.start({ dial: () => new Promise(() => undefined) });
  const { socket } = forwarding.client(forwarder);
  socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${size}\r\n\r\n`);
  for (let sent = 0; sent < size; sent += CHUNK.length) socket.write(CHUNK);
  let before = NaN;
  while (socket.writableLength !== before) {
    before = socket.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // The rest is in the buffers of the operating system.
  expect(socket.writableLength).toBeGreaterThan(size / 2);
});

it('forwards 20 MB no faster than the target reads them', async () => {
  const size = 320 * CHUNK.length;
  const hash = createHash('sha256');
  let taken = 0;
  let held = 0;
  const stream: Duplex = new Duplex({
    allowHalfOpen: true,
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      held = Math.max(held, stream.writableLength);
      const isFirst = chunk.toString('latin1', 0, 5) === 'POST ';
      const body = isFirst ? chunk.subarray(chunk.indexOf('\r\n\r\n') + 4) : chunk;
      hash.update(body);
      taken += body.length;
      // A target that is slower than the client: it reads one chunk per turn of the event loop.
      setImmediate(done);
      if (taken === size) stream.push('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n');
    },
  });
  const forwarder = await forwarding.start(dialing(stream));
  const status = await new Promise((resolve, reject) => {
    const outgoing = request(`${forwarder.url}/`, { method: 'POST', agent: false });
    outgoing.setHeader('Content-Length', size);
    outgoing.on('response', (answer) => resolve(answer.resume().statusCode));
    outgoing.on('error', reject);
    for (let sent = 0; sent < size; sent += CHUNK.length) outgoing.write(CHUNK);
    outgoing.end();
  });
  expect(status).toBe(201);
  expect(taken).toBe(size);
  expect(hash.digest('hex')).toBe(digest(size));
  expect(held).toBeLessThan(STREAM_BOUND);
});

it('reads an answer of 64 MB no faster than the client does', async () => {
  const size = 64 * MEBIBYTE;
  let given = 0;
  const stream: Duplex = new Duplex({
    allowHalfOpen: true,
    read() {
      if (given >= size) return;
      given += CHUNK.length;
      this.push(CHUNK);
    },
    write(_chunk, _encoding, done) {
      done();
    },
  });
  stream.push(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
  const forwarder = await forwarding.start(dialing(stream));
  const { hostname, port } = new URL(forwarder.url);
  const client = connect({ host: hostname, port: Number(port) });
  cleanup.add(() => void client.destroy());
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await new Promise((resolve) => client.once('readable', resolve));
  await settled(() => given);
  expect(given).toBeLessThan(size / 2);

  const hash = createHash('sha256');
  let received = '';
  let taken = 0;
  for await (const bytes of client as AsyncIterable<Buffer>) {
    const start = received === '' ? bytes.indexOf('\r\n\r\n') + 4 : 0;
    received ||= bytes.subarray(0, start).toString('latin1');
    hash.update(bytes.subarray(start));
    taken += bytes.length - start;
  }
  expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(taken).toBe(size);
  expect(hash.digest('hex')).toBe(digest(size));
});

function digest(size: number): string {
  const hash = createHash('sha256');
  for (let count = 0; count < size; count += CHUNK.length) hash.update(CHUNK);
  return hash.digest('hex');
}

/**
 * Resolves when a figure has stopped changing. If that is too early, the figure can only be
 * smaller.
 */
async function settled(figure: () => number): Promise<void> {
  for (let last = -1; last !== figure();) {
    last = figure();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
