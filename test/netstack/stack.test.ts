import { packetInSlot } from '../../src/lib/packets/packet-slot.js';
import { Stack } from '../../src/netstack/stack.js';
import { finishIcmp, writeIcmpError } from '../../src/wire/icmp.js';
import { createIpv4Header, finishIpv4Header } from '../../src/wire/ipv4.js';
import {
  connectPair,
  Endpoint,
  ip,
  LEFT_ADDRESS,
  NetstackPair,
  patternBytes,
  RIGHT_ADDRESS,
  seededEntropy,
} from '../support/pairs/netstack-pair.js';
import { ACK, Harness, OUR_ADDRESS, PEER_ADDRESS, RST, SYN } from './tcp-harness.js';
import { silentObserver } from '../support/fakes/silent-observer.js';

/** A destination unreachable error about `packet`, which the stack sent. */
function unreachable(packet: Uint8Array, code: number, nextHopMtu = 0): Uint8Array {
  const quoted = packet.subarray(0, 28);
  const error = new Uint8Array(28 + quoted.length);
  error.set(createIpv4Header(PEER_ADDRESS, OUR_ADDRESS, 1));
  finishIpv4Header(error, 0, error.length);
  writeIcmpError(error, 20, 3, code);
  error.set([nextHopMtu >> 8, nextHopMtu & 0xff], 26);
  error.set(quoted, 28);
  finishIcmp(error, 20, 8 + quoted.length);
  return error;
}

function packets(h: Harness): Uint8Array[] {
  const all: Uint8Array[] = [];
  while (h.stack.drain((slot) => all.push(packetInSlot(slot)), h.now));
  return all;
}

describe('UDP', () => {
  it('carries datagrams both ways, with source and destination addresses', () => {
    const pair = new NetstackPair();
    const got: unknown[] = [];
    const server = pair.right.bindUdp({ port: 53 }, (payload, from, to) => {
      got.push(payload, from.port, from.address, to);
      server.sendTo(Uint8Array.of(9), from);
    });
    const answers: number[][] = [];
    const client = pair.left.bindUdp({ port: 0 }, (payload) => answers.push([...payload]));
    expect(client.port).toBeGreaterThanOrEqual(49_152);
    const to = { address: RIGHT_ADDRESS, port: 53 };
    expect(client.sendTo(Uint8Array.of(1, 2, 3), to)).toBe(true);
    pair.run(1000);
    expect(got).toEqual([Uint8Array.of(1, 2, 3), client.port, LEFT_ADDRESS, RIGHT_ADDRESS]);
    expect(answers).toEqual([[9]]);
    client.close();
    expect(client.sendTo(Uint8Array.of(1), to)).toBe(false);
    expect(pair.left.usage.udpSockets).toBe(0);
  });

  it('accepts datagrams that fit the MTU, until the queue is full', () => {
    const pair = new NetstackPair({ limits: { queuedDatagrams: 3 } });
    const socket = pair.left.bindUdp({ port: 5 }, () => undefined);
    const to = { address: RIGHT_ADDRESS, port: 9 };
    expect(socket.sendTo(new Uint8Array(1420 - 27), to)).toBe(false);
    const results = [1, 2, 3, 4].map(() => socket.sendTo(new Uint8Array(1420 - 28), to));
    expect(results).toEqual([true, true, true, false]);
    expect(pair.left.drops.of('queue-full')).toBe(1);
  });
});

describe('ICMP', () => {
  it('answers at most 1,000 echo requests at once', () => {
    const pair = new NetstackPair({ limits: { queuedDatagrams: 2000 } });
    for (let count = 0; count < 1100; count++) {
      pair.left.sendEcho(RIGHT_ADDRESS, 1, count, new Uint8Array(0));
    }
    pair.run(1000);
    expect(pair.right.drops.of('icmp-rate')).toBe(100);
  });

  it('does not end an established connection (RFC 5927 5.2, MUST-56)', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(10));
    const [segment] = packets(h);
    h.stack.handlePacket(unreachable(segment!, 1), h.now);
    expect(h.events).toEqual([]);
  });

  it('ignores a quoted sequence number that is not in flight (RFC 5927 4.1, MUST-54)', () => {
    const h = new Harness();
    h.connection = h.stack.connectTcp({ address: PEER_ADDRESS, port: 80 }, h, h.now);
    const [syn] = packets(h);
    syn![27]! += 1;
    h.stack.handlePacket(unreachable(syn!, 1), h.now);
    expect(h.events).toEqual([]);
    expect(h.stack.drops.of('icmp-unmatched')).toBe(1);
  });

  it('resends in smaller segments when the path MTU shrinks (RFC 1191, RFC 1191 3, RFC 7323 5.7, tcp_splitseg_mss)', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(2000));
    const [first] = packets(h);
    h.stack.handlePacket(unreachable(first!, 4, 640), h.now);
    // Each segment is split in two, since octets sent together are lost or acknowledged together.
    expect(h.sends().map(({ seq, len }) => [seq, len])).toEqual([
      [1, 600],
      [601, 400],
      [1001, 600],
      [1601, 400],
    ]);
    h.stack.handlePacket(unreachable(first!, 4, 100), h.now);
    expect(h.connection.info().mss).toBe(512);
  });
});

