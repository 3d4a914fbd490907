/** Rows 12 to 14 and 18 to 21: messages that a peer sends without a packet to send. */
import { DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { WireguardPair, type Capture, type Side } from '../../support/pairs/wireguard-pair.js';
import { WhitepaperPeer } from './whitepaper-peer.js';

const DEAF = () => false;
const SIDES = ['alice', 'bob'] as const;

function other(side: Side): Side {
  return side === 'alice' ? 'bob' : 'alice';
}

function times(messages: readonly Capture[], since: number): number[] {
  return messages.map(({ at }) => at - since);
}

function keepalives(pair: WireguardPair, side: Side): Capture[] {
  return pair.sent(DATA, side).filter(({ bytes }) => bytes.length === 32);
}

it('initiations are at least 5 s apart, whatever requests a handshake (row 12, initiator)', () => {
  const pair = new WireguardPair({ aliceKeepalive: 1_000 });
  pair.link = DEAF;
  for (let step = 0; step < 600; step++) {
    pair.send('alice');
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.advance(99);
  }
  const at = times(pair.sent(INITIATION, 'alice'), 0);
  const gaps = at.slice(1).map((time, index) => time - at[index]!);
  expect(gaps).toHaveLength(11);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5_000);
});

it('an initiation 5 s after the last one is sent at once (row 12, initiator)', () => {
  const pair = WireguardPair.established();
  const sentAfter = (wait: number) => {
    pair.advance(wait);
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    return pair.sent(INITIATION, 'alice').length;
  };
  // The first one was sent 30 ms ago.
  expect([sentAfter(4_969), sentAfter(1)]).toEqual([0, 1]);
});

it('a response also starts the 5 s (row 12, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  pair.inject('bob', alice.initiate());
  const sentAfter = (wait: number) => {
    pair.advance(wait);
    pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
    return pair.sent(INITIATION, 'bob').length;
  };
  expect([sentAfter(0), sentAfter(4_999), sentAfter(1)]).toEqual([0, 0, 1]);
});

it('a packet after a response does not wait forever if the confirmation is lost (row 12, responder)', () => {
  const pair = new WireguardPair();
  pair.link = ({ type }) => type !== DATA;
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  const packet = pair.send('bob');
  pair.link = () => true;
  pair.advance(5_400);
  expect(pair.alice.received).toEqual([packet]);
  expect(pair.sent(INITIATION, 'bob')).toHaveLength(1);
});

it('a packet after a response does not start a handshake if the confirmation arrives (row 12, responder)', () => {
  const pair = new WireguardPair({ latency: 100 });
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.advance(100);
  pair.send('bob');
  pair.advance(60_000);
  expect(pair.alice.received).toHaveLength(1);
  expect(pair.sent(INITIATION, 'bob')).toEqual([]);
});

it('retries are sent after 5 s plus up to a third of a second, and end with the twentieth message (row 13, initiator)', () => {
  const gaps: number[] = [];
  for (const seed of [1, 2, 3, 4, 5]) {
    const pair = new WireguardPair({ seed });
    pair.link = DEAF;
    pair.send('alice');
    pair.advance(600_000);
    const at = times(pair.sent(INITIATION), 0);
    expect(at).toHaveLength(20);
    gaps.push(...at.slice(1).map((time, index) => time - at[index]!));
    expect(pair.alice.events().map(({ type }) => type)).toEqual(['handshake-gave-up']);
  }
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5_000);
  expect(Math.max(...gaps)).toBeLessThan(5_333);
  // The gaps are spread over the whole third of a second.
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  expect(Math.abs(mean - 5_166)).toBeLessThan(50);
  expect(new Set(gaps).size).toBeGreaterThan(60);
});

