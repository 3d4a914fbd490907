/** The life of a device: peers, the first handshake, roaming, key changes, closing. */
import { inspect } from 'node:util';
import { createNodeCrypto } from '../../src/crypto/node.js';
import { Device, type DeviceOptions } from '../../src/wireguard/device.js';
import { LOW_ORDER_POINTS } from '../support/crypto-contract.js';
import { fromHex } from '../support/hex.js';
import { seededBytes, seededEntropy } from '../support/fakes/seeded-entropy.js';
import { COOKIE_REPLY, DATA, INITIATION, RESPONSE } from '../support/message-types.js';
import { WireguardPair, ipv4, ipv6, prefixes } from '../support/pairs/wireguard-pair.js';

function createDevice(
  transmitted: Uint8Array[] = [],
  options: Partial<DeviceOptions> = {},
): Device {
  return new Device({
    privateKey: seededBytes(50, 32),
    crypto: createNodeCrypto(),
    entropy: seededEntropy(50),
    wallClock: { unixMilliseconds: () => 0 },
    mtu: 1420,
    sink: { transmit: (bytes) => transmitted.push(bytes), deliver: () => undefined },
    ...options,
  });
}

it.each([0, -1, NaN])('refuses an MTU of %d', (mtu) => {
  expect(() => createDevice([], { mtu })).toThrow(new RangeError('the MTU must be positive'));
});

const ENDPOINT = { address: '192.0.2.9', port: 51820 };

describe('the first handshake', () => {
  it('carries the packet that requested it', () => {
    const pair = new WireguardPair();
    const packet = pair.send('alice');
    expect(pair.alice.peer.stagedPackets).toBe(1);
    expect(pair.alice.peer.hasSession(pair.now)).toBe(false);

    pair.settle();

    expect(pair.bob.received).toEqual([packet]);
    expect(pair.alice.peer.stagedPackets).toBe(0);
    expect(pair.alice.peer.hasSession(pair.now)).toBe(true);
    expect(pair.captured.map(({ from, type }) => [from, type])).toEqual([
      ['alice', INITIATION],
      ['bob', RESPONSE],
      ['alice', DATA],
    ]);
  });

  it('is confirmed by an empty packet if no packet waits', () => {
    const pair = new WireguardPair();
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
    expect(pair.sent(DATA).map(({ from, bytes }) => [from, bytes.length])).toEqual([['alice', 32]]);
    expect(pair.bob.received).toEqual([]);
  });

  it('is reported on both sides, with the time', () => {
    const pair = new WireguardPair();
    const begin = pair.now;
    pair.send('alice');
    pair.settle();
    const { alice, bob } = pair;
    expect(alice.events()).toEqual([
      { type: 'handshake-complete', peer: alice.peer, now: begin + 20 },
    ]);
    expect(bob.events()).toEqual([
      { type: 'endpoint-changed', peer: bob.peer, endpoint: alice.endpoint },
      { type: 'handshake-complete', peer: bob.peer, now: begin + 30 },
    ]);
    expect(alice.peer.lastHandshakeAt).toBe(begin + 20);
    expect(alice.peer.lastHandshakeUnix).toBe(alice.wallClockOffset + begin + 20);
  });

  it('uses random indices', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    pair.settle();
    const indices = [pair.sent(INITIATION)[0]!, pair.sent(RESPONSE)[0]!].map(({ bytes }) =>
      Buffer.from(bytes).readUInt32LE(4),
    );
    expect(new Set(indices).size).toBe(2);
    expect(Math.min(...indices)).toBeGreaterThan(0xffff);
  });

  it('fails with different pre-shared keys, and reports it', () => {
    const pair = new WireguardPair({ alicePsk: seededBytes(1, 32), bobPsk: seededBytes(2, 32) });
    pair.send('alice');
    pair.settle();
    expect(pair.alice.peer.responsesRejected).toBe(1);
    expect(pair.alice.peer.lastResponseRejected).toBe(pair.now);
    expect(pair.alice.device.drops.of('bad-handshake')).toBe(1);
    expect(pair.bob.received).toEqual([]);
  });

  it('uses a pre-shared key that is set while it is in progress', () => {
    const pair = new WireguardPair({ bobPsk: seededBytes(2, 32) });
    pair.send('alice');
    pair.alice.peer.setPresharedKey(seededBytes(2, 32));
    pair.settle();
    expect(pair.bob.received).toHaveLength(1);
  });

  it('succeeds after the wall clock steps back', () => {
    const pair = WireguardPair.established();
    pair.advance(10_000);
    pair.alice.wallClockOffset = -pair.now;
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
    expect(pair.sent(RESPONSE)).toHaveLength(1);
  });

  it('carries IPv6 as well', () => {
    const pair = new WireguardPair();
    const packet = ipv6('fd00::1', 'fd00::2', 99);
    pair.sendPacket('alice', packet);
    pair.settle();
    expect(pair.bob.received).toEqual([packet]);
  });
});

