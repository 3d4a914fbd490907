/** Row 22, if both ends begin a handshake at once and their initiations cross in the network. */
import { DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { seededRandom } from '../../support/pairs/netstack-pair.js';
import { WireguardPair, ipv4, type Side } from '../../support/pairs/wireguard-pair.js';
import { WhitepaperPeer } from './whitepaper-peer.js';

const SIDES: readonly Side[] = ['alice', 'bob'];
const other = (side: Side): Side => (side === 'alice' ? 'bob' : 'alice');
const TO_ALICE = ipv4('10.0.0.2', '10.0.0.1', 96);
const TO_BOB = ipv4('10.0.0.1', '10.0.0.2', 96);

/**
 * Both ends begin within the latency of one message, one of them `after` ms later than the other.
 */
function cross(seed: number, first: Side, after: number): WireguardPair {
  const pair = WireguardPair.established({ seed });
  pair.advance(5_000);
  for (const side of first === 'alice' ? SIDES : [...SIDES].reverse()) {
    pair[side].device.initiateHandshake(pair[side].peer, pair.now);
    pair.send(side);
    if (side === first) pair.advance(after);
  }
  return pair;
}

const cases = [1, 2, 3, 4].flatMap((seed) =>
  SIDES.flatMap((first) => [0, 5, 9].map((after) => [seed, first, after] as const)),
);

it('two crossing handshakes lose no packet and leave one session, which both ends use and one end rekeys (row 22, both roles)', () => {
  for (const [seed, first, after] of cases) {
    const pair = cross(seed, first, after);
    for (let packet = 0; packet < 40; packet++) {
      for (const side of SIDES) pair.send(side);
      pair.advance(3);
    }
    pair.settle();
    for (const side of SIDES) expect(pair[side].received).toHaveLength(41);
    expect(pair.sent(INITIATION).length).toBe(2);
    const [ours, theirs] = SIDES.map((side) => pair[side].peer.keypairs.current!);
    expect(ours!.localIndex).toBe(theirs!.remoteIndex);
    expect(ours!.isInitiator).not.toBe(theirs!.isInitiator);

    pair.captured.length = 0;
    pair.advance(120_000);
    for (const side of SIDES) pair.send(side);
    pair.settle();
    expect(pair.sent(INITIATION)).toHaveLength(1);
    expect(pair.sent(RESPONSE)).toHaveLength(1);
  }
});

it('the local initiation continues if its index is smaller, and the peer voids its own as the kernel does (row 22, initiator)', () => {
  const { pair, bob, initiation } = crossedByHand(0xffff_ffff);
  pair.inject('alice', bob.respond(initiation));
  expect(bob.open(pair.sent(DATA, 'alice')[0]!.bytes)).toEqual(TO_BOB);
});

it('the local initiation is void if the peer’s has the smaller index (row 22, responder)', () => {
  const { pair, bob, initiation } = crossedByHand(0);
  expect(bob.complete(pair.sent(RESPONSE, 'alice')[0]!.bytes)).toBe(true);
  pair.inject('alice', bob.respond(initiation));
  expect(pair.alice.device.drops.of('unexpected-response')).toBe(1);
  expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
});

it('the local initiation is abandoned once the peer has used its session (row 22, responder)', () => {
  const { pair, bob, initiation } = crossedByHand(0xffff_ffff);
  bob.complete(pair.sent(RESPONSE, 'alice')[0]!.bytes);
  pair.inject('alice', bob.seal(TO_ALICE));
  expect(pair.alice.peer.handshake.awaitsResponse).toBe(false);
  expect(pair.alice.device.tableSizes.sessionIndices).toBe(1);
  pair.inject('alice', bob.respond(initiation));
  expect(pair.alice.device.drops.of('unexpected-response')).toBe(1);
});

/** Alice has a packet for Bob, who also initiates, with the given index; she has answered him. */
function crossedByHand(senderIndex: number) {
  const pair = new WireguardPair({ bobKnowsAlice: true });
  const bob = new WhitepaperPeer(pair, 'bob');
  pair.sendPacket('alice', TO_BOB);
  const initiation = pair.sent(INITIATION, 'alice')[0]!.bytes;
  pair.inject('alice', bob.initiate({ senderIndex }));
  expect(pair.sent(RESPONSE, 'alice')).toHaveLength(1);
  return { pair, bob, initiation };
}

it('both ends use one session, in whatever order the messages of two handshakes arrive (row 22, both roles)', () => {
  const random = seededRandom(7);
  for (let run = 0; run < 40; run++) {
    const pair = WireguardPair.established({ seed: run % 20, bobKnowsAlice: true });
    pair.advance(5_000);
    // Each message takes between 10 and 110 ms.
    const flights: { at: number; to: Side; bytes: Uint8Array }[] = [];
    pair.link = ({ from, bytes }) => {
      flights.push({ at: pair.now + 10 + 100 * random(), to: other(from), bytes });
      return false;
    };
    const begins = [0, Math.floor(50 * random())];
    const first = SIDES[run % 2]!;
    for (let time = 0; time < 400; time++) {
      if (time === begins[0]) pair[first].device.initiateHandshake(pair[first].peer, pair.now);
      if (time === begins[1]) {
        pair[other(first)].device.initiateHandshake(pair[other(first)].peer, pair.now);
      }
      if (time % 10 === 0) for (const side of SIDES) pair.send(side);
      pair.advance(1);
      for (const flight of flights.filter(({ at }) => at <= pair.now)) {
        flights.splice(flights.indexOf(flight), 1);
        pair.inject(flight.to, flight.bytes);
      }
    }
    const [ours, theirs] = SIDES.map((side) => pair[side].peer.keypairs.current!);
    expect([run, ours!.localIndex]).toEqual([run, theirs!.remoteIndex]);
    expect(ours!.isInitiator).not.toBe(theirs!.isInitiator);
  }
});

it('a session that was never confirmed is released by the first rekey after its lifetime (row 22, initiator)', () => {
  const pair = WireguardPair.established({ bobKnowsAlice: true });
  pair.advance(5_000);
  pair.link = ({ from, type }) => from === 'bob' && type === INITIATION;
  pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
  pair.settle();
  const waiting = pair.alice.peer.keypairs.next!;
  pair.link = ({ from, type }) => from === 'alice' || type !== INITIATION;
  for (let second = 0; second < 400; second++) {
    pair.send('alice');
    pair.advance(1_000);
  }
  expect(pair.alice.peer.keypairs.next).toBeUndefined();
  expect(waiting.sendingValid).toBe(false);
  expect(pair.alice.device.tableSizes.sessionIndices).toBe(2);
});

it('a late first message under a superseded session does not end a rekey in progress (row 22, initiator)', () => {
  const pair = WireguardPair.established({ bobKnowsAlice: true });
  pair.advance(5_000);
  pair.link = ({ from, type }) => from === 'alice' || type !== DATA;
  pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
  pair.settle();
  const late = pair.sent(DATA, 'bob').at(-1)!;
  pair.advance(5_000);
  pair.link = () => true;
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  pair.advance(121_000);
  pair.send('alice');
  const before = pair.alice.peer.lastHandshakeAt;
  pair.inject('alice', late.bytes);
  expect(pair.alice.peer.lastHandshakeAt).toBe(before);
  expect(pair.alice.peer.handshake.awaitsResponse).toBe(true);
  pair.settle();
  expect(pair.alice.peer.keypairs.current!.createdAt).toBeGreaterThan(before!);
  expect(pair.alice.device.drops.of('unexpected-response')).toBe(0);
});

it('an abandoned initiation does not survive the peer’s next one (row 22, initiator)', () => {
  const { pair, bob } = crossedByHand(0xffff_ffff);
  pair.advance(120_000);
  expect(pair.alice.peer.timers.hasGivenUp).toBe(true);
  expect(pair.alice.peer.handshake.awaitsResponse).toBe(true);
  pair.inject('alice', bob.initiate({ senderIndex: 0xffff_ffff }));
  expect(pair.alice.peer.handshake.awaitsResponse).toBe(false);
});
