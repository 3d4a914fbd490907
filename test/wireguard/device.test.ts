/** The life of a device: peers, the first handshake, roaming, key changes, closing. */
import { createNodeCrypto } from '../../src/crypto/node.js';
import { Device, type DeviceOptions } from '../../src/wireguard/device.js';
import { fromHex } from '../support/hex.js';
import { seededBytes, seededEntropy } from '../support/fakes/seeded-entropy.js';
import { DATA, INITIATION } from '../support/message-types.js';
import { WireguardPair, ipv6, prefixes } from '../support/pairs/wireguard-pair.js';

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
  it('fails with different pre-shared keys, and reports it', () => {
    const pair = new WireguardPair({ alicePsk: seededBytes(1, 32), bobPsk: seededBytes(2, 32) });
    pair.send('alice');
    pair.settle();
    expect(pair.alice.peer.responsesRejected).toBe(1);
    expect(pair.alice.peer.lastResponseRejected).toBe(pair.now);
    expect(pair.alice.device.drops.of('bad-handshake')).toBe(1);
    expect(pair.bob.received).toEqual([]);
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
});