describe('addPeer', () => {
  it('refuses the local key, a duplicate, and an invalid key', () => {
    const device = createDevice();
    const publicKey = createNodeCrypto().publicKey(seededBytes(1, 32));
    device.addPeer({ publicKey, allowedIps: [] }, 0);
    expect(() => device.addPeer({ publicKey, allowedIps: [] }, 0)).toThrow(
      new RangeError('the peer already exists'),
    );
    const own = device.publicKey;
    expect(() => device.addPeer({ publicKey: own, allowedIps: [] }, 0)).toThrow(
      new RangeError('the peer must not have the public key of this device'),
    );
    const short = new Uint8Array(31);
    expect(() => device.addPeer({ publicKey: short, allowedIps: [] }, 0)).toThrow(RangeError);
    const other = seededBytes(9, 32);
    const options = { publicKey: other, allowedIps: [] };
    expect(() => device.addPeer({ ...options, presharedKey: short }, 0)).toThrow(RangeError);
    expect(() => device.addPeer({ ...options, persistentKeepalive: -1 }, 0)).toThrow(RangeError);
    expect([...device.peers]).toHaveLength(1);
  });

  it('routes by the longest prefix', () => {
    const device = createDevice();
    const add = (seed: number, prefix: string) =>
      device.addPeer({ publicKey: seededBytes(seed, 32), allowedIps: prefixes(prefix) }, 0);
    const wide = add(1, '10.0.0.0/8');
    const narrow = add(2, '10.1.0.0/16');
    expect(device.peerFor(Uint8Array.of(10, 2, 0, 1))).toBe(wide);
    expect(device.peerFor(Uint8Array.of(10, 1, 0, 1))).toBe(narrow);
    expect(device.peerFor(Uint8Array.of(11, 0, 0, 1))).toBeUndefined();
    device.removePeer(narrow);
    expect(device.peerFor(Uint8Array.of(10, 1, 0, 1))).toBe(wide);
  });

  it('never sends to a key of low order', () => {
    const transmitted: Uint8Array[] = [];
    const device = createDevice(transmitted);
    for (const point of LOW_ORDER_POINTS) {
      device.addPeer(
        {
          publicKey: fromHex(point),
          endpoint: ENDPOINT,
          persistentKeepalive: 1_000,
          allowedIps: prefixes('10.0.0.2/32'),
        },
        0,
      );
    }
    for (let now = 0; now < 60_000; now += 1_000) device.handleTimeout(now);
    for (const peer of device.peers) device.initiateHandshake(peer, 60_000);
    expect(transmitted).toEqual([]);
    expect(device.drops.of('low-order-key')).toBeGreaterThan(7);
  });

  it('sends and answers nothing without a private key, until one is set again (row 33, both roles)', () => {
    const pair = WireguardPair.established({ aliceKeepalive: 1_000, bobKnowsAlice: true });
    const { device, privateKey } = pair.alice;
    const key = privateKey.slice();
    const bobs = pair.bob.device;
    device.setPrivateKey(new Uint8Array(32));
    pair.send('alice');
    pair.advance(30_000);
    device.initiateHandshake(pair.alice.peer, pair.now);
    // The public key of the all-zero private key is well known.
    bobs.addPeer(
      { publicKey: device.publicKey, endpoint: pair.alice.endpoint, allowedIps: [] },
      pair.now,
    );
    bobs.initiateHandshake(bobs.peerOf(device.publicKey)!, pair.now);
    pair.settle();
    expect(pair.captured.filter(({ from }) => from === 'alice')).toEqual([]);
    device.setPrivateKey(key);
    pair.send('alice');
    pair.settle();
    // The waiting packet was delivered, too.
    expect(pair.bob.received).toHaveLength(2);
  });

  it('sends a persistent keepalive at once', () => {
    const pair = new WireguardPair({ aliceKeepalive: 25_000 });
    expect(pair.alice.device.nextTimeout()).toBe(pair.now);
    pair.advance(0);
    expect(pair.sent(INITIATION)).toHaveLength(1);
  });

  it('sends nothing without a persistent keepalive', () => {
    const pair = new WireguardPair();
    expect(pair.alice.device.nextTimeout()).toBe(Infinity);
  });
});

