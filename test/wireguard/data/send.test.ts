/** When and what the device sends: rekeying, retries, staging, padding, counters. */
import { jest } from '@jest/globals';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import {
  PACKET_HEADROOM,
  PACKET_TAILROOM,
  packetInSlot,
} from '../../../src/lib/packets/packet-slot.js';
import { Device, type PeerOptions } from '../../../src/wireguard/device.js';
import { toHex } from '../../support/hex.js';
import { DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { seededBytes, seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { WireguardPair, ipv4, prefixes, type Side } from '../../support/pairs/wireguard-pair.js';
import { failingDh } from '../support/failing-dh.js';
import { openAt } from '../../support/transport-keys.js';

const DEAF = () => false;

describe('retries of the handshake', () => {
  it('begin at most once per 5 s', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    for (let step = 0; step < 4; step++) {
      pair.send('alice');
      pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
      pair.advance(1_249);
    }
    expect(pair.sent(INITIATION)).toHaveLength(1);
  });

  it('wait 5 s, and no longer', () => {
    const pair = new WireguardPair();
    const begin = pair.now;
    for (const after of [0, 4_999, 5_000, 9_999, 10_000]) {
      pair.now = begin + after;
      pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    }
    expect(pair.sent(INITIATION).map(({ at }) => at - begin)).toEqual([0, 5_000, 10_000]);
  });

  it('report the start of the handshake until it is complete', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    const begin = pair.now;
    pair.send('alice');
    expect(pair.alice.peer.handshakeBeganAt).toBe(begin);
    pair.advance(1_000);
    pair.send('alice');
    expect(pair.alice.peer.handshakeBeganAt).toBe(begin);
    pair.advance(5_000);
    expect(pair.sent(INITIATION)).toHaveLength(2);
    expect(pair.alice.peer.handshakeBeganAt).toBe(begin);
    pair.link = () => true;
    pair.advance(6_000);
    expect(pair.alice.peer.handshakeBeganAt).toBeUndefined();
  });

  it('restart the count at the next packet after giving up', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    const begin = pair.now;
    pair.send('alice');
    pair.advance(200_000);
    expect(pair.alice.peer.handshakeBeganAt).toBe(begin);
    pair.send('alice');
    expect(pair.alice.peer.handshakeBeganAt).toBe(pair.now);
  });

  it('are sent after 5 s plus up to a third of a second, and stop after 20 messages', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    pair.send('alice');
    pair.advance(200_000);

    const times = pair.sent(INITIATION).map(({ at }) => at);
    expect(times).toHaveLength(20);
    const gaps = times.slice(1).map((time, index) => time - times[index]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5_333);
    expect(new Set(gaps).size).toBeGreaterThan(10);
    expect(pair.alice.events()).toEqual([{ type: 'handshake-gave-up', peer: pair.alice.peer }]);
    expect(pair.alice.peer.stagedPackets).toBe(0);
    expect(pair.alice.device.drops.of('staged-purged')).toBe(1);
  });

  it('start again with the next packet', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    pair.send('alice');
    pair.advance(200_000);
    pair.link = () => true;
    const packet = pair.send('alice');
    pair.settle();
    expect(pair.bob.received).toEqual([packet]);
  });

  it('do not stop while packets arrive', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    for (let step = 0; step < 30; step++) {
      pair.send('alice');
      pair.advance(10_000);
      expect(pair.alice.peer.handshakeAttempts).toBeLessThan(3);
    }
    expect(pair.alice.events()).toEqual([]);
  });

  it('count a response as a started handshake', () => {
    const pair = WireguardPair.established();
    pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
    expect(pair.sent(INITIATION)).toEqual([]);
    pair.advance(5_000);
    pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
    expect(pair.sent(INITIATION, 'bob')).toHaveLength(1);
  });

  it('lead to a session when both ends begin at once', () => {
    const pair = new WireguardPair({ bobKnowsAlice: true });
    const [fromAlice, fromBob] = [pair.send('alice'), pair.send('bob')];
    pair.advance(12_000);
    expect(pair.bob.received).toEqual([fromAlice]);
    expect(pair.alice.received).toEqual([fromBob]);
  });
});

