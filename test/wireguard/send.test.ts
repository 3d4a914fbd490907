/** When something is sent, and what: rekeying, retries, staging, padding, counters. */
import { PACKET_HEADROOM, PACKET_TAILROOM, packetInSlot } from '../../src/lib/packet-slot.js';
import { DATA, INITIATION, RESPONSE } from '../support/message-types.js';
import { WireguardPair, ipv4 } from '../support/wireguard-pair.js';

const DEAF = () => false;

describe('retries of the handshake', () => {
  it('begins one per 5 s at most', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    for (let step = 0; step < 4; step++) {
      pair.send('alice');
      pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
      pair.advance(1_249);
    }
    expect(pair.sent(INITIATION)).toHaveLength(1);
  });

  it('retries after 5 s and up to a third of a second, and gives up after 20 messages', () => {
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
    expect(pair.alice.device.drops.get('staged-purged')).toBe(1);
  });

  it('begins anew with the next packet', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    pair.send('alice');
    pair.advance(200_000);
    pair.link = () => true;
    const packet = pair.send('alice');
    pair.settle();
    expect(pair.bob.received).toEqual([packet]);
  });

  it('does not give up while packets come', () => {
    const pair = new WireguardPair();
    pair.link = DEAF;
    for (let step = 0; step < 30; step++) {
      pair.send('alice');
      pair.advance(10_000);
      expect(pair.alice.peer.handshakeAttempts).toBeLessThan(3);
    }
    expect(pair.alice.events()).toEqual([]);
  });

  it('counts a response as a begun handshake', () => {
    const pair = WireguardPair.established();
    pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
    expect(pair.sent(INITIATION)).toEqual([]);
    pair.advance(5_000);
    pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
    expect(pair.sent(INITIATION, 'bob')).toHaveLength(1);
  });

  it('comes to a session where both begin at once', () => {
    const pair = new WireguardPair({ bobKnowsAlice: true });
    const [fromAlice, fromBob] = [pair.send('alice'), pair.send('bob')];
    pair.advance(12_000);
    expect(pair.bob.received).toEqual([fromAlice]);
    expect(pair.alice.received).toEqual([fromBob]);
  });
});

describe('staged packets', () => {
  it('keeps the newest 128', () => {
    const pair = new WireguardPair();
    const packets = Array.from({ length: 130 }, (_, index) => pair.send('alice', 100 + index));
    expect(pair.alice.peer.stagedPackets).toBe(128);
    expect(pair.alice.device.drops.get('staged-overflow')).toBe(2);
    pair.settle();
    expect(pair.bob.received).toEqual(packets.slice(2));
  });

  it('leaves a responder only after the initiator has used the session', () => {
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
});

describe('rekeying on send', () => {
  it.each([
    [119_900, 0],
    [120_000, 1],
  ])('at an age of %i ms: %i initiations of the initiator', (age, initiations) => {
    const pair = WireguardPair.established();
    pair.advance(age);
    pair.send('alice');
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(initiations);
    expect(pair.sent(DATA, 'alice')).toHaveLength(1);
  });

  it('is not for the responder', () => {
    const pair = WireguardPair.established();
    pair.advance(150_000);
    pair.send('bob');
    expect(pair.sent(INITIATION)).toEqual([]);
  });

  it.each(['alice', 'bob'] as const)('is for %s after 2^49 messages', (side) => {
    const pair = WireguardPair.established();
    pair.advance(5_000);
    pair[side].peer.keypairs.current!.sendingCounter = 2 ** 49;
    pair.send(side);
    expect(pair.sent(INITIATION, side)).toHaveLength(1);
    expect(pair.sent(DATA, side)).toHaveLength(1);
  });

  it('loses no packet, under way or new', () => {
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
    expect(pair.bob.received).toEqual(sent);
    expect(pair.alice.received).toHaveLength(400);
  });
});

describe('the end of a session', () => {
  it('sends nothing under a key of 180 s', () => {
    const pair = WireguardPair.established();
    pair.advance(180_000);
    expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
    pair.send('alice');
    expect(pair.sent(DATA)).toEqual([]);
    expect(pair.sent(INITIATION)).toHaveLength(1);
  });

  it('sends nothing from the last message on', () => {
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
  ])('a packet of %i bytes goes out as %i', (length, padded) => {
    const pair = WireguardPair.established({ mtu: 1_420 });
    const packet = pair.send('alice', length);
    expect(pair.sent(DATA)[0]!.bytes).toHaveLength(16 + padded + 16);
    pair.settle();
    expect(pair.bob.received).toEqual([packet]);
  });
});

it('pads with zeros, whatever stood in the slot', () => {
  const pair = WireguardPair.established();
  const slot = new Uint8Array(PACKET_HEADROOM + 97 + PACKET_TAILROOM).fill(0xff);
  packetInSlot(slot).set(ipv4('10.0.0.1', '10.0.0.2', 97));
  pair.alice.device.sendPackets([slot], pair.now);
  const { bytes } = pair.sent(DATA)[0]!;
  const { receiving } = pair.bob.peer.keypairs.current!;
  expect(receiving.open(bytes, 16, bytes.length - 16, 1)).toBe(true);
  expect(bytes.slice(16 + 97, 16 + 112)).toEqual(new Uint8Array(15));
});

it('counts as the kernel does: ten pings of 84 bytes each way (netns.sh)', () => {
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

it('never uses a counter twice', () => {
  const pair = WireguardPair.established();
  for (let index = 0; index < 50; index++) pair.send('alice');
  const counters = pair.sent(DATA).map(({ bytes }) => Buffer.from(bytes).readBigUInt64LE(8));
  expect(counters).toEqual(Array.from({ length: 50 }, (_, index) => BigInt(index + 1)));
});
