/** Rows 30 and 35: the outer header of WireGuard's messages. */
import { DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';
import { WireguardPair, ipv4, type Side } from '../../support/pairs/wireguard-pair.js';

/** RFC 2597 6. */
const AF41 = 34 << 2;
const ECT_0 = 2;
const CE = 3;

function other(side: Side): Side {
  return side === 'alice' ? 'bob' : 'alice';
}

function packetOf(side: Side, octet: number): Uint8Array {
  const [from, to] = side === 'alice' ? ['10.0.0.1', '10.0.0.2'] : ['10.0.0.2', '10.0.0.1'];
  const packet = ipv4(from, to);
  packet[1] = octet;
  return packet;
}

it('the local address is in doubt at each retry of a handshake, and not before (row 30, initiator)', () => {
  const pair = new WireguardPair();
  pair.link = () => false;
  pair.send('alice');
  pair.advance(11_000);
  expect(pair.sent(INITIATION).map(({ isSourceInDoubt }) => isSourceInDoubt)).toEqual([
    false,
    true,
    true,
  ]);
});

it.each(['alice', 'bob'] as const)(
  'the local address is in doubt after 15 s without a reply: %s (row 30, both roles)',
  (side) => {
    const pair = WireguardPair.established();
    pair.send('alice');
    pair.settle();
    pair.advance(10_100);
    pair.captured.length = 0;
    pair.link = ({ from }) => from !== side;
    pair.send(side);
    pair.advance(16_000);
    expect(pair.sent(DATA, side)).toMatchObject([{ isSourceInDoubt: false }]);
    expect(pair.sent(INITIATION, side)).toMatchObject([{ isSourceInDoubt: true }]);
    // Later messages are sent from the source of this one.
    pair.send(side);
    expect(pair.sent(DATA, side).at(-1)).toMatchObject({ isSourceInDoubt: false });
  },
);

it.each(['alice', 'bob'] as const)(
  'an address that received a packet is not in doubt: %s (row 30, both roles)',
  (side) => {
    const pair = WireguardPair.established();
    const { device, peer } = pair[side];
    // The timer requests an initiation that 6.1 does not allow yet.
    peer.isSourceInDoubt = true;
    pair.send(other(side));
    pair.settle();
    expect(peer.isSourceInDoubt).toBe(false);
    peer.isSourceInDoubt = true;
    pair.advance(5_000);
    pair[other(side)].device.initiateHandshake(pair[other(side)].peer, pair.now);
    pair.captured.length = 0;
    pair.settle();
    expect(pair.captured.map(({ isSourceInDoubt }) => isSourceInDoubt)).not.toContain(true);
    device.close();
  },
);

it('handshakes are AF41, data and keepalives 0 (row 35, both roles)', () => {
  const pair = new WireguardPair();
  pair.send('alice');
  pair.settle();
  pair.send('bob');
  pair.settle();
  expect(pair.sent(INITIATION).map(({ trafficClass }) => trafficClass)).toEqual([AF41]);
  expect(pair.sent(RESPONSE).map(({ trafficClass }) => trafficClass)).toEqual([AF41]);
  expect(pair.sent(DATA).map(({ trafficClass }) => trafficClass)).toEqual([0, 0]);
  pair.captured.length = 0;
  pair.advance(10_100);
  expect(pair.sent(DATA)).toMatchObject([{ trafficClass: 0 }]);
});

it('a cookie reply is AF41 as well (row 35, responder)', () => {
  const pair = new WireguardPair();
  pair.bob.device.discardSessions();
  const initiation = (): Uint8Array => {
    pair.alice.peer.expectNothing();
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    return pair.sent(INITIATION).at(-1)!.bytes;
  };
  pair.link = ({ type }) => type !== INITIATION;
  const bytes = initiation();
  for (let flood = 0; pair.sent(3).length === 0 && flood < 10_000; flood++) {
    pair.inject('bob', bytes);
  }
  expect(pair.sent(3)).toMatchObject([{ trafficClass: AF41 }]);
});

it.each(['alice', 'bob'] as const)(
  'only the ECN bits of the octet are copied to the outer header: %s (row 35, both roles)',
  (side) => {
    const pair = WireguardPair.established();
    pair.send('alice');
    pair.settle();
    pair.captured.length = 0;
    for (const ecn of [0, 1, 2, 3]) pair.sendPacket(side, packetOf(side, 0xb8 | ecn));
    expect(pair.sent(DATA, side).map(({ trafficClass }) => trafficClass)).toEqual([0, 1, 2, 3]);
  },
);

it('the ECN of a packet that waits for a handshake is preserved (row 35, initiator)', () => {
  const pair = new WireguardPair();
  pair.sendPacket('alice', packetOf('alice', ECT_0));
  pair.settle();
  expect(pair.sent(DATA, 'alice')).toMatchObject([{ trafficClass: ECT_0 }]);
});

it.each(['alice', 'bob'] as const)(
  'outer congestion marks are copied inside, or the packet is dropped: %s (row 35, both roles)',
  (side) => {
    const pair = WireguardPair.established();
    pair.mark = () => CE;
    const [able, unable] = [packetOf(other(side), ECT_0), packetOf(other(side), 0)];
    pair.sendPacket(other(side), able);
    pair.sendPacket(other(side), unable);
    pair.settle();
    expect(pair[side].received.map((packet) => packet[1])).toEqual([CE]);
    expect([...pair[side].device.drops]).toEqual([['congestion', 1]]);
    // The message was authentic, and is counted.
    expect(pair[side].peer.rxBytes).toBe(pair[other(side)].peer.txBytes);
  },
);

it('the ECN of an unauthentic packet is ignored (row 35, responder)', () => {
  const pair = WireguardPair.established();
  pair.mark = () => CE;
  pair.inject('bob', seededBytes(1, 128));
  expect(pair.bob.device.drops.of('congestion')).toBe(0);
});