describe('staged packets', () => {
  it('are limited to the newest 128', () => {
    const pair = new WireguardPair();
    const packets = Array.from({ length: 130 }, (_, index) => pair.send('alice', 100 + index));
    expect(pair.alice.peer.stagedPackets).toBe(128);
    expect(pair.alice.device.drops.of('staged-overflow')).toBe(2);
    pair.settle();
    expect(pair.bob.received).toEqual(packets.slice(2));
  });

  it('leave a responder only after the initiator has used the session', () => {
    const pair = new WireguardPair({ bobKnowsAlice: true });
    pair.link = ({ type }) => type !== DATA;
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
    pair.send('bob');
    expect(pair.bob.peer.stagedPackets).toBe(1);
    expect(pair.sent(DATA, 'bob')).toEqual([]);
    pair.link = () => true;
    pair.send('alice');
    pair.settle();
    expect(pair.alice.received).toHaveLength(1);
  });

  it('leave a responder after its own handshake if its session is never confirmed', () => {
    const pair = new WireguardPair({ bobKnowsAlice: true });
    pair.link = ({ type, from }) => type !== DATA || from === 'bob';
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
    const packet = pair.send('bob');
    pair.advance(5_500);
    expect(pair.sent(INITIATION, 'bob')).toHaveLength(1);
    expect(pair.alice.received).toEqual([packet]);
  });
});

describe('rekeying on send', () => {
  it.each([
    [119_999, 0],
    [120_000, 1],
  ])('at an age of %i ms: %i initiations from the initiator', (age, initiations) => {
    const pair = WireguardPair.established();
    pair.advance(pair.alice.peer.keypairs.current!.createdAt + age - pair.now);
    pair.send('alice');
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(initiations);
    expect(pair.sent(DATA, 'alice')).toHaveLength(1);
  });

  it('is not done by the responder', () => {
    const pair = WireguardPair.established();
    pair.advance(150_000);
    pair.send('bob');
    expect(pair.sent(INITIATION)).toEqual([]);
  });

  it.each<[Side, number, number]>([
    ['alice', 2 ** 49 - 1, 0],
    ['alice', 2 ** 49, 1],
    ['bob', 2 ** 49, 1],
  ])('%s at counter %d: %i initiations', (side, counter, initiations) => {
    const pair = WireguardPair.established();
    pair.advance(5_000);
    pair[side].peer.keypairs.current!.sendingCounter = counter;
    pair.send(side);
    expect(pair.sent(INITIATION, side)).toHaveLength(initiations);
    expect(pair.sent(DATA, side)).toHaveLength(1);
  });

  it('does not lose packets, in flight or new', () => {
    const pair = WireguardPair.established({ latency: 40 });
    pair.advance(119_000);
    const sent: Uint8Array[] = [];
    for (let step = 0; step < 400; step++) {
      sent.push(pair.send('alice', 60 + step));
      pair.send('bob', 60 + step);
      pair.advance(5);
    }
    pair.advance(1_000);
    expect(pair.sent(RESPONSE)).toHaveLength(1);
    // Compared as texts, because printing the difference of 400 arrays takes minutes.
    expect(pair.bob.received.map(toHex)).toEqual(sent.map(toHex));
    expect(pair.alice.received).toHaveLength(400);
  });
});

describe('the end of a session', () => {
  it('sends nothing with a key that is 180 s old', () => {
    const pair = WireguardPair.established();
    pair.advance(180_000);
    expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
    pair.send('alice');
    expect(pair.sent(DATA)).toEqual([]);
    expect(pair.sent(INITIATION)).toHaveLength(1);
  });

  it('sends nothing from the last counter on', () => {
    const pair = WireguardPair.established();
    pair.advance(5_000);
    pair.alice.peer.keypairs.current!.sendingCounter = 2 ** 53 - 2 ** 13 - 1;
    pair.send('alice');
    expect(pair.sent(DATA)).toEqual([]);
    expect(pair.sent(INITIATION)).toHaveLength(1);
    pair.settle();
    expect(pair.bob.received).toHaveLength(1);
  });

  it('wipes all keys 540 s after the last session', () => {
    const pair = WireguardPair.established();
    pair.advance(539_000);
    expect(pair.alice.peer.keypairs.current).toBeDefined();
    pair.advance(1_000);
    expect(pair.alice.peer.keypairs.current).toBeUndefined();
    expect(pair.bob.peer.keypairs.current).toBeUndefined();
    expect(pair.captured).toEqual([]);
  });
});

