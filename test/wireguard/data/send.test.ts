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
import { WireguardPair, ipv4, prefixes } from '../../support/pairs/wireguard-pair.js';
import { failingDh } from '../support/failing-dh.js';

const DEAF = () => false;

describe('retries of the handshake', () => {
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
});

it('does not stage a packet that can be sent, because staging allocates memory', () => {
  const pair = WireguardPair.established();
  const push = jest.spyOn(pair.alice.peer.staged, 'push');
  pair.send('alice');
  expect(pair.sent(DATA)).toHaveLength(1);
  expect(push).not.toHaveBeenCalled();
});

describe('a keepalive', () => {
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
