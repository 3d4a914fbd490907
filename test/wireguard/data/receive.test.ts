/** Accepted and refused messages, and the answers to them. */
import { CookieGenerator } from '../../../src/wireguard/handshake/cookie.js';
import { COOKIE_REPLY, DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';
import {
  WireguardPair,
  ipv4,
  ipv6,
  prefixes,
  type Side,
} from '../../support/pairs/wireguard-pair.js';

/** The message with one bit changed and a recomputed mac1. */
function altered(pair: WireguardPair, to: Side, message: Uint8Array, index: number): Uint8Array {
  const bytes = message.slice();
  bytes[index]! ^= 1;
  new CookieGenerator(pair.crypto, pair[to].device.publicKey).addMacs(bytes, pair.now);
  return bytes;
}

/** Bob has received enough handshake messages to require cookies for the next second. */
function load(pair: WireguardPair, to: Side, message: Uint8Array): void {
  for (let index = 0; index < 520; index++) pair.inject(to, message);
}

it.each([0, 31, 147])(
  '%i bytes that are not a message are counted and otherwise ignored',
  (length) => {
    const pair = new WireguardPair();
    pair.inject('bob', new Uint8Array(length).fill(1, 0, 1));
    expect([...pair.bob.device.drops]).toEqual([['malformed', 1]]);
    expect(pair.captured).toEqual([]);
  },
);

describe('an initiation', () => {
  it('is answered once: a replay is not', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    pair.settle();
    const [recorded] = pair.sent(INITIATION);
    pair.advance(1_000);
    pair.inject('bob', recorded!.bytes);
    expect(pair.sent(RESPONSE)).toHaveLength(1);
    expect(pair.bob.device.drops.of('replayed-initiation')).toBe(1);
  });

  it('of an unknown peer is not answered', () => {
    const pair = new WireguardPair();
    pair.bob.device.removePeer(pair.bob.peer);
    pair.send('alice');
    pair.settle();
    expect(pair.sent(RESPONSE)).toEqual([]);
    expect(pair.bob.device.drops.of('unknown-peer')).toBe(1);
  });

  it('without a valid mac1 is neither read nor answered', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    const [initiation] = pair.sent(INITIATION);
    const wrong = initiation!.bytes.slice();
    wrong[116]! ^= 1;
    pair.inject('bob', wrong);
    expect([...pair.bob.device.drops]).toEqual([['bad-mac1', 1]]);
    expect(pair.sent(RESPONSE)).toEqual([]);
    pair.settle();
    expect(pair.sent(RESPONSE)).toHaveLength(1);
  });

  it.each([
    ['ephemeral', 8],
    ['static', 40],
    ['timestamp', 88],
  ])('with a changed %s is not answered, and has no effect on a later valid one', (_, index) => {
    const pair = new WireguardPair();
    pair.send('alice');
    const [initiation] = pair.sent(INITIATION);
    const elsewhere = { address: '203.0.113.7', port: 7 };
    pair.inject('bob', altered(pair, 'bob', initiation!.bytes, index), elsewhere);
    expect([...pair.bob.device.drops]).toEqual([['bad-handshake', 1]]);
    expect(pair.sent(RESPONSE)).toEqual([]);
    expect(pair.bob.peer.endpoint).toBeUndefined();
    expect(pair.bob.peer.rxBytes).toBe(0);
    pair.settle();
    expect(pair.bob.received).toHaveLength(1);
  });

  it('counts as an answer to everything sent before it', () => {
    const pair = WireguardPair.established();
    const begin = pair.now;
    pair.link = () => false;
    pair.send('alice');
    pair.advance(6_000);
    pair.link = ({ type }) => type !== DATA;
    pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
    pair.advance(begin + 15_400 - pair.now);
    expect(pair.sent(RESPONSE, 'alice')).toHaveLength(1);
    expect(pair.sent(INITIATION, 'alice')).toEqual([]);
  });

  it('postpones the persistent keepalive of its receiver', () => {
    const pair = WireguardPair.established({ bobKeepalive: 8_000 });
    pair.advance(6_000);
    const arrival = pair.now + 10;
    pair.link = ({ type }) => type === INITIATION;
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
    expect(pair.bob.device.nextTimeout()).toBe(arrival + 8_000);
  });
});

