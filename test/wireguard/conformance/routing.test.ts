/** Rows 27 to 29: the peer of a packet, and the endpoint of a peer. */
import { COOKIE_REPLY, DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';
import {
  WireguardPair,
  ipv4,
  ipv6,
  prefixes,
  type Side,
} from '../../support/pairs/wireguard-pair.js';
import { mac1Of, readIndex, writeCookieReply } from './whitepaper.js';
import { WhitepaperPeer } from './whitepaper-peer.js';

const ELSEWHERE = { address: '203.0.113.7', port: 7 };

function other(side: Side): Side {
  return side === 'alice' ? 'bob' : 'alice';
}

/** The packets that `side` delivers, of packets with these sources from its peer. */
function reaching(pair: WireguardPair, side: Side, ...sources: string[]): string[] {
  const inner = side === 'alice' ? ['10.0.0.1', 'fd00::1'] : ['10.0.0.2', 'fd00::2'];
  return sources.filter((source) => {
    pair[side].received.length = 0;
    const packet = source.includes(':') ? ipv6(source, inner[1]!) : ipv4(source, inner[0]!);
    pair.sendPacket(other(side), packet);
    pair.settle();
    return pair[side].received.length > 0;
  });
}

function expectReversePath(side: Side): void {
  const pair = WireguardPair.established();
  const own = side === 'alice' ? '10.2' : '10.1';
  const [address, address6] = side === 'alice' ? ['10.0.0.2', 'fd00::2'] : ['10.0.0.1', 'fd00::1'];
  const inside = [address, address6, `${own}.3.4`, `${own}.255.255`];
  const outside = ['10.0.0.9', '172.16.0.1', 'fd00::9', '::1', '0.0.0.0'];
  expect(reaching(pair, side, ...inside, ...outside)).toEqual(inside);
  expect(pair[side].device.drops.of('wrong-source')).toBe(outside.length);
  // A longer prefix of another peer removes its addresses from the shorter prefix of this peer.
  pair[side].device.addPeer(
    { publicKey: seededBytes(9, 32), allowedIps: prefixes(`${own}.3.0/24`, `${address}/32`) },
    pair.now,
  );
  expect(reaching(pair, side, ...inside)).toEqual([address6, `${own}.255.255`]);
}

it('a source address must be routed to the peer that sent the packet, by the longest prefix (row 27, initiator)', () => {
  expectReversePath('alice');
});

it('a source address must be routed to the peer that sent the packet, by the longest prefix (row 27, responder)', () => {
  expectReversePath('bob');
});

it('a packet without a route, or to a peer without an endpoint, is counted and dropped (row 28, both roles)', () => {
  for (const side of ['alice', 'bob'] as const) {
    const pair = WireguardPair.established();
    const { device, peer } = pair[side];
    const strays = [ipv4('10.0.0.1', '172.16.0.1'), ipv6('fd00::1', 'fd01::1')];
    for (const packet of strays) pair.sendPacket(side, packet);
    expect([...device.drops]).toEqual([['no-route', 2]]);
    peer.setEndpoint(undefined);
    pair.send(side);
    expect([...device.drops]).toEqual([
      ['no-route', 2],
      ['no-endpoint', 1],
    ]);
    // The packet does not wait for a handshake that is impossible.
    device.discardSessions();
    const lost = pair.send(side);
    expect(device.drops.of('no-endpoint')).toBe(2);
    // The sink is informed, and can notify the senders.
    expect(pair[side].unreachable).toEqual([
      ...strays.map((packet) => ({ packet, reason: 'no-route' })),
      { packet: lost, reason: 'no-endpoint' },
      { packet: lost, reason: 'no-endpoint' },
    ]);
    expect(peer.stagedPackets).toBe(0);
    expect(pair.captured).toEqual([]);
  }
});

/** `side` receives a message from its peer's new address, and answers there. */
function expectRoaming(side: Side): void {
  const pair = WireguardPair.established();
  pair[other(side)].endpoint = ELSEWHERE;
  pair.send(other(side));
  pair.settle();
  expect(pair[side].peer.endpoint).toEqual(ELSEWHERE);
  expect(pair[side].events()).toEqual([
    { type: 'endpoint-changed', peer: pair[side].peer, endpoint: ELSEWHERE },
  ]);
  pair.send(side);
  expect(pair.sent(DATA, side)[0]!.destination).toEqual(ELSEWHERE);
  // A changed port is enough.
  pair[other(side)].endpoint = { ...ELSEWHERE, port: 8 };
  pair.send(other(side));
  pair.settle();
  expect(pair[side].peer.endpoint!.port).toBe(8);
}

it('the endpoint is the source of the last data message (row 29, initiator)', () => {
  expectRoaming('alice');
});

it('the endpoint is the source of the last data message (row 29, responder)', () => {
  expectRoaming('bob');
});

it('the endpoint is the source of the response (row 29, initiator)', () => {
  const pair = new WireguardPair();
  pair.bob.endpoint = ELSEWHERE;
  pair.send('alice');
  pair.settle();
  expect(pair.sent(DATA, 'alice')[0]!.destination).toEqual(ELSEWHERE);
});

it('the endpoint is the source of the initiation, and the response goes there (row 29, responder)', () => {
  const pair = WireguardPair.established();
  pair.advance(5_000);
  pair.alice.endpoint = ELSEWHERE;
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  expect(pair.bob.peer.endpoint).toEqual(ELSEWHERE);
  expect(pair.sent(RESPONSE)[0]!.destination).toEqual(ELSEWHERE);
});

it('a keepalive from a new address also changes the endpoint (row 29, both roles)', () => {
  for (const side of ['alice', 'bob'] as const) {
    const pair = WireguardPair.established();
    pair.send(side);
    pair.settle();
    pair[other(side)].endpoint = ELSEWHERE;
    pair.advance(11_000);
    expect(pair[side].peer.endpoint).toEqual(ELSEWHERE);
  }
});

it('a replayed or unauthentic message does not change the endpoint (row 29, both roles)', () => {
  for (const side of ['alice', 'bob'] as const) {
    const pair = WireguardPair.established();
    pair.send(other(side));
    pair.settle();
    const known = pair[side].peer.endpoint;
    const [recorded] = pair.sent(DATA, other(side));
    const forged = recorded!.bytes.slice();
    forged[20]! ^= 1;
    pair.inject(side, recorded!.bytes, ELSEWHERE);
    pair.inject(side, forged, ELSEWHERE);
    expect(pair[side].peer.endpoint).toBe(known);
    expect(pair[side].events().filter(({ type }) => type === 'endpoint-changed')).toEqual([]);
  }
});

it('a replayed initiation does not change the endpoint (row 29, responder)', () => {
  const pair = new WireguardPair();
  pair.send('alice');
  pair.settle();
  pair.advance(1_000);
  pair.inject('bob', pair.sent(INITIATION)[0]!.bytes, ELSEWHERE);
  expect(pair.bob.peer.endpoint).toEqual(pair.alice.endpoint);
});

it('a cookie reply does not change the endpoint (row 29, initiator)', () => {
  const pair = new WireguardPair();
  new WhitepaperPeer(pair, 'bob');
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  const initiation = pair.sent(INITIATION)[0]!.bytes;
  const reply = writeCookieReply(pair.crypto, {
    publicKey: pair.bob.device.publicKey,
    receiverIndex: readIndex(initiation, 4),
    mac1: mac1Of(initiation),
    cookie: seededBytes(8, 16),
  });
  expect(reply[0]).toBe(COOKIE_REPLY);
  pair.inject('alice', reply, ELSEWHERE);
  expect(pair.alice.peer.cookieReceivedAt).toBe(pair.now);
  expect(pair.alice.peer.endpoint).toEqual(pair.bob.endpoint);
});
