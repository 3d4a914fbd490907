/** UDP ASSOCIATE on a mixed port, with real sockets on the client's side. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';

import type { DatagramSockets } from '../../../src/ports/datagram-sockets.js';
import type { DatagramPorts, DatagramReceiver } from '../../../src/proxy/datagram-dialer.js';
import { DialError } from '../../../src/proxy/dialer.js';
import type { HttpListener } from '../../../src/proxy/http/listener.js';
import { startMixedPort } from '../../../src/proxy/mixed/mixed-port.js';
import { udpSockets } from '../../../src/system/network/udp-socket.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { Cleanup, failing, Forwarding, until } from '../support/forwarding.js';
import { Wire } from '../support/wire.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const HEADER = Buffer.from([0, 0, 0, 1, 100, 127, 69, 42, 0, 7]);
const toName = (name: string) =>
  Buffer.from([0, 0, 0, 3, name.length, ...Buffer.from(name), 0, 7, 0x78]);
const GREETING = '\x05\x01\x00';
const ASSOCIATE = `\x05\x03\x00\x01${'\0'.repeat(6)}`;

/** Ports inside a tunnel that answer each datagram with its text in upper case. */
class EchoPorts implements DatagramPorts {
  open = 0;
  opened = 0;
  failure: Error | undefined;
  readonly asked: string[] = [];
  readonly signals: (AbortSignal | undefined)[] = [];

  bind(onDatagram: DatagramReceiver) {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.open++;
    this.opened++;
    return Promise.resolve({
      send: (payload: Uint8Array, { address, port }: { address: Uint8Array; port: number }) => {
        const answer = Buffer.from(Buffer.from(payload).toString().toUpperCase());
        const from = { address: address.slice(), port };
        setImmediate(() => onDatagram(answer, from));
        return undefined;
      },
      close: () => {
        this.open--;
      },
    });
  }

  resolve(name: string, signal?: AbortSignal): Promise<Uint8Array> {
    this.asked.push(name);
    this.signals.push(signal);
    return name === 'one.test'
      ? Promise.resolve(Uint8Array.of(100, 127, 69, 42))
      : new Promise(() => undefined);
  }
}

let forwarding: Forwarding;
let ports: EchoPorts;
let log: RecordingLog;
let port: HttpListener;
/** The UDP sockets on the client's side that are open. */
let openSockets: number;

const sockets: DatagramSockets = {
  async open(local) {
    const socket = await udpSockets.open(local);
    openSockets++;
    const close = socket.close.bind(socket);
    let closing: Promise<void> | undefined;
    socket.close = () => (closing ??= close().finally(() => openSockets--));
    return socket;
  },
};

async function start(most?: number, host = '127.0.0.1'): Promise<void> {
  forwarding = new Forwarding(cleanup);
  ports = new EchoPorts();
  log = new RecordingLog();
  openSockets = 0;
  port = await startMixedPort({
    listen: { host, port: 0 },
    dialer: failing('refused'),
    log,
    udp: { sockets, ports, ...(most !== undefined && { most }) },
  });
  cleanup.add(() => port.close({ graceMs: 0 }));
}

/** @returns the connection, and the relay's address and port from the reply */
async function associate(
  request = ASSOCIATE,
): Promise<{ wire: Wire; host: string; relay: number }> {
  const wire = forwarding.client(port);
  wire.send(GREETING + request);
  await until(() => wire.received.length >= 12);
  const [, , version, code, , type, a, b, c, d, high, low] = Buffer.from(wire.received, 'latin1');
  expect([version, code, type]).toEqual([5, 0, 1]);
  return { wire, host: [a, b, c, d].join('.'), relay: (high! << 8) | low! };
}

async function udp(): Promise<{ socket: Socket; received: string[] }> {
  const socket = createSocket('udp4');
  const received: string[] = [];
  socket.on('message', (bytes) => received.push(bytes.subarray(10).toString()));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  cleanup.add(() => void socket.close());
  return { socket, received };
}

it('relays until the TCP connection ends, from the address of the listener', async () => {
  await start();
  const { wire, host, relay } = await associate();
  expect(host).toBe('127.0.0.1');
  expect([ports.open, port.counters]).toEqual([1, { requests: 1, failures: 0, active: 1 }]);
  const { socket, received } = await udp();
  socket.send(Buffer.concat([HEADER, Buffer.from('one')]), relay);
  await until(() => received.length === 1);
  // Bytes on the TCP connection have no meaning.
  wire.send('ignored');
  socket.send(Buffer.concat([HEADER, Buffer.from('two')]), relay);
  await until(() => received.length === 2);
  expect(received).toEqual(['ONE', 'TWO']);
  wire.socket.end();
  await wire.ended();
  await until(() => port.counters.active === 0 && openSockets === 0);
  expect(ports.open).toBe(0);
  expect(log.lines.at(-1)).toMatchObject({
    level: 'info',
    message: 'UDP association closed',
    fields: { sent: 2, received: 2 },
  });
});

