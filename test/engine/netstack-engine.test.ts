import { createHash } from 'node:crypto';

import { createNodeCrypto } from '../../src/crypto/node.js';
import { NetstackEngine, type TcpConnection } from '../../src/engine/netstack-engine.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { EnginePair, IPV6_ADDRESSES, type LinkOptions } from '../support/pairs/engine-pair.js';
import { seededEntropy } from '../support/fakes/seeded-entropy.js';
import { silentObserver } from '../support/fakes/silent-observer.js';

const SERVICE = { address: parseIpAddress('100.127.69.42')!, port: 80 };

/** Sends `length` bytes from Alice to Bob and returns the digests at both ends. */
function transfer(
  pair: EnginePair,
  length: number,
  remote = SERVICE,
): { sent: string; received: string } {
  const payload = new Uint8Array(length).map((_, index) => (index * 31 + (index >> 8)) & 0xff);
  const received = createHash('sha256');
  let ended = false;
  pair.bob.engine.stack.listenTcp({ port: 80 }, (connection) => {
    const take = () => {
      for (let bytes; (bytes = connection.receive(65_536, pair.now)) !== undefined;) {
        received.update(bytes);
      }
    };
    return {
      established: take,
      readable: take,
      writable: () => undefined,
      remoteClosed: () => {
        take();
        ended = true;
        connection.shutdown();
      },
      closed: () => undefined,
    };
  });
  let offset = 0;
  const push = (connection: TcpConnection) => {
    while (offset < length) {
      const taken = connection.send(payload.subarray(offset, offset + 65_536));
      if (taken === 0) return;
      offset += taken;
    }
    connection.shutdown();
  };
  const connection: TcpConnection = pair.alice.engine.stack.connectTcp(
    remote,
    {
      established: () => push(connection),
      readable: () => undefined,
      writable: () => push(connection),
      remoteClosed: () => undefined,
      closed: () => undefined,
    },
    pair.now,
  );
  pair.drive(() => ended, 3_600_000);
  return {
    sent: createHash('sha256').update(payload).digest('hex'),
    received: received.digest('hex'),
  };
}

describe('a TCP transfer through both halves', () => {
  it.each<[string, LinkOptions]>([
    ['a clean link', {}],
    ['2 % loss', { loss: 0.02, seed: 3 }],
    ['10 % loss', { loss: 0.1, seed: 4 }],
    ['reordering', { jitter: 10, seed: 5 }],
  ])('is complete over %s', (_name, link) => {
    const { sent, received } = transfer(new EnginePair(createNodeCrypto(), link), 1_000_000);
    expect(received).toBe(sent);
  });

  it('is complete over IPv6, with loss', () => {
    const pair = new EnginePair(createNodeCrypto(), { loss: 0.02, seed: 6 });
    const remote = { address: parseIpAddress(IPV6_ADDRESSES[1])!, port: 80 };
    const { sent, received } = transfer(pair, 300_000, remote);
    expect(received).toBe(sent);
  });

  it('completes after a partition of 30 s', () => {
    const pair = new EnginePair(createNodeCrypto(), { delay: 50 });
    let cut = false;
    const original = pair.drive.bind(pair);
    pair.drive = (done, limit) => {
      cut = !original(done, 400);
      pair.connected = false;
      original(() => false, 30_000);
      pair.connected = true;
      return original(done, limit);
    };
    const { sent, received } = transfer(pair, 4_000_000);
    expect(cut).toBe(true);
    expect(received).toBe(sent);
  });
});

