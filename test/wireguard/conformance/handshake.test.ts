/** Rows 1 to 4, 22, 23 and 38: the handshake messages and the sessions they create. */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Device } from '../../../src/wireguard/device.js';
import { IndexTable } from '../../../src/wireguard/handshake/index-table.js';
import { LOW_ORDER_POINTS } from '../../support/crypto-contract.js';
import { fromHex } from '../../support/hex.js';
import { COOKIE_REPLY, DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { seededBytes, seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { WireguardPair, ipv4, prefixes } from '../../support/pairs/wireguard-pair.js';
import { lowOrderKeyPair, readIndex, withMacs } from './whitepaper.js';
import { WhitepaperPeer } from './whitepaper-peer.js';

const PSK = seededBytes(5, 32);
const TO_ALICE = ipv4('10.0.0.2', '10.0.0.1', 96);
const TO_BOB = ipv4('10.0.0.1', '10.0.0.2', 96);

it('an initiation and the following messages are as in the whitepaper (row 1, initiator)', () => {
  expectInitiatorToAgree(undefined);
});

it('a response and the following messages are as in the whitepaper (row 1, responder)', () => {
  expectResponderToAgree(undefined);
});

it('a pre-shared key is mixed in, and a different one fails (row 1, both roles)', () => {
  expectInitiatorToAgree(PSK);
  expectResponderToAgree(PSK);
  const pair = new WireguardPair({ alicePsk: PSK, bobPsk: PSK });
  const alice = new WhitepaperPeer(pair, 'alice', { presharedKey: seededBytes(6, 32) });
  pair.inject('bob', alice.initiate());
  expect(alice.complete(pair.sent(RESPONSE, 'bob')[0]!.bytes)).toBe(false);
  const bob = new WhitepaperPeer(pair, 'bob', { presharedKey: seededBytes(6, 32) });
  pair.send('alice');
  pair.inject('alice', bob.respond(pair.sent(INITIATION, 'alice')[0]!.bytes));
  expect(pair.alice.peer.responsesRejected).toBe(1);
  expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
});

/** A device initiates to a whitepaper responder, and each side opens the messages of the other. */
function expectInitiatorToAgree(psk: Uint8Array | undefined): void {
  const pair = new WireguardPair({ ...(psk && { alicePsk: psk }) });
  const bob = new WhitepaperPeer(pair, 'bob', { presharedKey: psk });
  pair.sendPacket('alice', TO_BOB);
  const [initiation] = pair.sent(INITIATION, 'alice');
  expect(bob.stampOf(initiation!.bytes)).toHaveLength(12);
  pair.inject('alice', bob.respond(initiation!.bytes));
  const [data] = pair.sent(DATA, 'alice');
  pair.inject('alice', bob.seal(TO_ALICE));
  expect(bob.open(data!.bytes)).toEqual(TO_BOB);
  expect(pair.alice.received).toEqual([TO_ALICE]);
}

/** The same with a whitepaper initiator. */
function expectResponderToAgree(psk: Uint8Array | undefined): void {
  const pair = new WireguardPair({ ...(psk && { bobPsk: psk }) });
  const alice = new WhitepaperPeer(pair, 'alice', { presharedKey: psk });
  pair.inject('bob', alice.initiate());
  expect(alice.complete(pair.sent(RESPONSE, 'bob')[0]!.bytes)).toBe(true);
  pair.inject('bob', alice.seal(TO_BOB));
  pair.sendPacket('bob', TO_ALICE);
  expect(pair.bob.received).toEqual([TO_BOB]);
  expect(alice.open(pair.sent(DATA, 'bob')[0]!.bytes)).toEqual(TO_ALICE);
}

/** The same message with different reserved bytes and a valid mac1. */
function withReserved(
  pair: WireguardPair,
  message: Uint8Array,
  receiver: Uint8Array,
): Uint8Array[] {
  return [1, 2, 3].map((offset) => {
    const body = message.slice(0, message.length - 32);
    body[offset] = 1;
    return withMacs(pair.crypto, body, receiver);
  });
}

/** The same message, one byte too short and one byte too long. */
function wrongLengths(message: Uint8Array): Uint8Array[] {
  return [message.slice(0, -1), Uint8Array.of(...message, 0)];
}

it('an initiation of 147 or 149 bytes, or with reserved bits, is invalid (row 2, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  const message = alice.initiate();
  expect(message).toHaveLength(148);
  const { publicKey } = pair.bob.device;
  for (const bytes of [...wrongLengths(message), ...withReserved(pair, message, publicKey)]) {
    pair.inject('bob', bytes);
  }
  expect(pair.captured).toEqual([]);
  expect([...pair.bob.device.drops]).toEqual([['malformed', 5]]);
  pair.inject('bob', message);
  expect(pair.sent(RESPONSE, 'bob')).toHaveLength(1);
});

it('a response of 91 or 93 bytes, or with reserved bits, is invalid (row 2, initiator)', () => {
  const pair = new WireguardPair();
  const bob = new WhitepaperPeer(pair, 'bob');
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  const message = bob.respond(pair.sent(INITIATION)[0]!.bytes);
  expect(message).toHaveLength(92);
  const { publicKey } = pair.alice.device;
  for (const bytes of [...wrongLengths(message), ...withReserved(pair, message, publicKey)]) {
    pair.inject('alice', bytes);
  }
  expect([...pair.alice.device.drops]).toEqual([['malformed', 5]]);
  pair.inject('alice', message);
  expect(pair.alice.peer.hasSession(pair.now)).toBe(true);
});

it('a cookie reply of 63 or 65 bytes and data below 32 bytes are invalid (row 2, both roles)', () => {
  const pair = WireguardPair.established();
  for (const side of ['alice', 'bob'] as const) {
    const reply = new Uint8Array(64);
    reply[0] = COOKIE_REPLY;
    const data = new Uint8Array(31);
    data[0] = DATA;
    for (const bytes of [...wrongLengths(reply), data]) pair.inject(side, bytes);
    expect([...pair[side].device.drops]).toEqual([['malformed', 3]]);
    const reserved = new Uint8Array(32);
    reserved.set([DATA, 0, 0, 1]);
    pair.inject(side, reserved);
    expect([...pair[side].device.drops]).toEqual([['malformed', 4]]);
  }
});

it('nothing is ever sent to a public key of low order (row 3, initiator)', () => {
  const transmitted: Uint8Array[] = [];
  let now = 0;
  const device = new Device({
    privateKey: seededBytes(50, 32),
    crypto: createNodeCrypto(),
    entropy: seededEntropy(50),
    wallClock: { unixMilliseconds: () => now },
    mtu: 1420,
    sink: { transmit: (bytes) => transmitted.push(bytes), deliver: () => undefined },
  });
  for (const point of LOW_ORDER_POINTS) {
    device.addPeer(
      {
        publicKey: fromHex(point),
        endpoint: { address: '192.0.2.9', port: 51820 },
        persistentKeepalive: 1_000,
        allowedIps: prefixes('10.0.0.2/32'),
      },
      0,
    );
  }
  for (; now < 60_000; now += 1_000) device.handleTimeout(now);
  expect(transmitted).toEqual([]);
  expect(device.drops.of('low-order-key')).toBe(60 * LOW_ORDER_POINTS.length);
});

it('a response with a low-order ephemeral key is refused although its tag is valid (row 3, initiator)', () => {
  for (const point of LOW_ORDER_POINTS) {
    const pair = new WireguardPair();
    const bob = new WhitepaperPeer(pair, 'bob');
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    const [initiation] = pair.sent(INITIATION);
    pair.inject('alice', bob.respond(initiation!.bytes, lowOrderKeyPair(fromHex(point))));
    expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
    expect([...pair.alice.device.drops]).toEqual([['bad-handshake', 1]]);
  }
});

it('an initiation with a low-order ephemeral key is refused although its tags are valid (row 3, responder)', () => {
  for (const point of LOW_ORDER_POINTS) {
    const pair = new WireguardPair();
    const alice = new WhitepaperPeer(pair, 'alice');
    pair.inject('bob', alice.initiate({ ephemeral: lowOrderKeyPair(fromHex(point)) }));
    expect(pair.captured).toEqual([]);
    expect([...pair.bob.device.drops]).toEqual([['bad-handshake', 1]]);
  }
});

it('a private key is clamped: bits that X25519 ignores do not change it (row 3, both roles)', () => {
  const { crypto } = new WireguardPair();
  const clamped = seededBytes(1, 32);
  clamped[0]! &= 0b1111_1000;
  clamped[31] = (clamped[31]! & 0b0011_1111) | 0b0100_0000;
  const raw = clamped.slice();
  raw[0]! |= 0b0000_0111;
  raw[31]! |= 0b1000_0000;
  const other = crypto.publicKey(seededBytes(2, 32));
  expect(crypto.publicKey(raw)).toEqual(crypto.publicKey(clamped));
  expect(crypto.dh(raw, other)).toEqual(crypto.dh(clamped, other));
});

/** The sender indices of `count` handshake messages from one side. */
function indicesOf(side: 'alice' | 'bob', type: number, count: number): number[] {
  const pair = new WireguardPair();
  for (let index = 0; index < count; index++) {
    pair.alice.device.discardSessions();
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.advance(20);
  }
  return pair.sent(type, side).map(({ bytes }) => readIndex(bytes, 4));
}

function expectRandom(indices: number[]): void {
  expect(indices).toHaveLength(200);
  expect(new Set(indices).size).toBe(200);
  for (let bit = 0; bit < 32; bit++) {
    const ones = indices.filter((index) => (index >>> bit) & 1).length;
    // Five standard deviations of 200 fair coins.
    expect(Math.abs(ones - 100)).toBeLessThan(36);
  }
  const steps = indices.slice(1).map((index, at) => (index ^ indices[at]!) >>> 0);
  expect(new Set(steps).size).toBe(199);
}

it('each initiation has its own random index (row 4, initiator)', () => {
  expectRandom(indicesOf('alice', INITIATION, 200));
});

it('each response has its own random index (row 4, responder)', () => {
  expectRandom(indicesOf('bob', RESPONSE, 200));
});

it('an index in use is not assigned again (row 4, both roles)', () => {
  const values = [7, 7, 7, 8];
  const table = new IndexTable<object>({ fill: (bytes) => bytes.set([0, 0, 0, values.shift()!]) });
  const peer = {};
  expect([table.allocate(peer), table.allocate(peer)]).toEqual([7, 8]);
  expect(values).toEqual([]);
});

it('packets in flight under the old keys are accepted after a rekey (row 22, initiator)', () => {
  const pair = WireguardPair.established();
  const first = pair.alice.peer.keypairs.current!;
  pair.link = () => false;
  pair.send('bob');
  const [late] = pair.sent(DATA, 'bob');
  pair.link = () => true;
  pair.advance(5_000);
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  const { keypairs } = pair.alice.peer;
  expect(keypairs.current).not.toBe(first);
  expect([keypairs.previous, keypairs.next]).toEqual([first, undefined]);
  pair.inject('alice', late!.bytes);
  expect(pair.alice.received).toHaveLength(1);
  // After one more session, the first one is gone.
  pair.advance(5_000);
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  pair.inject('alice', late!.bytes);
  expect(pair.alice.device.drops.of('unknown-session')).toBe(1);
});

it('an unconfirmed session still waits after a local session begins first, and the old session is kept (row 22, initiator)', () => {
  const pair = WireguardPair.established();
  const { keypairs } = pair.alice.peer;
  const first = keypairs.current!;
  pair.advance(5_000);
  // Alice has answered Bob, and receives nothing more from him until her own handshake is complete.
  pair.link = ({ from, type }) => from === 'bob' && type === INITIATION;
  pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
  pair.settle();
  const waiting = keypairs.next!;
  expect(waiting.isInitiator).toBe(false);
  pair.advance(5_000);
  pair.link = () => true;
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  expect(keypairs.current!.createdAt).toBeGreaterThan(waiting.createdAt);
  expect([keypairs.previous, keypairs.next]).toEqual([first, waiting]);
});

it('a new session is not used before the initiator uses it; the old one stays in use (row 22, responder)', () => {
  const pair = WireguardPair.established();
  const { keypairs } = pair.bob.peer;
  const first = keypairs.current!;
  pair.advance(5_000);
  pair.link = ({ type, from }) => type !== DATA || from === 'bob';
  pair.send('alice');
  const [late] = pair.sent(DATA, 'alice');
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  expect([keypairs.current, keypairs.previous]).toEqual([first, undefined]);
  const second = keypairs.next!;
  // A packet in flight under the old session does not count as the first use of the new one.
  pair.inject('bob', late!.bytes);
  expect([pair.bob.received.length, keypairs.next]).toEqual([1, second]);
  pair.captured.length = 0;
  pair.send('bob');
  pair.settle();
  expect(readIndex(pair.sent(DATA, 'bob')[0]!.bytes, 4)).toBe(first.remoteIndex);
  expect(pair.alice.received).toHaveLength(1);

  pair.link = () => true;
  pair.send('alice');
  pair.settle();
  expect([keypairs.current, keypairs.previous, keypairs.next]).toEqual([second, first, undefined]);
  pair.captured.length = 0;
  pair.send('bob');
  expect(readIndex(pair.sent(DATA, 'bob')[0]!.bytes, 4)).toBe(second.remoteIndex);
});

it('a second session replaces the unconfirmed one, and the previous session is released (row 22, responder)', () => {
  const pair = WireguardPair.established();
  pair.advance(5_000);
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  const { keypairs } = pair.bob.peer;
  expect(keypairs.previous).toBeDefined();
  const current = keypairs.current!;
  pair.link = ({ type }) => type !== DATA;
  const waiting = [1, 2].map(() => {
    pair.advance(5_000);
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
    return keypairs.next!;
  });
  expect(waiting[0]).not.toBe(waiting[1]);
  expect([keypairs.current, keypairs.previous]).toEqual([current, undefined]);
  expect(waiting[0]!.sendingValid).toBe(false);
  expect(pair.bob.device.tableSizes.sessionIndices).toBe(2);
});

it('a response is answered at once with an empty packet if no packet waits (row 23, initiator)', () => {
  const pair = new WireguardPair();
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  expect(pair.sent(DATA).map(({ from, bytes }) => [from, bytes.length])).toEqual([['alice', 32]]);
  expect(pair.bob.peer.hasSession(pair.now)).toBe(true);
});

it('a response is answered at once with all waiting packets, without an empty packet (row 23, initiator)', () => {
  const pair = new WireguardPair();
  const packets = [pair.send('alice', 60), pair.send('alice', 61)];
  pair.settle();
  expect(pair.sent(DATA)).toHaveLength(2);
  expect(pair.bob.received).toEqual(packets);
});

it('waiting packets are sent after the first message under the new keys, not before (row 23, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  pair.inject('bob', alice.initiate());
  pair.sendPacket('bob', TO_ALICE);
  expect(pair.sent(DATA)).toEqual([]);
  alice.complete(pair.sent(RESPONSE)[0]!.bytes);
  pair.inject('bob', alice.seal(new Uint8Array(0)));
  expect(pair.sent(DATA).map(({ bytes }) => alice.open(bytes))).toEqual([TO_ALICE]);
});

