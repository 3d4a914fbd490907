/** The DNS listener on real local ports, with a forwarder that the test controls. */
import { createSocket, Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { jest } from '@jest/globals';

import type { DnsForwarder } from '../../../src/proxy/dns/dns-forwarder.js';
import { type DnsListener, startDnsListener } from '../../../src/proxy/dns/dns-listener.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { until } from '../../support/until.js';

let clock: FakeClock;
let log: RecordingLog;
let listener: DnsListener;
let port: number;
/** The messages that the forwarder received, with the functions that answer them. */
let asked: {
  readonly text: string;
  readonly via: string;
  readonly answer: (text?: string) => void;
}[];
let isClosed: boolean;
let clients: { destroy(): unknown }[];

const forwarder = {
  answer: (message: Uint8Array, via: string) =>
    new Promise<Uint8Array | undefined>((resolve) => {
      const answer = (text?: string) => resolve(text === undefined ? undefined : Buffer.from(text));
      asked.push({ text: Buffer.from(message).toString(), via, answer });
    }),
  close: () => {
    isClosed = true;
  },
} as unknown as DnsForwarder;

function start(listenPort = 0): Promise<DnsListener> {
  const listen = { host: '127.0.0.1', port: listenPort };
  return startDnsListener({ listen, flag: '--dns-listen', forwarder, clock, log });
}

beforeEach(async () => {
  clock = new FakeClock();
  log = new RecordingLog();
  asked = [];
  clients = [];
  isClosed = false;
  listener = await start();
  port = Number(/^127\.0\.0\.1:(\d+)$/.exec(listener.authority)![1]);
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  await listener.close();
});

async function overTcp(): Promise<{ socket: Socket; received: () => string }> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  clients.push(socket);
  await once(socket, 'connect');
  return { socket, received: () => text };
}

/** Resolves when the socket has closed, possibly after a reset. */
const closeOf = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

const framed = (text: string) => `\0${String.fromCharCode(text.length)}${text}`;
const arrived = (count: number) => until(() => asked.length === count);

it('answers datagrams in any order, to their senders', async () => {
  const sockets = ['a', 'b'].map((text) => {
    const socket: UdpSocket = createSocket('udp4');
    clients.push({ destroy: () => socket.close() });
    const reply = once(socket, 'message') as Promise<[Buffer]>;
    socket.send(text, port, '127.0.0.1');
    return { text, reply };
  });
  await arrived(2);
  for (const { text, via, answer } of [...asked].reverse()) {
    expect(via).toBe('udp');
    answer(`re ${text}`);
  }
  for (const { text, reply } of sockets) expect(String((await reply)[0])).toBe(`re ${text}`);
});

it('ignores a datagram from port 0, to which no answer can be sent', async () => {
  await listener.close();
  // Only a privileged process can send such a datagram, so the test calls the handler.
  const bind = jest.spyOn(UdpSocket.prototype, 'bind');
  listener = await start();
  const udp = bind.mock.contexts.at(-1) as UdpSocket;
  bind.mockRestore();
  const from = { address: '127.0.0.1', family: 'IPv4', size: 1 } as const;
  udp.emit('message', Buffer.from('a'), { ...from, port: 0 });
  udp.emit('message', Buffer.from('b'), { ...from, port });
  await arrived(1);
  expect(asked[0]!.text).toBe('b');
});

it('answers several queries on one TCP connection, in any order (RFC 7766 6.2.1)', async () => {
  const { socket, received } = await overTcp();
  socket.write(framed('one') + framed('two'));
  await arrived(2);
  expect(asked.map(({ via, text }) => [via, text])).toEqual([
    ['tcp', 'one'],
    ['tcp', 'two'],
  ]);
  asked[1]!.answer('2');
  await until(() => received() === framed('2'));
  asked[0]!.answer('1');
  await until(() => received() === framed('2') + framed('1'));
});

it('reads a query that arrives in pieces', async () => {
  const { socket } = await overTcp();
  socket.setNoDelay(true);
  for (const octet of framed('query')) {
    socket.write(octet);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await arrived(1);
  expect(asked[0]?.text).toBe('query');
});

it('answers queries of a client that has closed its side, then closes the connection', async () => {
  const { socket, received } = await overTcp();
  socket.end(framed('last'));
  await arrived(1);
  const ended = closeOf(socket);
  asked[0]!.answer('yes');
  await ended;
  expect(received()).toBe(framed('yes'));
});

it('answers at most 8 queries of a connection at the same time', async () => {
  const { socket, received } = await overTcp();
  socket.write(framed('q').repeat(20));
  await arrived(8);
  asked[0]!.answer('r');
  await arrived(9);
  for (let answered = 1; answered < 20; answered++) {
    await until(() => asked.length > answered);
    asked[answered]!.answer('r');
  }
  await until(() => received() === framed('r').repeat(20));
});

it('closes a connection that sends a message which must not be answered', async () => {
  const { socket } = await overTcp();
  socket.write(framed('response'));
  await arrived(1);
  const closed = closeOf(socket);
  asked[0]!.answer(undefined);
  await closed;
});

it('closes a connection 10 s after its last complete query or response', async () => {
  const { socket, received } = await overTcp();
  socket.write(framed('a'));
  await arrived(1);
  clock.advance(9_000);
  asked[0]!.answer('r');
  await until(() => received() !== '');
  await until(() => clock.armed === 1);
  clock.advance(9_000);
  expect(socket.destroyed).toBe(false);
  // An incomplete query does not extend the time.
  await new Promise((resolve) => socket.write('\0', resolve));
  const closed = closeOf(socket);
  clock.advance(1_000);
  await closed;
});

it('replaces the oldest idle of 64 connections', async () => {
  const first = await overTcp();
  const closed = closeOf(first.socket);
  const busy = await overTcp();
  busy.socket.write(framed('busy'));
  await arrived(1);
  for (let count = 2; count < 65; count++) await overTcp();
  await closed;
  expect(busy.socket.destroyed).toBe(false);
});

it('survives clients that disconnect before the response', async () => {
  const { socket } = await overTcp();
  socket.write(framed('a'));
  await arrived(1);
  socket.resetAndDestroy();
  await until(() => clock.armed === 0);
  asked[0]!.answer('late');
  const next = await overTcp();
  next.socket.write(framed('b'));
  await arrived(2);
});

it('closes connections, and the forwarder, with the listener', async () => {
  const { socket } = await overTcp();
  const closed = closeOf(socket);
  await listener.close();
  await closed;
  expect(isClosed).toBe(true);
  const again = await start(port);
  await again.close();
});

it('fails if either port is in use, and releases the other', async () => {
  await expect(start(port)).rejects.toMatchObject({
    kind: 'failed',
    what: `cannot listen on 127.0.0.1:${port} (--dns-listen)`,
  });
  await listener.close();
  const udp = createSocket('udp4');
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
  isClosed = false;
  await expect(start(port)).rejects.toMatchObject({ kind: 'failed' });
  expect(isClosed).toBe(false);
  udp.close();
  await once(udp, 'close');
  listener = await start(port);
});