describe('a response', () => {
  it('is accepted once', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    pair.settle();
    pair.inject('alice', pair.sent(RESPONSE)[0]!.bytes);
    expect(pair.alice.device.drops.of('unexpected-response')).toBe(1);
  });

  it('to an unassigned index is dropped', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    pair.settle();
    const [response] = pair.sent(RESPONSE);
    pair.inject('alice', altered(pair, 'alice', response!.bytes, 8));
    expect([...pair.alice.device.drops]).toEqual([['unexpected-response', 1]]);
  });

  it('without a valid mac1 is not read', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    pair.advance(10);
    const response = pair.sent(RESPONSE)[0]!.bytes.slice();
    response[60]! ^= 1;
    pair.inject('alice', response);
    expect([...pair.alice.device.drops]).toEqual([['bad-mac1', 1]]);
    expect(pair.alice.peer.responsesRejected).toBe(0);
    pair.settle();
    expect(pair.bob.received).toHaveLength(1);
  });

  it.each([
    ['ephemeral', 12],
    ['tag', 44],
  ])('with a changed %s is counted, and the valid one is still accepted', (_, index) => {
    const pair = new WireguardPair();
    pair.send('alice');
    pair.advance(10);
    const known = pair.alice.peer.endpoint;
    const wrong = altered(pair, 'alice', pair.sent(RESPONSE)[0]!.bytes, index);
    pair.inject('alice', wrong, { address: '203.0.113.7', port: 7 });
    expect([...pair.alice.device.drops]).toEqual([['bad-handshake', 1]]);
    expect(pair.alice.peer.responsesRejected).toBe(1);
    expect(pair.alice.peer.lastResponseRejected).toBe(pair.now);
    expect(pair.alice.peer.endpoint).toBe(known);
    expect(pair.alice.peer.rxBytes).toBe(0);
    expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
    pair.settle();
    expect(pair.bob.received).toHaveLength(1);
  });
});

it('a replayed response has no effect on the handshake in progress', () => {
  const pair = new WireguardPair();
  pair.send('alice');
  pair.settle();
  pair.advance(5_000);
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.inject('alice', pair.sent(RESPONSE)[0]!.bytes);
  expect(pair.alice.device.drops.of('unexpected-response')).toBe(1);
  expect(pair.alice.peer.responsesRejected).toBe(0);
});

describe('under load', () => {
  it.each<[Side, number]>([
    ['bob', INITIATION],
    ['alice', RESPONSE],
  ])('%s answers a message of type %i with only a cookie', (to, type) => {
    const pair = new WireguardPair();
    pair.bob.device.initiateHandshake(pair.bob.peer, pair.now);
    pair.send('alice');
    pair.advance(type === RESPONSE ? 15 : 5);
    const message = pair.sent(type)[0]!;
    const stale = altered(pair, to, message.bytes, type === INITIATION ? 40 : 8);
    load(pair, to, stale);
    const before = pair[to].device.drops.of('under-load');
    pair.captured.length = 0;
    pair.settle();
    expect(pair[to].device.drops.of('under-load')).toBe(before + 1);
    expect(pair.sent(RESPONSE)).toEqual([]);
    const [reply, ...others] = pair.sent(COOKIE_REPLY, to);
    expect(others).toEqual([]);
    expect(reply!.destination).toBe(pair[message.from].endpoint);
    expect(reply!.bytes.slice(4, 8)).toEqual(message.bytes.slice(4, 8));
    expect(pair.bob.peer.rxBytes + pair.alice.peer.rxBytes).toBe(to === 'alice' ? 148 : 0);
    expect(pair[message.from].device.drops.of('bad-cookie')).toBe(before);
  });

  it('answers with a cookie, which the initiator uses at its next retry', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    const [first] = pair.sent(INITIATION);
    load(pair, 'bob', first!.bytes);
    pair.captured.length = 0;
    pair.alice.device.discardSessions();
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    const known = pair.alice.peer.endpoint;
    pair.settle();

    expect(pair.sent(COOKIE_REPLY).length).toBeGreaterThan(0);
    expect(pair.sent(RESPONSE)).toEqual([]);
    expect(pair.alice.peer.cookieReceivedAt).toBe(pair.now);
    expect(pair.alice.peer.endpoint).toBe(known);
    expect(pair.sent(INITIATION)).toHaveLength(1);

    pair.advance(4_900);
    load(pair, 'bob', first!.bytes);
    pair.advance(600);
    const retry = pair.sent(INITIATION)[1]!;
    expect(retry.bytes.subarray(132)).not.toEqual(new Uint8Array(16));
    expect(pair.sent(RESPONSE)).toHaveLength(1);
    expect(pair.bob.received).toHaveLength(1);
  });

  it('refuses a cookie that was issued for another port', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    const [first] = pair.sent(INITIATION);
    load(pair, 'bob', first!.bytes);
    pair.settle();
    pair.advance(4_900);
    pair.alice.endpoint = { ...pair.alice.endpoint, port: 1112 };
    load(pair, 'bob', first!.bytes);
    const answered = pair.sent(RESPONSE).length;
    pair.advance(600);
    expect(pair.sent(RESPONSE)).toHaveLength(answered);
  });

  it('limits a source that has a valid cookie', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    load(pair, 'bob', pair.sent(INITIATION)[0]!.bytes);
    pair.alice.device.discardSessions();
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
    pair.alice.device.discardSessions();
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    const withCookie = pair.sent(INITIATION).at(-1)!.bytes;
    const { drops } = pair.bob.device;
    const before = drops.total;
    for (let index = 0; index < 20; index++) pair.inject('bob', withCookie, pair.alice.endpoint);
    expect(drops.of('rate-limited')).toBe(15);
    // One is answered; four are replays of it.
    expect(drops.total - before).toBe(19);
    expect(pair.bob.device.tableSizes.rateLimitedSources).toBe(1);
  });

  it('counts an unsolicited cookie reply', () => {
    const pair = WireguardPair.established();
    const reply = new Uint8Array(64);
    reply[0] = COOKIE_REPLY;
    pair.inject('alice', reply);
    expect(pair.alice.device.drops.of('bad-cookie')).toBe(1);
    expect(pair.alice.peer.cookieReceivedAt).toBeUndefined();
  });
});