/** One message of each kind, none with a valid mac1 or a known session. */
function strangersMessages(pair: WireguardPair, side: 'alice' | 'bob'): Uint8Array[] {
  const stranger = pair.crypto.publicKey(seededBytes(77, 32));
  const messages = [
    withMacs(pair.crypto, Uint8Array.of(INITIATION, ...new Uint8Array(115)), stranger),
    withMacs(pair.crypto, Uint8Array.of(RESPONSE, ...new Uint8Array(59)), stranger),
  ];
  for (const length of [0, 1, 31, 32, 64, 92, 147, 148, 149, 1_500]) {
    for (const type of [0, 1, 2, 3, 4, 5, 255]) {
      const bytes = seededBytes(length * 256 + type, length);
      if (length >= 4) bytes.set([type, 0, 0, 0]);
      messages.push(bytes);
    }
  }
  // A message that is valid except for one bit of its mac1.
  const other = new WhitepaperPeer(pair, side === 'alice' ? 'bob' : 'alice');
  const nearly = other.initiate();
  nearly[120]! ^= 1;
  return [...messages, nearly];
}

it('a message without a valid mac1 is never answered (row 38, responder)', () => {
  const pair = new WireguardPair();
  const messages = strangersMessages(pair, 'bob');
  for (const bytes of messages) pair.inject('bob', bytes);
  pair.advance(600_000);
  expect(pair.captured).toEqual([]);
  expect(pair.bob.device.drops.total).toBe(messages.length);
});

it('a message without a valid mac1 is not answered and does not end the pending handshake (row 38, initiator)', () => {
  const pair = new WireguardPair();
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  const [initiation] = pair.sent(INITIATION);
  const bob = new WhitepaperPeer(pair, 'bob');
  const response = bob.respond(initiation!.bytes);
  const forged = response.slice();
  forged[61]! ^= 1;
  for (const bytes of [...strangersMessages(pair, 'alice'), forged]) pair.inject('alice', bytes);
  expect(pair.captured).toHaveLength(1);
  pair.inject('alice', response);
  expect(pair.alice.peer.hasSession(pair.now)).toBe(true);
});
