/** Mutated messages to each protocol of the mixed port, with a seed. */
import { connect, type Socket } from 'node:net';

import { Secret } from '../../../src/lib/secrets/secret.js';
import { DialError } from '../../../src/proxy/dialer.js';
import { startMixedPort } from '../../../src/proxy/mixed/mixed-port.js';
import { readRequest as readSocks4 } from '../../../src/proxy/socks4/messages.js';
import { readGreeting, readPassword, readRequest } from '../../../src/proxy/socks5/messages.js';
import { readUdpHeader } from '../../../src/proxy/socks5/udp/udp-header.js';
import { UdpRelay } from '../../../src/proxy/socks5/udp/udp-relay.js';
import { FakeSocket } from '../../support/fakes/fake-socket.js';
import { silentLog } from '../../support/fakes/silent-log.js';
import { Cleanup, Forwarding, until } from '../support/forwarding.js';

const RUNS = 50_000;
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

/** Returns numbers below `limit` (mulberry32). */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** A copy with changed, removed and repeated bytes. */
function mutated(bytes: Uint8Array, below: (limit: number) => number): Uint8Array {
  const copy = [...bytes];
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = below(copy.length + 1);
    const kind = below(4);
    if (kind === 0) copy.splice(at, 1, below(256));
    else if (kind === 1) copy.splice(at, 1 + below(4));
    else if (kind === 2) copy.splice(at, 0, ...Array.from({ length: below(40) }, () => below(256)));
    else copy.splice(at);
  }
  return Uint8Array.from(copy);
}

const NAME_REQUEST = '\x05\x01\x00\x03\x08one.test\x00\x50';
const PARSERS = [
  ['the greeting', readGreeting, '\x05\x02\x00\x02'],
  ['the password', readPassword, '\x01\x04user\x06secret'],
  ['the request', readRequest, NAME_REQUEST],
  ['the request with IPv6', readRequest, `\x05\x03\x00\x04${'\x20'.repeat(16)}\x00\x50`],
  ['SOCKS4', readSocks4, '\x04\x01\x00\x50\x64\x7f\x45\x2auser\0'],
  ['SOCKS4a', readSocks4, '\x04\x01\x00\x50\x00\x00\x00\x01user\0one.test\0'],
] as const;

it.each(PARSERS)('reads %s with any bytes, and never more than there are', (_name, read, text) => {
  const below = random(1);
  for (let run = 0; run < RUNS; run++) {
    const bytes = mutated(latin1(text), below);
    const message = read(bytes);
    // Only a message that is shorter than the protocol allows can be incomplete.
    if ((message?.length ?? 0) > bytes.length || (message === undefined && bytes.length > 600)) {
      throw new Error(Buffer.from(bytes).toString('hex'));
    }
  }
});

it.each([
  ['an address', `\0\0\0\x01\x64\x7f\x45\x2a\x00\x07text`],
  ['a name', `\0\0\0\x03\x08one.test\x00\x07text`],
])('relays datagrams for %s with any bytes', (_name, text) => {
  const below = random(2);
  const socket = new FakeSocket();
  let sent = 0;
  const relay = new UdpRelay({
    client: { address: '127.0.0.1', port: 0 },
    socket,
    resolve: () => new Promise(() => undefined),
    now: () => 0,
    onDrop: () => undefined,
  });
  const send = () => {
    sent++;
    return undefined;
  };
  relay.open({ send, close: () => undefined });
  for (let run = 0; run < RUNS; run++) {
    const bytes = mutated(latin1(text), below);
    const header = readUdpHeader(bytes);
    if (typeof header === 'object' && header.length > bytes.length) throw new Error('too long');
    socket.receive({ bytes, endpoint: { address: '127.0.0.1', port: 1 + below(2) } });
  }
  // At most 64 datagrams wait for names.
  expect(sent + relay.drops.total).toBeGreaterThanOrEqual(RUNS - 64);
});

it.each([undefined, 'secret'])(
  'survives mutated connections, with the password %s',
  async (password) => {
    const forwarding = new Forwarding(cleanup);
    const port = await startMixedPort({
      listen: { host: '127.0.0.1', port: 0 },
      dialer: { dial: () => Promise.reject(new DialError('refused', 'no')) },
      log: silentLog,
      ...(password !== undefined && { password: new Secret(latin1(password)) }),
    });
    cleanup.add(() => port.close({ graceMs: 0 }));
    const below = random(3);
    const messages = [
      `\x05\x01\x00${NAME_REQUEST}`,
      `\x05\x01\x02\x01\x01u\x06secret${NAME_REQUEST}`,
      '\x04\x01\x00\x50\x00\x00\x00\x01user\0one.test\0',
      'GET http://one.test/ HTTP/1.1\r\nHost: one.test\r\nProxy-Authorization: Basic dTpzZWNyZXQ=\r\n\r\n',
      'CONNECT one.test:80 HTTP/1.1\r\nHost: one.test\r\n\r\n',
      'GET /proxy.pac HTTP/1.1\r\nHost: localhost\r\n\r\n',
    ];
    const open = new Set<Socket>();
    for (let run = 0; run < 1_000; run++) {
      const socket = connect(Number(port.authority.split(':')[1]), '127.0.0.1');
      open.add(socket);
      socket.on('error', () => undefined).on('close', () => open.delete(socket));
      socket.end(mutated(latin1(messages[run % messages.length]!), below)).resume();
      if (open.size >= 50) await until(() => open.size < 50);
    }
    await until(() => open.size === 0);
    const client = forwarding.client(port);
    client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await client.until('}}')).toMatch(/^HTTP\/1\.1 400 /);
  },
  60_000,
);