describe('sendPackets', () => {
  it('drops a packet without a route, without an endpoint, or that is not IP', () => {
    const pair = new WireguardPair();
    pair.sendPacket('alice', ipv4('10.0.0.1', '172.16.0.1'));
    pair.sendPacket('bob', ipv4('10.0.0.2', '10.0.0.1'));
    pair.sendPacket('alice', new Uint8Array(20));
    pair.sendPacket('alice', new Uint8Array(0));
    pair.alice.device.sendPackets([new Uint8Array(10)], pair.now);
    expect([...pair.alice.device.drops]).toEqual([
      ['no-route', 1],
      ['malformed-packet', 3],
    ]);
    expect([...pair.bob.device.drops]).toEqual([['no-endpoint', 1]]);
    expect(pair.bob.peer.stagedPackets).toBe(0);
    expect(pair.captured).toEqual([]);
  });

  it('drops a packet whose length exceeds its slot', () => {
    const pair = new WireguardPair();
    const packet = ipv4('10.0.0.1', '10.0.0.2', 64);
    packet.set([0, 65], 2);
    pair.sendPacket('alice', packet);
    expect([...pair.alice.device.drops]).toEqual([['malformed-packet', 1]]);
  });
});

describe('roaming', () => {
  const ELSEWHERE = { address: '203.0.113.7', port: 7 };

  it('follows the source of an authentic message', () => {
    const pair = WireguardPair.established();
    pair.alice.endpoint = ELSEWHERE;
    pair.send('alice');
    pair.settle();
    expect(pair.bob.peer.endpoint).toEqual(ELSEWHERE);
    expect(pair.bob.events()).toEqual([
      { type: 'endpoint-changed', peer: pair.bob.peer, endpoint: ELSEWHERE },
    ]);
    pair.send('bob');
    expect(pair.sent(DATA, 'bob')[0]!.destination).toEqual(ELSEWHERE);
  });

  it('follows an initiation', () => {
    const pair = WireguardPair.established();
    pair.advance(6_000);
    pair.alice.endpoint = ELSEWHERE;
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
    expect(pair.bob.peer.endpoint).toEqual(ELSEWHERE);
    expect(pair.sent(RESPONSE)[0]!.destination).toEqual(ELSEWHERE);
  });

  it('does not follow a replay or a message that does not decrypt', () => {
    const pair = WireguardPair.established();
    pair.send('alice');
    pair.settle();
    const [recorded] = pair.sent(DATA, 'alice');
    const known = pair.bob.peer.endpoint;
    pair.inject('bob', recorded!.bytes, ELSEWHERE);
    const forged = recorded!.bytes.slice();
    forged[forged.length - 1]! ^= 1;
    pair.inject('bob', forged, ELSEWHERE);
    expect(pair.bob.peer.endpoint).toBe(known);
    expect(pair.bob.device.drops.of('replayed')).toBe(1);
    expect(pair.bob.device.drops.of('bad-tag')).toBe(1);
  });

  it('uses the endpoint that the caller sets', () => {
    const pair = WireguardPair.established();
    pair.alice.peer.setEndpoint(ELSEWHERE);
    pair.send('alice');
    expect(pair.sent(DATA, 'alice')[0]!.destination).toEqual(ELSEWHERE);
  });
});

describe('setPrivateKey', () => {
  it('ends the sessions of the old key, and allows a handshake with the new one at once', () => {
    const pair = WireguardPair.established();
    pair.alice.device.setPrivateKey(seededBytes(77, 32));
    expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
    pair.bob.device.removePeer(pair.bob.peer);
    pair.bob.peer = pair.bob.device.addPeer(
      { publicKey: pair.alice.device.publicKey, allowedIps: prefixes('10.0.0.1/32') },
      pair.now,
    );
    const packet = pair.send('alice');
    pair.settle();
    expect(pair.bob.received).toEqual([packet]);
  });

  it('removes a peer with the new local key', () => {
    const device = createDevice();
    const publicKey = createNodeCrypto().publicKey(seededBytes(1, 32));
    const peer = device.addPeer({ publicKey, allowedIps: prefixes('10.0.0.0/8') }, 0);
    device.setPrivateKey(seededBytes(1, 32));
    expect(peer.isRemoved).toBe(true);
    expect([...device.peers]).toEqual([]);
  });

  it('still accepts packets in flight to the old session', () => {
    const pair = WireguardPair.established();
    const packet = pair.send('bob');
    pair.alice.device.setPrivateKey(seededBytes(77, 32));
    pair.settle();
    expect(pair.alice.received).toEqual([packet]);
    expect(pair.sent(INITIATION, 'alice')).toEqual([]);
  });
});