describe('recycle()', () => {
  /** Opens two UDP sockets; datagrams of one length arrive at Bob's as the text of their bytes. */
  function datagrams(pair: EnginePair) {
    const told: string[] = [];
    pair.bob.engine.stack.bindUdp({ port: 7 }, (payload) => told.push(payload.join()));
    const remote = { address: SERVICE.address, port: 7 };
    const socket = pair.alice.engine.stack.connectUdp(remote, () => undefined);
    return { told, send: (value: number) => socket.send(new Uint8Array(4).fill(value)) };
  }

  it('does not free packets that wait for a handshake', () => {
    const pair = new EnginePair(createNodeCrypto(), { delay: 10 });
    const { told, send } = datagrams(pair);
    for (const value of [1, 2, 3]) {
      send(value);
      // Sends the initiation, and recycles.
      pair.drive(() => false, 1);
    }
    pair.drive(() => told.length === 3);
    expect(told).toEqual(['1,1,1,1', '2,2,2,2', '3,3,3,3']);
  });

  it('does not free packets that were sealed but not sent yet', () => {
    const pair = new EnginePair(createNodeCrypto(), { delay: 10 });
    const { told, send } = datagrams(pair);
    send(1);
    const { engine } = pair.alice;
    // Bob's response seals the waiting packet within handleDatagrams().
    const handle = engine.handleDatagrams.bind(engine);
    engine.handleDatagrams = (arrived, now) => {
      handle(arrived, now);
      engine.recycle();
      send(2);
    };
    pair.drive(() => told.length === 2);
    expect(told).toEqual(['1,1,1,1', '2,2,2,2']);
  });

  it('does not free packets that are queued for the next drain', () => {
    const pair = new EnginePair(createNodeCrypto());
    const { told, send } = datagrams(pair);
    send(1);
    pair.drive(() => told.length === 1);
    send(2);
    pair.alice.engine.recycle();
    send(3);
    pair.drive(() => told.length === 3);
    expect(told).toEqual(['1,1,1,1', '2,2,2,2', '3,3,3,3']);
  });

  it('lets the next packet of the same length use the same memory', () => {
    const pair = new EnginePair(createNodeCrypto());
    const { told, send } = datagrams(pair);
    send(1);
    pair.drive(() => told.length === 1);
    // A slab that has room for both packets is current after a large packet.
    const { engine } = pair.alice;
    const sent = [2, 3].map((value) => {
      send(value);
      const { bytes } = engine.drain(pair.now).datagrams[0]!;
      engine.recycle();
      return bytes;
    });
    expect(sent[1]).toBe(sent[0]);
  });
});

it('carries datagrams, errors and echoes of IPv6', () => {
  const pair = new EnginePair(createNodeCrypto());
  const [alice, bob] = [pair.alice.engine.stack, pair.bob.engine.stack];
  const address = parseIpAddress(IPV6_ADDRESSES[1])!;
  const told: string[] = [];
  const server = bob.bindUdp({ port: 7 }, (payload, from) => server.sendTo(payload, from));
  const open = (port: number) =>
    alice.connectUdp(
      { address, port },
      (payload) => told.push(`answer ${payload.join()}`),
      ({ kind }) => told.push(kind),
    );
  alice.onEchoReply = ({ sequence }) => told.push(`echo ${sequence}`);
  open(7).send(Uint8Array.of(1, 2));
  open(8).send(Uint8Array.of(3));
  alice.sendEcho(address, 1, 5, new Uint8Array(56));
  pair.drive(() => told.length === 3);
  expect(told.sort()).toEqual(['answer 1,2', 'echo 5', 'port-unreachable']);
});

describe('a packet that no peer may receive', () => {
  const address = parseIpAddress('203.0.113.9')!;

  it('ends a connection at once, and causes an error for a datagram', () => {
    const pair = new EnginePair(createNodeCrypto());
    const { stack, device } = pair.alice.engine;
    const told: string[] = [];
    const observer = { ...silentObserver, closed: (reason: string) => told.push(reason) };
    stack.connectTcp({ address, port: 80 }, observer, pair.now);
    const socket = stack.connectUdp(
      { address, port: 7 },
      () => undefined,
      ({ kind }) => told.push(kind),
    );
    socket.send(Uint8Array.of(1));
    const { datagrams, more } = pair.alice.engine.drain(pair.now);
    expect(told.sort()).toEqual(['unreachable', 'unreachable']);
    expect(datagrams).toEqual([]);
    // The effects of the errors are still pending.
    expect(more).toBe(true);
    expect(pair.alice.engine.drain(pair.now).more).toBe(false);
    expect([...device.drops]).toEqual([['no-route', 2]]);
    expect(stack.usage.connections).toBe(0);
    // Only one error is sent.
    stack.connectTcp(SERVICE, silentObserver, pair.now);
    const [initiation] = pair.alice.engine.drain(pair.now).datagrams;
    expect(initiation).toMatchObject({ trafficClass: 0x88, isSourceInDoubt: false });
    expect(told).toHaveLength(2);
  });

  it('causes an error that packet observers see', () => {
    const seen: string[] = [];
    const options = {
      privateKey: new Uint8Array(32).fill(7),
      crypto: createNodeCrypto(),
      entropy: seededEntropy(1),
      wallClock: { unixMilliseconds: () => 0 },
      mtu: 1420,
      addresses: [parseIpAddress('10.77.0.2')!],
      observer: {
        innerPacket: (direction: string, packet: Uint8Array) =>
          seen.push(`${direction} ${packet.length} ${packet[20]}`),
      },
    };
    const engine = new NetstackEngine(options, 0);
    engine.stack.sendEcho(address, 1, 1, new Uint8Array(56));
    engine.drain(0);
    // The echo request, and a host unreachable error that quotes it completely.
    expect(seen).toEqual(['out 84 8', 'in 112 3']);
  });

  it('does not end a connection while the peer is being resolved', () => {
    const pair = new EnginePair(createNodeCrypto());
    const { stack, device } = pair.alice.engine;
    const [peer] = [...device.peers];
    peer!.setEndpoint(undefined);
    stack.connectTcp(SERVICE, silentObserver, pair.now);
    expect(pair.alice.engine.drain(pair.now).more).toBe(false);
    expect([...device.drops]).toEqual([['no-endpoint', 1]]);
    expect(stack.usage.connections).toBe(1);
  });
});

