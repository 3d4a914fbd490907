/** Rows 5 and 34: increasing timestamps, and clocks that jump. */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Device } from '../../../src/wireguard/device.js';
import { DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';
import { WireguardPair } from '../../support/pairs/wireguard-pair.js';
import { timestamp } from './whitepaper.js';
import { WhitepaperPeer } from './whitepaper-peer.js';

const STEP = 2 ** 24;
const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

/** Starts a handshake regardless of earlier ones, and reads its timestamp. */
function stampOf(pair: WireguardPair, bob: WhitepaperPeer): Uint8Array {
  pair.alice.device.discardSessions();
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  return bob.stampOf(pair.sent(INITIATION, 'alice').at(-1)!.bytes)!;
}

function isLater(stamp: Uint8Array, than: Uint8Array): boolean {
  return Buffer.compare(stamp, than) > 0;
}

it('a timestamp is TAI64N with its nanoseconds rounded down to 16.8 ms (row 5, initiator)', () => {
  const pair = new WireguardPair();
  const bob = new WhitepaperPeer(pair, 'bob');
  pair.alice.wallClockOffset = 1_767_225_600_999 - pair.now;
  const nanoseconds = 999_000_000 - (999_000_000 % STEP);
  expect(stampOf(pair, bob)).toEqual(timestamp(1_767_225_600, nanoseconds));
});

it('each timestamp is later than all previous ones, whatever the wall clock does (row 5, initiator)', () => {
  const pair = new WireguardPair();
  const bob = new WhitepaperPeer(pair, 'bob');
  let last = stampOf(pair, bob);
  for (const moves of [0, 0, 5, -YEAR, -60 * YEAR, 1, 70 * YEAR, -1, 0]) {
    pair.alice.wallClockOffset += moves;
    const stamp = stampOf(pair, bob);
    expect(isLater(stamp, last)).toBe(true);
    expect(Buffer.from(stamp).readUInt32BE(8) % STEP).toBe(0);
    last = stamp;
  }
});

it('the first timestamp is one step later than the last one of the previous process (row 5, initiator)', () => {
  const first = new WireguardPair();
  const bob = new WhitepaperPeer(first, 'bob');
  first.alice.wallClockOffset = 1_767_225_600_100 - first.now;
  const lastTimestamp = stampOf(first, bob);
  expect(lastTimestamp).toEqual(timestamp(1_767_225_600, 5 * STEP));
  const kept: Uint8Array[] = [];
  const sent: Uint8Array[] = [];
  const device = new Device({
    privateKey: first.alice.privateKey,
    crypto: createNodeCrypto(),
    entropy: seededEntropy(50),
    wallClock: { unixMilliseconds: () => 0 },
    mtu: 1420,
    sink: { transmit: (bytes) => sent.push(bytes.slice()), deliver: () => undefined },
    lastTimestamp,
    observer: {
      timestamp: (stamp) => {
        // The timestamp is reported before the initiation is sent. Otherwise the next process could
        // send an earlier one after a crash.
        expect(sent).toEqual([]);
        kept.push(stamp.slice());
      },
    },
  });
  const { publicKey } = first.bob.device;
  const { endpoint } = first.bob;
  device.initiateHandshake(device.addPeer({ publicKey, endpoint, allowedIps: [] }, 0), 0);
  expect(bob.stampOf(sent[0]!)).toEqual(timestamp(1_767_225_600, 6 * STEP));
  expect(kept).toEqual([timestamp(1_767_225_600, 6 * STEP)]);
});

it('an initiation is accepted only if its timestamp is later than the last accepted one (row 5, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  const answers = (stamp: Uint8Array) => {
    pair.advance(1_000);
    pair.captured.length = 0;
    pair.inject('bob', alice.initiate({ timestamp: stamp }));
    return pair.sent(RESPONSE).length;
  };
  expect(answers(timestamp(1_000, 500))).toBe(1);
  expect(answers(timestamp(1_000, 500))).toBe(0);
  expect(answers(timestamp(1_000, 499))).toBe(0);
  expect(answers(timestamp(999, 999_999_999))).toBe(0);
  expect(pair.bob.device.drops.of('replayed-initiation')).toBe(3);
  expect(answers(timestamp(1_000, 501))).toBe(1);
  expect(answers(timestamp(1_000, 500))).toBe(0);
  // A refused message has no effect, and neither has an unauthentic timestamp.
  const forged = alice.initiate({ timestamp: timestamp(9_000_000_000) });
  forged[90]! ^= 1;
  pair.inject('bob', forged);
  expect(answers(timestamp(1_001))).toBe(1);
});

it('a replayed initiation is not answered after the sessions have ended (row 5, responder)', () => {
  const pair = WireguardPair.established();
  pair.advance(5_000);
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  const [recorded] = pair.sent(INITIATION);
  pair.advance(HOUR);
  pair.bob.device.discardSessions();
  pair.captured.length = 0;
  pair.inject('bob', recorded!.bytes);
  expect(pair.captured).toEqual([]);
});

