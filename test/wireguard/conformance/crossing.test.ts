/** Row 22 where both ends begin a handshake at once, so that their initiations cross in the network. */
import { DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { WireguardPair, ipv4, type Side } from '../../support/wireguard-pair.js';
import { WhitepaperPeer } from './whitepaper-peer.js';

const SIDES: readonly Side[] = ['alice', 'bob'];
const TO_ALICE = ipv4('10.0.0.2', '10.0.0.1', 96);
const TO_BOB = ipv4('10.0.0.1', '10.0.0.2', 96);

/** Both begin within the time that a message takes, one of them `after` ms behind the other. */
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

it('two handshakes that cross lose no packet, and leave one session that both use and one end rekeys (row 22, both roles)', () => {
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

it('our response does not void our own initiation, where the other end gave up its one (row 22, initiator)', () => {
  const pair = new WireguardPair({ bobKnowsAlice: true });
  const bob = new WhitepaperPeer(pair, 'bob');
  pair.sendPacket('alice', TO_BOB);
  const [initiation] = pair.sent(INITIATION, 'alice');
  pair.inject('alice', bob.initiate());
  expect(pair.sent(RESPONSE, 'alice')).toHaveLength(1);
  pair.inject('alice', bob.respond(initiation!.bytes));
  expect(bob.open(pair.sent(DATA, 'alice')[0]!.bytes)).toEqual(TO_BOB);
});

it('an initiation of ours is given up once the other end has used its session (row 22, responder)', () => {
  const pair = new WireguardPair({ bobKnowsAlice: true });
  const bob = new WhitepaperPeer(pair, 'bob');
  pair.sendPacket('alice', TO_BOB);
  const [initiation] = pair.sent(INITIATION, 'alice');
  pair.inject('alice', bob.initiate());
  bob.complete(pair.sent(RESPONSE, 'alice')[0]!.bytes);
  pair.inject('alice', bob.seal(TO_ALICE));
  expect(pair.alice.peer.handshake.awaitsResponse).toBe(false);
  expect(pair.alice.device.tableSizes.sessionIndices).toBe(1);
  pair.inject('alice', bob.respond(initiation!.bytes));
  expect(pair.alice.device.drops.get('unexpected-response')).toBe(1);
});
