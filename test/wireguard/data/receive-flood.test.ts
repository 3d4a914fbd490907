/**
 * What a flood of handshake initiations with a valid mac1 may cost: a limited number of messages
 * per turn and per second, in virtual time.
 */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import type { Datagram, Endpoint } from '../../../src/ports/datagram.js';
import {
  MAX_STRANGERS,
  STRANGERS_PER_TURN,
} from '../../../src/wireguard/handshake/stranger-queue.js';
import { COOKIE_REPLY, DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';
import { WireguardPair, type Side } from '../../support/pairs/wireguard-pair.js';
import { withMacs } from '../conformance/whitepaper.js';

const ROUND_TRIP = 20;
const LONGEST_RETRY = 5_000 + 333;
/** The initiations per ms in a flood. */
const PER_TURN = 30;
/** The number of messages that may be read per second, and at once before the limits apply. */
const PER_SECOND = 2_000 + 64 * 16;
const AT_ONCE = 2_048 + 64 * 16 + 512;

/** An initiation with a valid mac1 from an unknown key, as anyone who knows the key can send. */
function strangersInitiation(pair: WireguardPair, side: Side): Uint8Array {
  const body = Uint8Array.of(INITIATION, 0, 0, 0, ...seededBytes(3, 112));
  return withMacs(pair.crypto, body, pair[side].device.publicKey);
}

/** `count` copies of a message, from `sources` sources in turn. */
function flood(bytes: Uint8Array, count: number, sources = 1, first = 0): Datagram[] {
  return Array.from({ length: count }, (_, index) => {
    return { bytes: bytes.slice(), endpoint: stranger((first + index) % sources) };
  });
}

function stranger(host: number): Endpoint {
  return { address: `203.0.${host >> 8}.${host & 255}`, port: 666 };
}

function readBy(pair: WireguardPair, side: Side): number {
  const { drops } = pair[side].device;
  return drops.total - drops.of('handshake-overload');
}

it('reads all data of a turn before it reads at most 8 initiations', () => {
  const real = createNodeCrypto();
  let onDh = (): void => undefined;
  const crypto = {
    ...real,
    dh: (...keys: Parameters<typeof real.dh>) => {
      onDh();
      return real.dh(...keys);
    },
  };
  const pair = WireguardPair.established({ crypto });
  pair.link = () => false;
  for (let count = 0; count < 3; count++) pair.send('alice');
  const data = pair.sent(DATA, 'alice').map(({ bytes }) => {
    return { bytes: bytes.slice(), endpoint: pair.alice.endpoint };
  });
  const deliveredBefore: number[] = [];
  onDh = () => void deliveredBefore.push(pair.bob.received.length);
  const initiations = flood(strangersInitiation(pair, 'bob'), 1_000);
  pair.bob.device.handleDatagrams([...initiations, ...data], pair.now);
  expect(pair.bob.received).toHaveLength(3);
  expect(readBy(pair, 'bob')).toBe(STRANGERS_PER_TURN);
  expect(deliveredBefore).toEqual(Array.from({ length: STRANGERS_PER_TURN }, () => 3));
});

it('keeps at most 512 initiations for later turns, and reads 8 of them per ms', () => {
  const pair = new WireguardPair();
  const { device } = pair.bob;
  device.handleDatagrams(flood(strangersInitiation(pair, 'bob'), 10_000), pair.now);
  expect(device.tableSizes.waitingHandshakes).toBe(MAX_STRANGERS - STRANGERS_PER_TURN);
  expect(device.drops.of('handshake-overload')).toBe(10_000 - MAX_STRANGERS);
  pair.advance(10);
  expect(readBy(pair, 'bob')).toBe(11 * STRANGERS_PER_TURN);
  pair.advance(MAX_STRANGERS / STRANGERS_PER_TURN - 10);
  expect(device.tableSizes.waitingHandshakes).toBe(0);
  expect(readBy(pair, 'bob')).toBe(MAX_STRANGERS);
  expect(device.nextTimeout()).toBe(Infinity);
});

it('forgets waiting initiations when it closes', () => {
  const pair = new WireguardPair();
  const { device } = pair.bob;
  device.handleDatagrams(flood(strangersInitiation(pair, 'bob'), 100), pair.now);
  device.close();
  expect(device.tableSizes.waitingHandshakes).toBe(0);
  expect(device.nextTimeout()).toBe(Infinity);
});

it('reads the response to its own initiation in the same turn, after 10,000 initiations', () => {
  const pair = new WireguardPair();
  pair.link = ({ from }) => from === 'alice';
  pair.send('alice');
  pair.settle();
  const [response] = pair.sent(RESPONSE, 'bob');
  const initiations = flood(strangersInitiation(pair, 'alice'), 10_000);
  const answer = { bytes: response!.bytes.slice(), endpoint: pair.bob.endpoint };
  pair.alice.device.handleDatagrams([...initiations, answer], pair.now);
  expect(pair.alice.peer.hasSession(pair.now)).toBe(true);
  expect(readBy(pair, 'alice')).toBe(STRANGERS_PER_TURN);
});

it('reads a cookie reply to its own initiation in the same turn, after 10,000 initiations', () => {
  const pair = new WireguardPair();
  pair.link = ({ from }) => from === 'alice';
  const initiations = flood(strangersInitiation(pair, 'bob'), 512);
  for (const datagram of initiations) pair.bob.device.handleDatagrams([datagram], pair.now);
  pair.send('alice');
  pair.advance(ROUND_TRIP);
  const reply = pair.sent(COOKIE_REPLY, 'bob').at(-1)!;
  expect(reply.destination).toEqual(pair.alice.endpoint);
  const answer = { bytes: reply.bytes.slice(), endpoint: pair.bob.endpoint };
  const batch = [...flood(strangersInitiation(pair, 'alice'), 10_000), answer];
  pair.alice.device.handleDatagrams(batch, pair.now);
  expect(pair.alice.peer.cookieReceivedAt).toBe(pair.now);
  expect(readBy(pair, 'alice')).toBe(STRANGERS_PER_TURN);
});

it('limits responses and cookie replies from someone who reads its index in the network', () => {
  const pair = new WireguardPair();
  pair.link = () => false;
  pair.send('alice');
  const index = pair.sent(INITIATION)[0]!.bytes.slice(4, 8);
  const body = Uint8Array.of(RESPONSE, 0, 0, 0, 1, 2, 3, 4, ...index, ...seededBytes(5, 48));
  const response = withMacs(pair.crypto, body, pair.alice.device.publicKey);
  pair.alice.device.handleDatagrams(flood(response, 600), pair.now);
  expect(pair.alice.device.drops.of('bad-handshake')).toBe(2 * STRANGERS_PER_TURN);
  pair.advance(1_000);
  const before = pair.alice.device.drops.of('bad-cookie');
  const reply = Uint8Array.of(COOKIE_REPLY, 0, 0, 0, ...index, ...seededBytes(6, 56));
  pair.alice.device.handleDatagrams(flood(reply, 600), pair.now);
  expect(pair.alice.device.drops.of('bad-cookie') - before).toBe(STRANGERS_PER_TURN);
});

/** Sends `side` a turn of 30 initiations each ms; returns how many it read. */
function floodFor(pair: WireguardPair, side: Side, duration: number, sources: number): number {
  const bytes = strangersInitiation(pair, side);
  const before = readBy(pair, side);
  for (let passed = 0; passed < duration; passed++) {
    const turn = flood(bytes, PER_TURN, sources, passed * PER_TURN);
    // Just before other messages arrive, so that the flood uses up the shared limit.
    pair.advance(1 - 1 / 16);
    pair[side].device.handleDatagrams(turn, pair.now);
    pair.advance(1 / 16);
  }
  return readBy(pair, side) - before;
}

it('reads a limited number of 30,000 initiations per second from many sources', () => {
  const pair = WireguardPair.established();
  pair.link = ({ type }) => type !== COOKIE_REPLY;
  const duration = 250;
  const share = PER_SECOND / 4;
  expect(floodFor(pair, 'bob', duration, 10_000)).toBeLessThanOrEqual(AT_ONCE + share);
  const cookies = pair.sent(COOKIE_REPLY, 'bob').length;
  const read = floodFor(pair, 'bob', duration, 10_000);
  expect(read).toBeGreaterThanOrEqual(2_000 / 4);
  expect(read).toBeLessThanOrEqual(share + 64);
  expect(pair.sent(COOKIE_REPLY, 'bob').length - cookies).toBeGreaterThanOrEqual(2_000 / 4);
});

it.each(['alice', 'bob'] as const)(
  'completes a handshake at its second attempt while other sources flood %s',
  (side) => {
    const pair = WireguardPair.established();
    pair.link = ({ type, destination }) =>
      type !== COOKIE_REPLY || !destination.address.startsWith('203.0.');
    floodFor(pair, side, 200, 4);
    pair.alice.device.discardSessions();
    pair.send('alice');
    const began = pair.now;
    floodFor(pair, side, 50, 4);
    // Until just before the retry, a flood would only take longer to simulate.
    pair.advance(4_700);
    while (!pair.alice.peer.hasSession(pair.now) && pair.now - began < 12_000) {
      floodFor(pair, side, 1, 4);
      pair.captured.length = 0;
    }
    expect(pair.now - began).toBeLessThanOrEqual(LONGEST_RETRY + 2 * ROUND_TRIP);
    expect(pair.now - began).toBeGreaterThan(ROUND_TRIP);
  },
);