describe('an incoming packet', () => {
  const valid = (): Uint8Array => {
    const h = new Harness();
    h.ourPort = 9;
    return h.packet({ flags: SYN, seq: 0 });
  };
  const changed = (at: number, value: number, fix = true): Uint8Array => {
    const packet = valid();
    packet[at] = value;
    if (fix) finishIpv4Header(packet, 0, packet.length);
    return packet;
  };

  it.each([
    ['ip-truncated', new Uint8Array(0)],
    ['ip-truncated', valid().subarray(0, 19)],
    ['ip-version', Uint8Array.of(0x50, 0, 0, 0)],
    ['ip-truncated', Uint8Array.of(0x60, 0, 0, 0)],
    ['ip-checksum', changed(8, 1, false)],
    ['ip-fragment', changed(6, 0x20)],
    ['ip-destination', changed(19, 77)],
    ['ip-source', changed(12, 224)],
    ['ip-source', changed(12, 127)],
    ['udp-truncated', changed(9, 17)],
    ['icmp-checksum', changed(9, 1)],
    ['tcp-checksum', changed(30, 1)],
    ['tcp-truncated', changed(32, 0x40)],
    ['tcp-truncated', changed(32, 0xf0)],
  ] as const)('is dropped as %s', (reason, packet) => {
    const h = new Harness();
    h.stack.handlePacket(packet, h.now);
    expect([...h.stack.drops]).toEqual([[reason, 1]]);
    expect(packets(h)).toEqual([]);
  });
});

describe('draining', () => {
  it('stops at the budget and reports that more is waiting', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(10_000));
    let count = 0;
    expect(h.stack.drain(() => count++, h.now, 4)).toBe(true);
    expect(count).toBe(4);
    expect(h.stack.drain(() => count++, h.now)).toBe(false);
    expect(count).toBe(10);
  });

  it('gives each connection turns of 16 packets', () => {
    const pair = new NetstackPair();
    const pairs = [connectPair(pair, 81), connectPair(pair, 82)];
    for (const { client } of pairs) client.send(patternBytes(1_000_000));
    pair.run(60_000, () => pairs.every(({ server }) => server.receivedLength === 1_000_000));
    pair.run(20);
    for (const { client } of pairs) client.send(patternBytes(100_000));
    const ports: number[] = [];
    pair.left.drain((slot) => ports.push(packetInSlot(slot)[23]!), pair.now, 64);
    const turns = (first: number, second: number): number[] =>
      [first, second, first, second].flatMap((port) => new Array<number>(16).fill(port));
    expect(ports).toEqual(turns(81, 82));
  });

  it('has no deadline after a drain if nothing is open', () => {
    const h = new Harness();
    expect(h.stack.nextTimeout()).toBe(Infinity);
    h.connect();
    h.receives({ flags: RST | ACK, seq: 0, ack: 1 });
    expect(h.stack.nextTimeout()).toBe(Infinity);
  });
});

it('resets all connections on close', () => {
  const pair = new NetstackPair();
  const { client, server } = connectPair(pair);
  pair.left.listenTcp({ port: 1 }, () => silentObserver);
  pair.left.bindUdp({ port: 1 }, () => undefined);
  pair.left.close(pair.now);
  expect(client.events).toEqual(['established', 'closed:aborted']);
  expect(pair.left.usage).toEqual({
    connections: 0,
    timeWaits: 0,
    listeners: 0,
    udpSockets: 0,
    echoSockets: 0,
    bufferBytes: 0,
    reassemblyBytes: 0,
  });
  pair.run(100);
  expect(server.events).toEqual(['established', 'closed:reset']);
});

it('survives an observer that calls back during every event', () => {
  const pair = new NetstackPair();
  const { client, server } = connectPair(pair);
  server.readable = () => {
    server.read();
    server.connection.send(Uint8Array.of(1));
    server.connection.abort(pair.now);
  };
  client.send(new Uint8Array(10));
  pair.run(1000);
  expect(server.events).toEqual(['established', 'closed:aborted']);
  expect(client.events).toEqual(['established', 'closed:reset']);
  expect(pair.right.usage.connections).toBe(0);
});

it.each([
  [{ mtu: 575 }, 'MTU'],
  [{ mtu: 70_000 }, 'MTU'],
  [{ addresses: [] }, 'address'],
  [{ addresses: [new Uint8Array(5)] }, 'bytes'],
  [{ addresses: [ip('fd00::1')], mtu: 1279 }, 'MTU'],
])('refuses options out of range: %p', (wrong, text) => {
  const options = { addresses: [OUR_ADDRESS], mtu: 1420, entropy: seededEntropy(1), ...wrong };
  expect(() => new Stack(options, 0)).toThrow(text);
});

it('refuses unusable ports and addresses', () => {
  const { stack } = new Harness();
  const remote = { address: PEER_ADDRESS, port: 80 };
  expect(() => stack.connectTcp({ ...remote, port: 0 }, silentObserver, 0)).toThrow(RangeError);
  expect(() => stack.connectTcp(remote, silentObserver, 0, { localAddress: PEER_ADDRESS })).toThrow(
    RangeError,
  );
  expect(() => stack.listenTcp({ port: 65_536 }, () => silentObserver)).toThrow(RangeError);
  stack.listenTcp({ port: 7 }, () => silentObserver);
  expect(() => stack.listenTcp({ port: 7 }, () => silentObserver)).toThrow(RangeError);
  expect(new Endpoint(new NetstackPair()).receivedLength).toBe(0);
});