it('giving up drops the waiting packets, and wipes the handshake 540 s later (rows 13, 18, initiator)', () => {
  const pair = new WireguardPair();
  pair.link = DEAF;
  pair.send('alice');
  pair.send('alice');
  for (let second = 0; pair.alice.events().length === 0; second++) {
    expect(second).toBeLessThan(120);
    expect(pair.alice.peer.stagedPackets).toBe(2);
    pair.advance(1_000);
  }
  expect(pair.alice.peer.stagedPackets).toBe(0);
  expect([...pair.alice.device.drops]).toEqual([['staged-purged', 2]]);
  expect(pair.alice.device.tableSizes.sessionIndices).toBe(1);
  pair.advance(538_000);
  expect(pair.alice.peer.handshake.awaitsResponse).toBe(true);
  pair.advance(3_000);
  expect(pair.alice.peer.handshake.awaitsResponse).toBe(false);
  expect(pair.alice.device.tableSizes.sessionIndices).toBe(0);
  expect(pair.alice.device.nextTimeout()).toBe(Infinity);
});

it('a new packet restarts the count, both during the retries and after them (row 13, initiator)', () => {
  const pair = new WireguardPair();
  pair.link = DEAF;
  for (let step = 0; step < 4; step++) {
    pair.send('alice');
    pair.advance(80_000);
  }
  expect(pair.alice.events()).toEqual([]);
  pair.advance(300_000);
  expect(pair.alice.events()).toHaveLength(1);
  const before = pair.sent(INITIATION).length;
  pair.send('alice');
  expect(pair.sent(INITIATION)).toHaveLength(before + 1);
  pair.link = () => true;
  pair.advance(5_400);
  expect(pair.bob.received).toHaveLength(1);
});

it('an initiation is answered once, and the response is never retransmitted (row 13, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  pair.inject('bob', alice.initiate());
  pair.advance(600_000);
  expect(pair.captured.map(({ from, type }) => [from, type])).toEqual([['bob', RESPONSE]]);
});

/** The delays from the first data to the handshake with a silent peer, one for each seed. */
function delaysOf(side: Side): number[] {
  return Array.from({ length: 60 }, (_, seed) => {
    const pair = WireguardPair.established({ seed });
    pair.link = DEAF;
    const begin = pair.now;
    pair.send(side);
    pair.advance(15_400);
    expect(pair.sent(INITIATION, other(side))).toEqual([]);
    const initiations = pair.sent(INITIATION, side);
    expect(initiations).toHaveLength(1);
    return initiations[0]!.at - begin;
  });
}

function expectJitter(delays: number[]): void {
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(15_000);
  expect(Math.max(...delays)).toBeLessThan(15_333);
  expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(250);
  expect(new Set(delays).size).toBeGreaterThan(40);
}

it('the handshake after 15 s of silence has up to a third of a second of jitter (row 14, initiator)', () => {
  expectJitter(delaysOf('alice'));
});

it('the handshake after 15 s of silence has up to a third of a second of jitter (row 14, responder)', () => {
  expectJitter(delaysOf('bob'));
});

function hasKeys(pair: WireguardPair, side: Side): boolean {
  const { previous, current, next } = pair[side].peer.keypairs;
  return previous !== undefined || current !== undefined || next !== undefined;
}

it('all keys are wiped 540 s after the last session began, not before (row 18, initiator)', () => {
  const pair = WireguardPair.established();
  // Alice's session began 10 ms before the last message arrived.
  pair.advance(539_989);
  expect(hasKeys(pair, 'alice')).toBe(true);
  pair.advance(1);
  expect(hasKeys(pair, 'alice')).toBe(false);
  expect(pair.alice.device.tableSizes.sessionIndices).toBe(0);
  expect(pair.captured).toEqual([]);
});

it('all keys are wiped 540 s after the last session began, not before (row 18, responder)', () => {
  const pair = WireguardPair.established();
  // Bob's session began 20 ms earlier.
  pair.advance(539_979);
  expect(hasKeys(pair, 'bob')).toBe(true);
  pair.advance(1);
  expect(hasKeys(pair, 'bob')).toBe(false);
  expect(pair.bob.device.tableSizes.sessionIndices).toBe(0);
});