describe('rekeying on receive', () => {
  it.each([
    [164_999, 0],
    [165_000, 1],
  ])('at an age of %i ms: %i initiations', (age, initiations) => {
    const pair = WireguardPair.established({ latency: 10 });
    pair.advance(pair.alice.peer.keypairs.current!.createdAt + age - 10 - pair.now);
    pair.send('bob');
    pair.settle();
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(initiations);
  });

  it('happens once per session', () => {
    const pair = WireguardPair.established();
    pair.advance(164_000);
    pair.link = ({ type }) => type !== INITIATION;
    pair.advance(1_500);
    pair.send('bob');
    pair.advance(6_500);
    expect(pair.alice.peer.handshakeAttempts).toBe(1);
    pair.send('bob');
    pair.advance(20);
    expect(pair.alice.peer.handshakeAttempts).toBe(1);
  });

  it('happens again in the next session', () => {
    const pair = WireguardPair.established();
    for (const session of [1, 2, 3]) {
      pair.advance(166_000);
      pair.send('bob');
      pair.settle();
      expect(pair.sent(INITIATION, 'alice')).toHaveLength(session);
    }
  });

  it('is not done by the responder', () => {
    const pair = WireguardPair.established();
    pair.advance(170_000);
    pair.link = () => true;
    const sent = pair.sent(INITIATION, 'bob').length;
    pair.send('alice');
    pair.settle();
    expect(pair.sent(INITIATION, 'bob')).toHaveLength(sent);
  });
});