it('discardSessions ends all sessions; the next packet begins a handshake', () => {
  const pair = WireguardPair.established();
  expect(pair.alice.device.tableSizes.sessionIndices).toBe(1);
  pair.alice.device.discardSessions();
  expect(pair.alice.device.tableSizes.sessionIndices).toBe(0);
  expect(pair.alice.device.nextTimeout()).toBe(Infinity);
  const packet = pair.send('alice');
  expect(pair.sent(DATA)).toEqual([]);
  pair.settle();
  expect(pair.bob.received).toEqual([packet]);
});

it('lastTimestamp of one process is the floor for the next process', () => {
  const first = new WireguardPair();
  first.send('alice');
  const { lastTimestamp } = first.alice.device;
  const transmitted: Uint8Array[] = [];
  const second = new Device({
    privateKey: seededBytes(50, 32),
    crypto: createNodeCrypto(),
    entropy: seededEntropy(50),
    wallClock: { unixMilliseconds: () => 0 },
    mtu: 1420,
    sink: { transmit: (bytes) => transmitted.push(bytes), deliver: () => undefined },
    lastTimestamp: lastTimestamp!,
  });
  expect(second.lastTimestamp).toEqual(lastTimestamp);
  const peer = second.addPeer(
    { publicKey: first.bob.device.publicKey, endpoint: ENDPOINT, allowedIps: [] },
    0,
  );
  second.initiateHandshake(peer, 0);
  expect(transmitted).toHaveLength(1);
  const compare = Buffer.compare(second.lastTimestamp!, lastTimestamp!);
  expect(compare).toBe(1);
  second.removePeer(peer);
  expect(Buffer.compare(second.lastTimestamp!, lastTimestamp!)).toBe(1);
});

describe('lastTimestamp', () => {
  it('is the other process’s timestamp if that is later and the key is set afterwards', () => {
    const [early, late] = [0x0b, 0x1d].map((last) =>
      fromHex(`400000000000000b${last.toString(16).padStart(2, '0')}000000`),
    ) as [Uint8Array, Uint8Array];
    const device = createDevice([], { lastTimestamp: early });
    device.stampLaterThan(late);
    expect(device.lastTimestamp).toEqual(late);
    device.stampLaterThan(early);
    expect(device.lastTimestamp).toEqual(late);
  });

  it('is undefined before the first initiation, and a copy of the given value', () => {
    expect(createDevice().lastTimestamp).toBeUndefined();
    const lastTimestamp = fromHex('400000000000000b1d000000');
    const device = createDevice([], { lastTimestamp });
    lastTimestamp.fill(0);
    expect(device.lastTimestamp).toEqual(fromHex('400000000000000b1d000000'));
  });

  it('is the latest of all peers', () => {
    let unixMilliseconds = 60_000;
    const device = createDevice([], { wallClock: { unixMilliseconds: () => unixMilliseconds } });
    const add = (seed: number) =>
      device.addPeer(
        { publicKey: seededBytes(seed, 32), endpoint: ENDPOINT, allowedIps: [] },
        unixMilliseconds,
      );
    const peers = [add(1), add(2), add(3)];
    device.initiateHandshake(peers[1]!, unixMilliseconds);
    const latest = device.lastTimestamp;
    expect(latest).toEqual(fromHex('400000000000004600000000'));
    unixMilliseconds = 30_000;
    device.initiateHandshake(peers[2]!, unixMilliseconds);
    expect(peers[2]!.handshake.lastSentTimestamp).toEqual(fromHex('400000000000002800000000'));
    expect(device.lastTimestamp).toEqual(latest);
  });
});