it('a session that is never confirmed is wiped after 540 s as well (row 18, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  pair.inject('bob', alice.initiate());
  pair.advance(539_999);
  expect(hasKeys(pair, 'bob')).toBe(true);
  pair.advance(1);
  expect(hasKeys(pair, 'bob')).toBe(false);
});

it('each new session restarts the 540 s (row 18, both roles)', () => {
  const pair = WireguardPair.established();
  for (let step = 0; step < 5; step++) {
    pair.advance(300_000);
    expect([hasKeys(pair, 'alice'), hasKeys(pair, 'bob')]).toEqual([true, true]);
    pair.send('alice');
    pair.settle();
    expect([hasKeys(pair, 'alice'), hasKeys(pair, 'bob')]).toEqual([true, true]);
  }
  pair.advance(541_000);
  expect([hasKeys(pair, 'alice'), hasKeys(pair, 'bob')]).toEqual([false, false]);
});

/** `side` answers data with a passive keepalive if it sends nothing else. */
function expectPassiveKeepalive(side: Side): void {
  const pair = WireguardPair.established();
  pair.send(other(side));
  pair.settle();
  const arrival = pair.now;
  pair.advance(9_999);
  expect(keepalives(pair, side)).toEqual([]);
  pair.advance(100_000);
  expect(times(keepalives(pair, side), arrival)).toEqual([10_000]);
  expect(keepalives(pair, other(side))).toEqual([]);
}

it('data is answered by one empty packet 10 s after it arrives (row 19, initiator)', () => {
  expectPassiveKeepalive('alice');
});

it('data is answered by one empty packet 10 s after it arrives (row 19, responder)', () => {
  expectPassiveKeepalive('bob');
});

it('the 10 s start at the first data; later data causes one more keepalive (row 19, both roles)', () => {
  for (const side of SIDES) {
    const pair = WireguardPair.established();
    pair.send(other(side));
    pair.settle();
    const arrival = pair.now;
    for (let second = 0; second < 9; second++) {
      pair.advance(1_000);
      pair.send(other(side));
    }
    pair.advance(100_000);
    expect(times(keepalives(pair, side), arrival)).toEqual([10_000, 20_000]);
  }
});

it('anything sent replaces the keepalive: data, a keepalive or a handshake (row 19, both roles)', () => {
  for (const side of SIDES) {
    for (const act of ['data', 'handshake'] as const) {
      const pair = WireguardPair.established();
      pair.send(other(side));
      pair.advance(1_000);
      pair.send(other(side));
      pair.advance(8_000);
      if (act === 'data') pair.send(side);
      else pair[side].device.initiateHandshake(pair[side].peer, pair.now);
      pair.settle();
      pair.captured.length = 0;
      pair.advance(5_000);
      expect(keepalives(pair, side)).toEqual([]);
    }
  }
});

it('an authentic packet is answered even if its source is not allowed (row 19, both roles)', () => {
  for (const side of SIDES) {
    const pair = WireguardPair.established();
    const sender = pair[other(side)].peer.keypairs.current!;
    const message = new Uint8Array(16 + 16 + 16);
    message[0] = DATA;
    new DataView(message.buffer).setUint32(4, sender.remoteIndex, true);
    message[8] = 50;
    sender.sending.seal(message, 16, 16, 50);
    pair.inject(side, message);
    expect(pair[side].device.drops.of('malformed-packet')).toBe(1);
    pair.advance(10_000);
    expect(keepalives(pair, side)).toHaveLength(1);
  }
});

/** `side` sends data and receives nothing. */
function expectDeadPeerHandshake(side: Side): void {
  const pair = WireguardPair.established();
  pair.link = ({ from }) => from !== side;
  const begin = pair.now;
  for (let second = 0; second < 16; second++) {
    pair.send(side);
    pair.advance(1_000);
  }
  const [at] = times(pair.sent(INITIATION, side), begin);
  expect(at).toBeGreaterThanOrEqual(15_000);
  expect(at).toBeLessThan(15_333);
  // When the path works again, the retry leads to a session.
  pair.link = () => true;
  const packet = pair.send(side);
  pair.advance(5_400);
  expect(pair[other(side)].received.at(-1)).toEqual(packet);
}

