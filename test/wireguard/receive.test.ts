/** What is accepted, what is refused, and what is sent because something came. */
import { COOKIE_REPLY, DATA, INITIATION, RESPONSE } from '../support/message-types.js';
import { seededBytes } from '../support/seeded-entropy.js';
import { WireguardPair, ipv4, ipv6, prefixes } from '../support/wireguard-pair.js';

describe('an initiation', () => {
  it('is answered once: a recording is not', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    pair.settle();
    const [recorded] = pair.sent(INITIATION);
    pair.advance(1_000);
    pair.inject('bob', recorded!.bytes);
    expect(pair.sent(RESPONSE)).toHaveLength(1);
    expect(pair.bob.device.drops.get('replayed-initiation')).toBe(1);
  });

  it('of a stranger is not answered', () => {
    const pair = new WireguardPair();
    pair.bob.device.removePeer(pair.bob.peer);
    pair.send('alice');
    pair.settle();
    expect(pair.sent(RESPONSE)).toEqual([]);
    expect(pair.bob.device.drops.get('unknown-peer')).toBe(1);
  });
});

describe('a response', () => {
  it('counts once', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    pair.settle();
    pair.inject('alice', pair.sent(RESPONSE)[0]!.bytes);
    expect(pair.alice.device.drops.get('unexpected-response')).toBe(1);
  });
});

it('a recorded response is none to the handshake under way', () => {
  const pair = new WireguardPair();
  pair.send('alice');
  pair.settle();
  pair.advance(5_000);
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.inject('alice', pair.sent(RESPONSE)[0]!.bytes);
  expect(pair.alice.device.drops.get('unexpected-response')).toBe(1);
  expect(pair.alice.peer.responsesRejected).toBe(0);
});

describe('under load', () => {
  /** Bob has seen so many handshake messages that he wants cookies for the next second. */
  function load(pair: WireguardPair, initiation: Uint8Array): void {
    for (let index = 0; index < 520; index++) pair.inject('bob', initiation);
  }

  it('answers by a cookie, which the initiator uses at its next retry', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    const [first] = pair.sent(INITIATION);
    load(pair, first!.bytes);
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
    load(pair, first!.bytes);
    pair.advance(600);
    const retry = pair.sent(INITIATION)[1]!;
    expect(retry.bytes.subarray(132)).not.toEqual(new Uint8Array(16));
    expect(pair.sent(RESPONSE)).toHaveLength(1);
    expect(pair.bob.received).toHaveLength(1);
  });

  it('refuses a cookie that was for another port', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    const [first] = pair.sent(INITIATION);
    load(pair, first!.bytes);
    pair.settle();
    pair.advance(4_900);
    pair.alice.endpoint = { ...pair.alice.endpoint, port: 1112 };
    load(pair, first!.bytes);
    const answered = pair.sent(RESPONSE).length;
    pair.advance(600);
    expect(pair.sent(RESPONSE)).toHaveLength(answered);
  });

  it('limits a source that has a valid cookie', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    load(pair, pair.sent(INITIATION)[0]!.bytes);
    pair.alice.device.discardSessions();
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
    pair.alice.device.discardSessions();
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    const withCookie = pair.sent(INITIATION).at(-1)!.bytes;
    for (let index = 0; index < 20; index++) pair.inject('bob', withCookie, pair.alice.endpoint);
    expect(pair.bob.device.drops.get('rate-limited')).toBe(15);
  });

  it('counts a cookie reply that nobody asked for', () => {
    const pair = WireguardPair.established();
    const reply = new Uint8Array(64);
    reply[0] = COOKIE_REPLY;
    pair.inject('alice', reply);
    expect(pair.alice.device.drops.get('bad-cookie')).toBe(1);
    expect(pair.alice.peer.cookieReceivedAt).toBeUndefined();
  });
});

describe('rekeying on receive', () => {
  it.each([
    [164_900, 0],
    [165_000, 1],
  ])('at an age of %i ms: %i initiations', (age, initiations) => {
    const pair = WireguardPair.established();
    pair.advance(age);
    pair.send('bob');
    pair.settle();
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(initiations);
  });

  it('is asked for once per session', () => {
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

  it('is asked for again in the next session', () => {
    const pair = WireguardPair.established();
    for (const session of [1, 2, 3]) {
      pair.advance(166_000);
      pair.send('bob');
      pair.settle();
      expect(pair.sent(INITIATION, 'alice')).toHaveLength(session);
    }
  });

  it('is not for the responder', () => {
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
    expect(pair.alice.device.drops.get('expired-session')).toBe(1);
  });

  it('is refused with a counter from the limit on', () => {
    const pair = WireguardPair.established();
    pair.link = () => false;
    pair.send('bob');
    const forged = pair.sent(DATA, 'bob')[0]!.bytes;
    forged.fill(0xff, 8, 16);
    pair.inject('alice', forged);
    expect(pair.alice.device.drops.get('expired-session')).toBe(1);
  });

  it('arrives once, in any order', () => {
    const pair = WireguardPair.established();
    pair.link = () => false;
    for (let index = 0; index < 5; index++) pair.send('alice', 60 + index);
    const messages = pair.sent(DATA, 'alice').reverse();
    for (const { bytes } of [...messages, ...messages]) pair.inject('bob', bytes);
    expect(pair.bob.received.map(({ length }) => length)).toEqual([64, 63, 62, 61, 60]);
    expect(pair.bob.device.drops.get('replayed')).toBe(5);
  });

  it('is dropped where the packet claims more than there is, or is no IP', () => {
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
    expect(pair.alice.device.drops.get('malformed-packet')).toBe(4);
    expect(pair.alice.received).toEqual([]);
    expect(pair.alice.peer.rxBytes).toBe(before);
  });
});

describe('the source address of a packet', () => {
  it('must be routed to the peer that it comes from', () => {
    const pair = WireguardPair.established();
    pair.sendPacket('bob', ipv4('10.9.9.9', '10.0.0.1'));
    pair.settle();
    expect(pair.alice.received).toEqual([]);
    expect(pair.alice.device.drops.get('wrong-source')).toBe(1);
  });

  it('belongs to the longest prefix, whichever else would match', () => {
    const pair = WireguardPair.established();
    pair.alice.device.addPeer(
      { publicKey: seededBytes(9, 32), allowedIps: prefixes('10.2.3.0/24') },
      pair.now,
    );
    pair.sendPacket('bob', ipv4('10.2.3.4', '10.0.0.1'));
    pair.sendPacket('bob', ipv4('10.2.4.4', '10.0.0.1'));
    pair.settle();
    expect(pair.alice.received).toHaveLength(1);
    expect(pair.alice.device.drops.get('wrong-source')).toBe(1);
  });
});