describe('when the clocks disagree', () => {
  it('ends all sessions before it sends under them', () => {
    const pair = WireguardPair.established();
    pair.alice.wallClockOffset += 600_000;
    const packet = pair.send('alice');
    expect(pair.sent(DATA)).toEqual([]);
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(1);
    expect(pair.alice.events()).toEqual([{ type: 'clock-jumped', by: 600_000 }]);
    pair.settle();
    expect(pair.bob.received).toEqual([packet]);
  });

  it.each(['a packet', 'a handshake'])('starts a handshake at once if %s waits', (what) => {
    const pair = new WireguardPair();
    pair.link = () => false;
    if (what === 'a packet') pair.send('alice');
    else pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.advance(1_000);
    pair.alice.wallClockOffset -= 5_000;
    pair.alice.device.handleTimeout(pair.now);
    expect(pair.sent(INITIATION)).toHaveLength(2);
    expect(pair.alice.device.nextTimeout()).toBeGreaterThan(pair.now);
  });

  it('does not start or schedule a handshake if no packet waits', () => {
    const pair = WireguardPair.established();
    pair.send('alice');
    pair.settle();
    pair.alice.wallClockOffset += 5_000;
    pair.bob.wallClockOffset += 5_000;
    pair.captured.length = 0;
    pair.advance(600_000);
    pair.alice.device.handleTimeout(pair.now);
    expect(pair.captured).toEqual([]);
    expect(pair.alice.device.nextTimeout()).toBe(Infinity);
  });

  it('does not retry an abandoned handshake', () => {
    const pair = new WireguardPair();
    pair.link = () => false;
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.advance(200_000);
    pair.captured.length = 0;
    pair.alice.wallClockOffset += 5_000;
    pair.alice.device.handleTimeout(pair.now);
    expect(pair.captured).toEqual([]);
  });

  it('sends at most one initiation in 5 s after the first, however the clocks disagree', () => {
    const pair = new WireguardPair();
    pair.link = () => false;
    for (let step = 0; step < 100; step++) {
      pair.alice.wallClockOffset += step % 2 === 0 ? 1_500 : -1_500;
      pair.send('alice');
      pair.advance(200);
    }
    const moments = pair.sent(INITIATION).map(({ at }) => at);
    const gaps = moments.slice(1).map((at, index) => at - moments[index]!);
    expect(moments.length).toBeGreaterThanOrEqual(4);
    expect(gaps.filter((gap) => gap < 5_000).length).toBeLessThanOrEqual(1);
  });

  it('sends the initiation that was delayed while the clock was changed', () => {
    let isKnown = false;
    const pair = new WireguardPair();
    const { device } = pair.alice;
    device.removePeer(pair.alice.peer);
    const peer = device.addPeer(
      {
        publicKey: pair.bob.device.publicKey,
        allowedIps: prefixes('10.0.0.2/32'),
        chooseEndpoint: () => (isKnown ? pair.bob.endpoint : undefined),
      },
      pair.now,
    );
    device.initiateHandshake(peer, pair.now);
    expect(pair.sent(INITIATION)).toHaveLength(0);
    pair.advance(5_000);
    pair.alice.wallClockOffset += 1_000_000;
    isKnown = true;
    device.retryHandshake(peer, pair.now);
    expect(pair.sent(INITIATION)).toHaveLength(1);
  });

  it('schedules the keepalives again', () => {
    const idle = WireguardPair.established({ aliceKeepalive: 25_000 });
    idle.alice.wallClockOffset += 5_000;
    idle.alice.device.handleTimeout(idle.now);
    expect(idle.sent(INITIATION, 'alice')).toHaveLength(1);
  });
});

describe('retryHandshake', () => {
  it('sends another initiation 5 s after the last one', () => {
    const pair = new WireguardPair();
    const { device, peer } = pair.alice;
    pair.send('alice');
    pair.now += 4_999;
    device.retryHandshake(peer, pair.now);
    expect(pair.sent(INITIATION)).toHaveLength(1);
    pair.now += 1;
    device.retryHandshake(peer, pair.now);
    expect(pair.sent(INITIATION)).toHaveLength(2);
  });

  it('does nothing if no handshake is in progress or the peer was removed', () => {
    const pair = new WireguardPair();
    const { device, peer } = pair.alice;
    device.retryHandshake(peer, pair.now);
    expect(pair.captured).toEqual([]);
    device.initiateHandshake(peer, pair.now);
    device.removePeer(peer);
    pair.now += 5_000;
    device.retryHandshake(peer, pair.now);
    expect(pair.captured).toHaveLength(1);
    expect(device.drops.total).toBe(0);
  });
});

it('initiationNotSent replaces only an unsent initiation, until the device closes', () => {
  const transmitted: Uint8Array[] = [];
  const device = createDevice(transmitted);
  const publicKey = seededBytes(1, 32);
  const peer = device.addPeer({ publicKey, endpoint: ENDPOINT, allowedIps: [] }, 0);
  device.initiateHandshake(peer, 0);
  expect(device.initiationNotSent(new Uint8Array(148), 0)).toBe(false);
  expect(device.initiationNotSent(transmitted[0]!, 0)).toBe(true);
  expect(transmitted).toHaveLength(2);
  device.close();
  expect(device.initiationNotSent(transmitted[1]!, 0)).toBe(false);
  expect(transmitted).toHaveLength(2);
});