/** Moves the wall clock of one side by this much; the monotonic clock stands still. */
function move(pair: WireguardPair, side: 'alice' | 'bob', by: number): void {
  pair[side].wallClockOffset += by;
}

it.each([
  ['forward by ten minutes', 600_000],
  ['back by an hour', -HOUR],
  ['forward by a second', 1_000],
  ['back by a second', -1_000],
])('sessions end if the wall clock moves %s (row 34, both roles)', (_, by) => {
  for (const side of ['alice', 'bob'] as const) {
    const pair = WireguardPair.established();
    pair.send('alice');
    pair.settle();
    pair[side].events();
    move(pair, side, by);
    pair.captured.length = 0;
    pair.send(side);
    expect(pair.captured.map(({ from, type }) => [from, type])).toEqual([[side, INITIATION]]);
    expect(pair[side].events()).toEqual([{ type: 'clock-jumped', by }]);
  }
});

it('after a sleep, no packet is sent with the old keys, and the next one starts a handshake at once (row 34, initiator)', () => {
  // The handshake was less than REKEY_TIMEOUT ago, but does not delay the next one.
  const pair = WireguardPair.established();
  pair.send('alice');
  pair.settle();
  pair.alice.events();
  move(pair, 'alice', 600_000);
  pair.captured.length = 0;
  const packet = pair.send('alice');
  expect(pair.captured.map(({ type }) => type)).toEqual([INITIATION]);
  pair.settle();
  expect(pair.bob.received.at(-1)).toEqual(packet);
  expect(pair.alice.events()[0]).toEqual({ type: 'clock-jumped', by: 600_000 });
});

it('after a sleep, no packet is sent or accepted with the old keys (row 34, responder)', () => {
  const pair = WireguardPair.established();
  pair.send('alice');
  pair.settle();
  const delivered = pair.bob.received.length;
  pair.link = () => false;
  pair.send('alice');
  const [late] = pair.sent(DATA, 'alice').slice(-1);
  move(pair, 'bob', -YEAR);
  pair.captured.length = 0;
  pair.inject('bob', late!.bytes);
  expect(pair.bob.received).toHaveLength(delivered);
  expect(pair.bob.device.drops.of('unknown-session')).toBe(1);
  pair.send('bob');
  expect(pair.captured.map(({ type }) => type)).toEqual([INITIATION]);
});

it('a clock that moves by less than a second does not end sessions until the moves add up (row 34, both roles)', () => {
  for (const side of ['alice', 'bob'] as const) {
    const pair = WireguardPair.established();
    pair.send('alice');
    pair.settle();
    for (const by of [999, -999, 400, 400]) {
      move(pair, side, by);
      pair.send(side);
      pair.settle();
    }
    expect(pair[side].peer.hasSession(pair.now)).toBe(true);
    move(pair, side, 201);
    pair.send(side);
    expect(pair[side].peer.hasSession(pair.now)).toBe(false);
    const by = expect.closeTo(1_001, 0) as number;
    expect(pair[side].events()).toContainEqual({ type: 'clock-jumped', by });
  }
});

it('a handshake in progress also ends with a sleep; a waiting packet starts another one at once (row 34, initiator)', () => {
  const pair = new WireguardPair();
  pair.advance(1);
  pair.link = () => false;
  const packet = pair.send('alice');
  const bob = new WhitepaperPeer(pair, 'bob');
  const late = bob.respond(pair.sent(INITIATION)[0]!.bytes);
  move(pair, 'alice', 60_000);
  pair.inject('alice', late);
  expect(pair.alice.device.drops.of('unexpected-response')).toBe(1);
  expect(pair.sent(INITIATION)).toHaveLength(2);
  pair.inject('alice', bob.respond(pair.sent(INITIATION)[1]!.bytes));
  expect(bob.open(pair.sent(DATA)[0]!.bytes)!.subarray(0, 100)).toEqual(packet);
});

it('after a sleep a persistent keepalive is due at once (row 34, both roles)', () => {
  for (const side of ['alice', 'bob'] as const) {
    const pair = WireguardPair.established({ aliceKeepalive: 25_000, bobKeepalive: 25_000 });
    pair.advance(1_000);
    pair.captured.length = 0;
    move(pair, side, 600_000);
    pair[side].device.handleTimeout(pair.now);
    expect(pair.captured.map(({ from, type }) => [from, type])).toEqual([[side, INITIATION]]);
  }
});

it('the end of the old keys does not end the handshake for new keys (row 34, initiator)', () => {
  const pair = WireguardPair.established({ latency: 40 });
  pair.advance(0);
  // The keys would be wiped 540 s after their creation, between initiation and response.
  pair.advance(539_950);
  move(pair, 'alice', 60_000);
  const packet = pair.send('alice');
  pair.advance(200);
  expect(pair.bob.received).toEqual([packet]);
});