it('continues across rekeys without loss', () => {
  const pair = new EnginePair(createNodeCrypto());
  transfer(pair, 10_000);
  const initiations = () => pair.sent.filter(({ bytes }) => bytes[0] === 1).length;
  const before = initiations();
  // Two minutes of silence, then traffic past REKEY_AFTER_TIME (120 s): whitepaper 6.2.
  pair.drive(() => false, 130_000);
  let echoed = 0;
  pair.bob.engine.stack.bindUdp({ port: 7 }, () => {
    echoed += 1;
  });
  const udp = pair.alice.engine.stack.bindUdp({ port: 0 }, () => undefined);
  for (let count = 0; count < 20; count++) {
    udp.sendTo(new Uint8Array(100), { ...SERVICE, port: 7 });
    pair.drive(() => false, 1_000);
  }
  expect(echoed).toBe(20);
  expect(initiations()).toBe(before + 1);
});

it('counts a packet without a route', () => {
  const pair = new EnginePair(createNodeCrypto());
  const udp = pair.alice.engine.stack.bindUdp({ port: 0 }, () => undefined);
  udp.sendTo(new Uint8Array(10), { address: parseIpAddress('192.0.2.99')!, port: 7 });
  pair.drive(() => false, 100);
  expect(pair.sent).toHaveLength(0);
  expect(pair.alice.engine.device.drops.of('no-route')).toBe(1);
  expect(pair.alice.engine.device.peerFor(parseIpAddress('192.0.2.99')!)).toBeUndefined();
});

describe('a handshake that completes', () => {
  function afterRestart() {
    const pair = new EnginePair(createNodeCrypto(), { delay: 40 });
    const { alice, bob } = pair;
    bob.engine.stack.listenTcp({ port: 80 }, () => ({ ...silentObserver }));
    alice.engine.device.initiateHandshake(alice.peer, 0);
    pair.drive(() => false, 1_000);
    alice.events.length = 0;
    bob.engine.device.discardSessions();
    const begin = pair.now;
    let establishedAt = NaN;
    const established = () => void (establishedAt = pair.now - begin);
    alice.engine.stack.connectTcp(SERVICE, { ...silentObserver, established }, pair.now);
    // The SYN is sent after 0, 1, 3 and 7 s; without the handshake the next one would be sent after
    // 15.
    pair.drive(() => false, 7_000);
    alice.engine.device.initiateHandshake(alice.peer, pair.now);
    return { pair, isEstablished: () => establishedAt, alice };
  }

  it('retransmits at once the data lost under the dead session', () => {
    const { pair, isEstablished, alice } = afterRestart();
    pair.drive(() => !Number.isNaN(isEstablished()), 20_000);
    // Two round trips of 80 ms.
    expect(isEstablished()).toBe(7_160);
    expect(alice.events.filter(({ type }) => type === 'handshake-complete')).toHaveLength(1);
  });

  it('with one peer does not retransmit data for another', () => {
    const { pair, isEstablished, alice } = afterRestart();
    const { device } = alice.engine;
    // From here on, another peer with a longer prefix serves this address.
    device.addPeer(
      {
        publicKey: createNodeCrypto().publicKey(new Uint8Array(32).fill(11)),
        allowedIps: [{ address: SERVICE.address, prefixLength: 32 }],
      },
      pair.now,
    );
    pair.drive(() => alice.events.some(({ type }) => type === 'handshake-complete'), 1000);
    expect(alice.events.filter(({ type }) => type === 'handshake-complete')).toHaveLength(1);
    expect(isEstablished()).toBeNaN();
    expect(alice.engine.stack.nextTimeout()).toBe(16_000);
  });
});