it('a handshake begins 15 s after the first unanswered data, not after the last (row 20, initiator)', () => {
  expectDeadPeerHandshake('alice');
});

it('a handshake begins 15 s after the first unanswered data, not after the last (row 20, responder)', () => {
  expectDeadPeerHandshake('bob');
});

it('anything authentic from the peer cancels it: data, a keepalive or a handshake (row 20, both roles)', () => {
  for (const side of SIDES) {
    for (const act of ['data', 'keepalive', 'handshake'] as const) {
      const pair = WireguardPair.established();
      const { device, peer } = pair[other(side)];
      pair.link = ({ from }) => from !== side;
      pair.send(side);
      pair.advance(4_000);
      // Late data is answered with a keepalive 10 s after its arrival.
      if (act === 'keepalive') pair.inject(other(side), pair.sent(DATA, side)[0]!.bytes);
      pair.advance(10_000);
      if (act === 'data') pair.send(other(side));
      if (act === 'handshake') device.initiateHandshake(peer, pair.now);
      pair.advance(3_000);
      expect(pair.sent(INITIATION, side)).toEqual([]);
    }
  }
});

it('an unanswered keepalive does not start a handshake (row 20, both roles)', () => {
  for (const side of SIDES) {
    const pair = WireguardPair.established({ aliceKeepalive: 20_000, bobKeepalive: 20_000 });
    pair.link = ({ from }) => from !== other(side);
    pair.advance(110_000);
    expect(keepalives(pair, side).length).toBeGreaterThan(3);
    expect(pair.sent(INITIATION, side)).toEqual([]);
  }
});

it('a persistent keepalive is due as soon as the peer is added (row 21, initiator)', () => {
  const pair = new WireguardPair({ aliceKeepalive: 25_000 });
  expect(pair.alice.device.nextTimeout()).toBe(pair.now);
  pair.advance(0);
  expect(pair.sent(INITIATION, 'alice')).toHaveLength(1);
});

/** Only `side` has a persistent keepalive, of 20 s. */
function expectPersistentKeepalive(side: Side): void {
  const pair = WireguardPair.established(
    side === 'alice' ? { aliceKeepalive: 20_000 } : { bobKeepalive: 20_000 },
  );
  pair.advance(100);
  pair.send(side);
  const sent = pair.now;
  pair.advance(19_999);
  // The other side's answer to the data restarted the interval.
  const [answer] = keepalives(pair, other(side));
  expect(answer!.at - sent).toBe(10_010);
  expect(keepalives(pair, side)).toEqual([]);
  pair.advance(30_000);
  expect(times(keepalives(pair, side), answer!.at)).toEqual([20_010]);
  pair.advance(20_000);
  expect(times(keepalives(pair, side), answer!.at)).toEqual([20_010, 40_010]);
}

it('a persistent keepalive comes after an interval without traffic (row 21, initiator)', () => {
  expectPersistentKeepalive('alice');
});

it('a persistent keepalive comes after an interval without traffic (row 21, responder)', () => {
  expectPersistentKeepalive('bob');
});

it('two peers with persistent keepalives have one handshake in two minutes for a day (row 21, both roles)', () => {
  const pair = new WireguardPair({
    aliceKeepalive: 25_000,
    bobKeepalive: 25_000,
    bobKnowsAlice: true,
  });
  pair.advance(24 * 3_600_000);
  const [alice, bob] = SIDES.map((side) => pair.sent(INITIATION, side).length) as [number, number];
  // One handshake every 120 s to 150 s, and a collision at the beginning.
  expect(alice + bob).toBeGreaterThanOrEqual(576);
  expect(alice + bob).toBeLessThanOrEqual(722);
  expect(Math.min(alice, bob)).toBeLessThan(3);
});