it('ends when the port closes, without a grace period', async () => {
  await start();
  const { wire } = await associate();
  await port.close({ graceMs: 60_000 });
  expect(await wire.ended()).toBe('fin');
  expect(ports.open).toBe(0);
});

it('drops the datagrams of another program, counts them, and warns once', async () => {
  await start();
  const first = await udp();
  const { port: own } = first.socket.address();
  const announced = `\x05\x03\x00\x01\0\0\0\0${String.fromCharCode(own >> 8, own & 0xff)}`;
  const { wire, relay } = await associate(announced);
  const other = await udp();
  for (let count = 0; count < 3; count++) {
    other.socket.send(Buffer.concat([HEADER, Buffer.from('stolen')]), relay);
  }
  await until(() => log.messages('warn').length > 0);
  first.socket.send(Buffer.concat([HEADER, Buffer.from('own')]), relay);
  await until(() => first.received.length === 1);
  wire.socket.end();
  await until(() => port.counters.active === 0);
  expect(other.received).toEqual([]);
  expect(log.messages('warn')).toEqual([
    'a UDP datagram was dropped: another program sent it to the UDP port of a client',
  ]);
  expect(log.lines.at(-1)!.fields).toMatchObject({ sent: 1, dropped: { 'other-client': 3 } });
});

it('resolves names, and abandons a lookup when the association ends', async () => {
  await start();
  const { wire, relay } = await associate();
  const { socket, received } = await udp();
  socket.send(toName('one.test'), relay);
  await until(() => received.length === 1);
  expect(received).toEqual(['X']);
  socket.send(toName('two.test'), relay);
  await until(() => ports.asked.length === 2);
  wire.socket.end();
  await until(() => ports.signals[1]?.aborted === true);
});

it('limits the name lookups of all associations together', async () => {
  await start();
  const { socket } = await udp();
  for (let index = 0; index < 33; index++) {
    const { relay } = await associate();
    for (let name = 0; name < 8; name++) {
      socket.send(toName(`n${name}.test`), relay);
    }
  }
  await until(() => ports.asked.length >= 256 && log.messages('warn').length > 0);
  expect(log.messages('warn')[0]).toContain('the name of its target has no address');
  expect(ports.asked).toHaveLength(256);
});

it('limits the associations of a listener', async () => {
  await start(1);
  const first = await associate();
  const second = forwarding.client(port);
  second.send(GREETING + ASSOCIATE);
  expect(await second.ended()).toBe('fin');
  expect(second.received).toBe(`\x05\x00\x05\x01\x00\x01${'\0'.repeat(6)}`);
  first.wire.socket.end();
  await until(() => port.counters.active === 0);
  await associate();
});

it('reports why the tunnel has no port', async () => {
  await start();
  ports.failure = new DialError('exhausted', 'too many UDP ports are open');
  const wire = forwarding.client(port);
  wire.send(GREETING + ASSOCIATE);
  expect(await wire.ended()).toBe('fin');
  expect(wire.received).toBe(`\x05\x00\x05\x01\x00\x01${'\0'.repeat(6)}`);
  expect(log.messages('warn')).toEqual([
    'cannot open a UDP association: too many UDP ports are open',
  ]);
  expect(port.counters).toEqual({ requests: 1, failures: 1, active: 0 });
  await until(() => openSockets === 0);
});

it('has the address that the client connected to if the listener has all addresses', async () => {
  await start(undefined, '0.0.0.0');
  const { host } = await associate();
  expect(host).toBe('127.0.0.1');
});

it('has an IPv4 address for an IPv4 client of an IPv6 listener', async () => {
  await start(undefined, '::');
  const wire = new Wire(connect(Number(port.authority.split(':').at(-1)), '127.0.0.1'));
  cleanup.add(() => void wire.socket.destroy());
  wire.send(GREETING + ASSOCIATE);
  await until(() => wire.received.length >= 12);
  expect(wire.received.slice(2, 10)).toBe('\x05\x00\x00\x01\x7f\x00\x00\x01');
});