describe('padding', () => {
  it.each([
    [20, 32],
    [96, 96],
    [97, 112],
    [1_408, 1_408],
    [1_409, 1_420],
    [1_420, 1_420],
  ])('a packet of %i bytes is sent as %i', (length, padded) => {
    const pair = WireguardPair.established({ mtu: 1_420 });
    const packet = pair.send('alice', length);
    expect(pair.sent(DATA)[0]!.bytes).toHaveLength(16 + padded + 16);
    pair.settle();
    expect(pair.bob.received).toEqual([packet]);
  });
});

it('pads with zeros, whatever the slot contained', () => {
  const pair = WireguardPair.established();
  const slot = new Uint8Array(PACKET_HEADROOM + 97 + PACKET_TAILROOM).fill(0xff);
  packetInSlot(slot).set(ipv4('10.0.0.1', '10.0.0.2', 97));
  pair.alice.device.sendPackets([slot], pair.now);
  const { bytes } = pair.sent(DATA)[0]!;
  const { receiving } = pair.bob.peer.keypairs.current!;
  expect(openAt(receiving, bytes, 16, bytes.length - 16, 1)).toBe(true);
  expect(bytes.slice(16 + 97, 16 + 112)).toEqual(new Uint8Array(15));
});

it('counts bytes as the kernel does: ten pings of 84 bytes each way (netns.sh)', () => {
  const pair = new WireguardPair();
  for (let ping = 0; ping < 10; ping++) {
    pair.send('alice', 84);
    pair.settle();
    pair.send('bob', 84);
    pair.settle();
  }
  expect(pair.alice.peer.txBytes).toBe(148 + 10 * 128);
  expect(pair.alice.peer.rxBytes).toBe(92 + 10 * 128);
  expect(pair.bob.peer.rxBytes).toBe(pair.alice.peer.txBytes);
  expect(pair.bob.peer.txBytes).toBe(pair.alice.peer.rxBytes);
});

it('does not stage a packet that can be sent, because staging allocates memory', () => {
  const pair = WireguardPair.established();
  const push = jest.spyOn(pair.alice.peer.staged, 'push');
  pair.send('alice');
  expect(pair.sent(DATA)).toHaveLength(1);
  expect(push).not.toHaveBeenCalled();
});

it('never uses a counter twice', () => {
  const pair = WireguardPair.established();
  for (let index = 0; index < 50; index++) pair.send('alice');
  const counters = pair.sent(DATA).map(({ bytes }) => Buffer.from(bytes).readBigUInt64LE(8));
  expect(counters).toEqual(Array.from({ length: 50 }, (_, index) => BigInt(index + 1)));
});

describe('a keepalive', () => {
  it('is an initiation if no session exists or the session has ended', () => {
    const pair = new WireguardPair({ aliceKeepalive: 200_000 });
    pair.advance(0);
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(1);
    pair.settle();
    pair.captured.length = 0;
    pair.advance(201_000);
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(1);
    expect(pair.sent(DATA, 'alice').map(({ bytes }) => bytes.length)).toEqual([32]);
  });

  it('is dropped without using a counter if the peer has no endpoint', () => {
    const pair = WireguardPair.established();
    pair.send('alice');
    pair.settle();
    pair.bob.peer.setEndpoint(undefined);
    pair.advance(20_000);
    expect(pair.sent(DATA, 'bob')).toEqual([]);
    expect(pair.bob.device.drops.of('no-endpoint')).toBe(1);
    expect(pair.bob.peer.keypairs.current!.sendingCounter).toBe(0);
  });

  it('renews an old key like a data packet', () => {
    const pair = WireguardPair.established({ aliceKeepalive: 120_000 });
    pair.advance(120_100);
    expect(pair.sent(DATA, 'alice').map(({ bytes }) => bytes.length)).toEqual([32, 32]);
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(1);
  });
});