it('reports why a peer is silent', () => {
  const pair = new WireguardPair();
  pair.link = () => false;
  const { device, peer } = pair.alice;
  expect(device.silenceOf(peer, pair.now)).toBeUndefined();
  pair.send('alice');
  expect(device.silenceOf(peer, pair.now)).toBe('no-answer');
});

it('reports the earliest deadline of all peers', () => {
  const pair = new WireguardPair();
  const { device } = pair.alice;
  const later = device.addPeer(
    { publicKey: seededBytes(9, 32), endpoint: ENDPOINT, allowedIps: [], persistentKeepalive: 1 },
    pair.now + 1_000,
  );
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  expect(device.nextTimeout()).toBe(pair.now + 1_000);
  device.removePeer(later);
  expect(device.nextTimeout()).toBeGreaterThan(pair.now + 1_000);
  device.close();
});

it('removes a peer once; its key may be added again', () => {
  const device = createDevice();
  const options = { publicKey: seededBytes(1, 32), allowedIps: prefixes('10.0.0.0/8') };
  const first = device.addPeer(options, 0);
  device.removePeer(first);
  const second = device.addPeer(options, 0);
  device.removePeer(first);
  expect([...device.peers]).toEqual([second]);
  expect(device.peerFor(Uint8Array.of(10, 0, 0, 1))).toBe(second);
});

describe('close', () => {
  it('ends all sending and receiving', () => {
    const pair = WireguardPair.established({ aliceKeepalive: 1_000 });
    pair.send('bob');
    pair.alice.device.close();
    expect(pair.alice.device.tableSizes.sessionIndices).toBe(0);
    pair.settle();
    pair.captured.length = 0;
    pair.send('alice');
    pair.sendPacket('alice', new Uint8Array(20));
    pair.inject('alice', new Uint8Array(20));
    pair.advance(6_000);
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.advance(100);
    expect(pair.captured).toEqual([]);
    expect(pair.alice.device.drops.total).toBe(0);
    expect(pair.alice.received).toEqual([]);
    expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
    expect(pair.alice.device.nextTimeout()).toBe(Infinity);
    expect(() =>
      pair.alice.device.addPeer({ publicKey: seededBytes(1, 32), allowedIps: [] }, 0),
    ).toThrow(new RangeError('the device is closed'));
  });

  it('counts the packets that waited for a removed peer', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    pair.alice.device.removePeer(pair.alice.peer);
    pair.alice.device.removePeer(pair.alice.peer);
    expect(pair.alice.device.drops.of('staged-purged')).toBe(1);
    pair.settle();
    expect(pair.alice.device.drops.of('unexpected-response')).toBe(1);
  });
});

it('does not show a key when printed', () => {
  const psk = seededBytes(5, 32);
  const pair = WireguardPair.established({ alicePsk: psk, bobPsk: psk });
  const text = inspect(pair.alice, { depth: 20, maxArrayLength: null, showHidden: true });
  for (const key of [psk, seededBytes(1002, 32)]) {
    expect(text).not.toContain([...key.subarray(0, 4)].join(', '));
  }
  expect(text).toContain('publicKey');
});

it('does not answer a message without a valid mac1', () => {
  const pair = new WireguardPair();
  pair.send('alice');
  const [initiation] = pair.sent(INITIATION);
  pair.captured.length = 0;
  const wrongMac = initiation!.bytes.slice();
  wrongMac[120]! ^= 1;
  pair.inject('bob', wrongMac);
  for (const length of [0, 1, 31, 32, 64, 92, 147, 148, 149]) {
    for (const type of [0, 1, 2, 3, 4, 5]) {
      const bytes = new Uint8Array(length);
      bytes[0] = type;
      pair.inject('bob', bytes);
    }
  }
  expect(pair.captured).toEqual([]);
  const { drops } = pair.bob.device;
  expect(drops.of('bad-mac1')).toBe(3);
  expect(drops.of('bad-cookie')).toBe(1);
  expect(drops.of('unknown-session')).toBe(6);
  expect(drops.total).toBe(55);
  expect(pair.sent(COOKIE_REPLY)).toEqual([]);
});