describe('a data message', () => {
  it('is refused at an age of 180 s', () => {
    const pair = WireguardPair.established();
    pair.advance(170_000);
    pair.link = () => false;
    pair.send('bob');
    const [late] = pair.sent(DATA, 'bob');
    pair.advance(10_000);
    pair.inject('alice', late!.bytes);
    expect(pair.alice.received).toEqual([]);
    expect(pair.alice.device.drops.of('expired-session')).toBe(1);
  });

  it.each([
    [2n ** 53n - 2n ** 13n - 2n, 'bad-tag'],
    [2n ** 53n - 2n ** 13n - 1n, 'expired-session'],
    [2n ** 64n - 1n, 'expired-session'],
  ] as const)('with the forged counter %d is dropped: %s', (counter, reason) => {
    const pair = WireguardPair.established();
    pair.link = () => false;
    pair.send('bob');
    const forged = pair.sent(DATA, 'bob')[0]!.bytes;
    new DataView(forged.buffer).setBigUint64(8, counter, true);
    pair.inject('alice', forged);
    expect([...pair.alice.device.drops]).toEqual([[reason, 1]]);
    expect(pair.alice.received).toEqual([]);
  });

  it('is dropped if its index is unknown or belongs to a handshake in progress', () => {
    const pair = new WireguardPair();
    const message = new Uint8Array(48);
    message[0] = DATA;
    pair.inject('alice', message);
    pair.send('alice');
    message.set(pair.sent(INITIATION)[0]!.bytes.subarray(4, 8), 4);
    pair.inject('alice', message);
    expect([...pair.alice.device.drops]).toEqual([['unknown-session', 2]]);
  });

  it('confirms the session of a responder, which then sends the waiting packets', () => {
    const pair = new WireguardPair({ bobKnowsAlice: true });
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.advance(15);
    const packet = pair.send('bob');
    expect(pair.sent(DATA, 'bob')).toEqual([]);
    pair.settle();
    expect(pair.alice.received).toEqual([packet]);
    expect(pair.bob.events()).toEqual([
      { type: 'handshake-complete', peer: pair.bob.peer, now: pair.bob.peer.lastHandshakeAt },
    ]);
    expect(pair.bob.peer.lastHandshakeUnix).toBe(
      pair.bob.wallClockOffset + pair.bob.peer.lastHandshakeAt!,
    );
  });

  it('is counted with all its bytes, like every authentic message', () => {
    const pair = new WireguardPair();
    pair.send('alice', 100);
    pair.settle();
    expect(pair.alice.peer.rxBytes).toBe(92);
    expect(pair.bob.peer.rxBytes).toBe(148 + 144);
    pair.advance(10_000);
    expect(pair.sent(DATA, 'bob').map(({ bytes }) => bytes.length)).toEqual([32]);
    pair.settle();
    expect(pair.alice.peer.rxBytes).toBe(92 + 32);
  });

  it('carries IPv6 only between allowed addresses', () => {
    const pair = WireguardPair.established();
    const packet = ipv6('fd00::2', 'fd00::1');
    pair.sendPacket('bob', packet);
    pair.sendPacket('bob', ipv6('fd00::3', 'fd00::1'));
    pair.settle();
    expect(pair.alice.received).toEqual([packet]);
    expect([...pair.alice.device.drops]).toEqual([['wrong-source', 1]]);
  });

  it('is accepted once, in any order', () => {
    const pair = WireguardPair.established();
    pair.link = () => false;
    for (let index = 0; index < 5; index++) pair.send('alice', 60 + index);
    const messages = pair.sent(DATA, 'alice').reverse();
    for (const { bytes } of [...messages, ...messages]) pair.inject('bob', bytes);
    expect(pair.bob.received.map(({ length }) => length)).toEqual([64, 63, 62, 61, 60]);
    expect(pair.bob.device.drops.of('replayed')).toBe(5);
  });

  it('is dropped if its inner packet is truncated or is not IP', () => {
    const pair = WireguardPair.established();
    const before = pair.alice.peer.rxBytes;
    const keypair = pair.bob.peer.keypairs.current!;
    const packets = [ipv4('10.0.0.2', '10.0.0.1', 64), ipv6('fd00::2', 'fd00::1', 64)];
    packets[0]!.set([0, 65], 2);
    packets[1]!.set([0, 25], 4);
    packets.push(Uint8Array.of(0x55, ...new Uint8Array(63)), new Uint8Array(16));
    for (const packet of packets) {
      const message = new Uint8Array(16 + packet.length + 16);
      const view = new DataView(message.buffer);
      view.setUint32(0, DATA, true);
      view.setUint32(4, keypair.remoteIndex, true);
      view.setUint32(8, keypair.sendingCounter, true);
      message.set(packet, 16);
      keypair.sending.seal(message, 16, packet.length, keypair.sendingCounter++);
      pair.inject('alice', message);
    }
    expect(pair.alice.device.drops.of('malformed-packet')).toBe(4);
    expect(pair.alice.received).toEqual([]);
    expect(pair.alice.peer.rxBytes).toBe(before);
  });
});

describe('the source address of a packet', () => {
  it('must be routed to the peer that sent the packet', () => {
    const pair = WireguardPair.established();
    pair.sendPacket('bob', ipv4('10.9.9.9', '10.0.0.1'));
    pair.settle();
    expect(pair.alice.received).toEqual([]);
    expect(pair.alice.device.drops.of('wrong-source')).toBe(1);
  });

  it('belongs to the longest prefix, even if others match', () => {
    const pair = WireguardPair.established();
    pair.alice.device.addPeer(
      { publicKey: seededBytes(9, 32), allowedIps: prefixes('10.2.3.0/24') },
      pair.now,
    );
    pair.sendPacket('bob', ipv4('10.2.3.4', '10.0.0.1'));
    pair.sendPacket('bob', ipv4('10.2.4.4', '10.0.0.1'));
    pair.settle();
    expect(pair.alice.received).toHaveLength(1);
    expect(pair.alice.device.drops.of('wrong-source')).toBe(1);
  });
});

describe('the endpoint of a peer', () => {
  it.each([
    ['another port', { address: '198.51.100.2', port: 2223 }],
    ['another address', { address: '198.51.100.3', port: 2222 }],
  ])('becomes %s when a message arrives from there, and is reported once', (_, elsewhere) => {
    const pair = WireguardPair.established();
    pair.bob.endpoint = elsewhere;
    pair.send('bob');
    pair.send('bob');
    pair.settle();
    expect(pair.alice.peer.endpoint).toEqual(elsewhere);
    expect(pair.alice.events()).toEqual([
      { type: 'endpoint-changed', peer: pair.alice.peer, endpoint: elsewhere },
    ]);
  });

  it('is not reported as changed when set to the same value', () => {
    const pair = WireguardPair.established();
    pair.bob.endpoint = { ...pair.bob.endpoint };
    pair.send('bob');
    pair.settle();
    expect(pair.alice.received).toHaveLength(1);
    expect(pair.alice.events()).toEqual([]);
  });
});