it('reports how long a packet has been unanswered; keepalives need no answer', () => {
  const pair = WireguardPair.established({ aliceKeepalive: 1_000 });
  const { peer } = pair.alice;
  pair.advance(3_500);
  expect(pair.sent(DATA, 'alice').length).toBeGreaterThan(2);
  expect(peer.unansweredDataSince).toBeUndefined();
  const begin = pair.now;
  pair.send('alice');
  pair.advance(1_000);
  pair.send('alice');
  expect(peer.unansweredDataSince).toBe(begin);
  pair.send('bob');
  pair.settle();
  expect(peer.unansweredDataSince).toBeUndefined();
});

describe('a packet that cannot be sent', () => {
  it('is counted if the peer has no endpoint', () => {
    const pair = new WireguardPair();
    pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
    expect(pair.captured).toEqual([]);
    expect([...pair.bob.device.drops]).toEqual([['no-endpoint', 1]]);
    expect(pair.bob.peer.handshakeBeganAt).toBeUndefined();
  });

  it('is counted each time if no handshake is possible', () => {
    const device = lone().device;
    const peer = device.addPeer(
      { publicKey: new Uint8Array(32), endpoint: ENDPOINT, allowedIps: [] },
      0,
    );
    device.initiateHandshake(peer, 0);
    device.initiateHandshake(peer, 1);
    expect([...device.drops]).toEqual([['low-order-key', 2]]);
  });

  it('is counted if the initiation cannot be created, and leaves no state', () => {
    const { crypto, failAfter } = failingDh();
    const pair = new WireguardPair({ crypto });
    failAfter(0);
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    expect(pair.captured).toEqual([]);
    expect([...pair.alice.device.drops]).toEqual([['low-order-key', 1]]);
    expect(pair.alice.device.nextTimeout()).toBe(Infinity);
    expect(pair.alice.peer.handshakeBeganAt).toBeUndefined();
    expect(pair.alice.device.tableSizes.sessionIndices).toBe(0);
  });

  it('is counted if the response cannot be created, and leaves no state', () => {
    const { crypto, failAfter } = failingDh();
    const pair = new WireguardPair({ crypto });
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    // The first message identifies Alice to Bob.
    failAfter(1);
    pair.settle();
    expect(pair.sent(RESPONSE)).toEqual([]);
    expect([...pair.bob.device.drops]).toEqual([['bad-handshake', 1]]);
    expect(pair.bob.peer.keypairs.next).toBeUndefined();
    expect(pair.bob.device.tableSizes.sessionIndices).toBe(0);
  });
});

const ENDPOINT = { address: '192.0.2.9', port: 51820 };

/** A single device, and a record of its calls. */
function lone(peerOptions: Partial<PeerOptions> = {}) {
  const log: string[] = [];
  let time = 0;
  const messages: Uint8Array[] = [];
  const device = new Device({
    privateKey: seededBytes(50, 32),
    crypto: createNodeCrypto(),
    entropy: seededEntropy(50),
    wallClock: { unixMilliseconds: () => 1_000 + time },
    mtu: 1420,
    sink: {
      transmit: (bytes, { port }) => {
        log.push(`type ${bytes[0]} to ${port}`);
        messages.push(bytes);
      },
      deliver: () => undefined,
    },
    observer: {
      timestamp: (stamp) => log.push(`stamp ${toHex(stamp)}`),
      ephemeralKey: (key) => log.push(`ephemeral of ${key.length} bytes, ${key.join() !== ZEROS}`),
    },
  });
  const publicKey = createNodeCrypto().publicKey(seededBytes(1, 32));
  const peer = device.addPeer(
    { publicKey, endpoint: ENDPOINT, allowedIps: prefixes('10.0.0.2/32'), ...peerOptions },
    0,
  );
  /** Advances the wall clock too, so that the device does not detect a clock jump. */
  function at(now: number): number {
    time = now;
    return now;
  }
  return { device, peer, log, messages, at };
}

const ZEROS = new Uint8Array(32).join();

it('reports the ephemeral key and the timestamp before the initiation is sent', () => {
  const { device, peer, log } = lone();
  device.initiateHandshake(peer, 0);
  expect(log).toEqual([
    'ephemeral of 32 bytes, true',
    'stamp 400000000000000b00000000',
    'type 1 to 51820',
  ]);
});

describe('a peer with several possible addresses', () => {
  it('is resolved before each initiation', () => {
    let port = 1;
    const { device, peer, log, at } = lone({
      chooseEndpoint: () => ({ ...ENDPOINT, port: port++ }),
    });
    device.initiateHandshake(peer, at(0));
    device.initiateHandshake(peer, at(4_999));
    device.initiateHandshake(peer, at(5_000));
    expect(log.filter((line) => line.startsWith('type'))).toEqual(['type 1 to 1', 'type 1 to 2']);
    expect(peer.endpoint?.port).toBe(2);
  });

  it('receives nothing until its address is known, and then at once', () => {
    let known = false;
    const { device, peer, log, at } = lone({
      chooseEndpoint: () => (known ? ENDPOINT : undefined),
    });
    device.initiateHandshake(peer, at(1_000));
    expect(log).toEqual([]);
    expect(device.drops.total).toBe(0);
    expect(peer.handshakeBeganAt).toBe(1_000);
    known = true;
    device.retryHandshake(peer, at(1_100));
    expect(log.at(-1)).toBe('type 1 to 51820');
    expect(peer.handshakeBeganAt).toBe(1_000);
    device.retryHandshake(peer, at(6_099));
    expect(log.filter((line) => line.startsWith('type'))).toHaveLength(1);
    device.retryHandshake(peer, at(6_100));
    expect(log.filter((line) => line.startsWith('type'))).toHaveLength(2);
  });

  it('is not resolved again by a timer while its address is unknown', () => {
    const { device, peer, at } = lone({ chooseEndpoint: () => undefined });
    const slot = new Uint8Array(PACKET_HEADROOM + 64 + PACKET_TAILROOM);
    packetInSlot(slot).set(ipv4('10.0.0.1', '10.0.0.2', 64));
    device.sendPackets([slot], at(1_000));
    expect(peer.stagedPackets).toBe(1);
    expect(device.nextTimeout()).toBe(Infinity);
  });
});

describe('an initiation that the operating system refused', () => {
  it('is replaced at once, and not counted', () => {
    const { device, peer, log, messages } = lone();
    device.initiateHandshake(peer, 0);
    expect(device.initiationNotSent(messages[0]!, 1)).toBe(true);
    expect(log.filter((line) => line === 'type 1 to 51820')).toHaveLength(2);
    expect(peer.txBytes).toBe(148);
    expect(device.tableSizes.sessionIndices).toBe(1);
    // A newer initiation has replaced the first one.
    expect(device.initiationNotSent(messages[0]!, 2)).toBe(false);
    expect(messages).toHaveLength(2);
    device.close();
    expect(device.initiationNotSent(messages[1]!, 3)).toBe(false);
  });

  it('is not replaced if the refused message is of another type or was answered', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    pair.settle();
    pair.send('alice');
    const { device, peer } = pair.alice;
    const before = peer.txBytes;
    for (const { bytes } of pair.captured.slice()) {
      expect(device.initiationNotSent(bytes, pair.now)).toBe(false);
    }
    const initiation = pair.sent(INITIATION)[0]!.bytes;
    expect(pair.bob.device.initiationNotSent(initiation, pair.now)).toBe(false);
    expect(peer.txBytes).toBe(before);
    expect(pair.sent(INITIATION)).toHaveLength(1);
  });

  it('is not replaced if the refused message is data or has a session’s index while a handshake is in progress', () => {
    const pair = WireguardPair.established();
    pair.advance(6_000);
    const { device, peer } = pair.alice;
    device.initiateHandshake(peer, pair.now);
    const initiation = pair.sent(INITIATION)[0]!.bytes;
    const ofSession = initiation.slice();
    new DataView(ofSession.buffer).setUint32(4, peer.keypairs.current!.localIndex, true);
    expect(device.initiationNotSent(ofSession, pair.now)).toBe(false);
    const data = initiation.slice();
    data[0] = DATA;
    expect(device.initiationNotSent(data, pair.now)).toBe(false);
    expect(device.initiationNotSent(initiation, pair.now)).toBe(true);
  });
});
