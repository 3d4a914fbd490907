/** Rows 6 to 11: floods of handshakes, cookies, and the limit per source. */
import { COOKIE_REPLY, INITIATION, RESPONSE } from '../../support/message-types.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';
import { WireguardPair, type Side } from '../../support/pairs/wireguard-pair.js';
import {
  mac1Of,
  mac2Of,
  readCookieReply,
  readIndex,
  withMacs,
  writeCookieReply,
} from './whitepaper.js';
import { WhitepaperPeer } from './whitepaper-peer.js';

const NO_MAC2 = new Uint8Array(16);
const HERE = { address: '192.0.2.1', port: 1111 };

/**
 * Sends `side` enough handshake messages at once to put it under load: 512 is the kernel's limit.
 */
function load(pair: WireguardPair, side: Side, message: Uint8Array, count = 512): void {
  for (let index = 0; index < count; index++) pair.inject(side, message);
}

/**
 * An initiation from an unknown key with a valid mac1, as anyone who knows the public key can send.
 */
function strangersInitiation(pair: WireguardPair, side: Side): Uint8Array {
  const body = Uint8Array.of(INITIATION, 0, 0, 0, ...seededBytes(3, 112));
  return withMacs(pair.crypto, body, pair[side].device.publicKey);
}

/** What `side` sends while it handles `messages`, each from a different source or all from one. */
function answersTo(pair: WireguardPair, side: Side, message: Uint8Array, source = HERE) {
  const before = pair.captured.length;
  pair.inject(side, message, source);
  return pair.captured.slice(before);
}

/** Bob under load, and an initiator played by hand. */
function loaded(): { pair: WireguardPair; alice: WhitepaperPeer } {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  load(pair, 'bob', strangersInitiation(pair, 'bob'));
  pair.captured.length = 0;
  return { pair, alice };
}

/** The cookie that Bob issues to an initiator at `source`. */
function cookieAt(pair: WireguardPair, alice: WhitepaperPeer, source = HERE): Uint8Array {
  const initiation = alice.initiate();
  const [reply] = answersTo(pair, 'bob', initiation, source);
  expect(reply!.destination).toEqual(source);
  const cookie = readCookieReply(
    pair.crypto,
    pair.bob.device.publicKey,
    mac1Of(initiation),
    reply!.bytes,
  );
  expect(cookie).toHaveLength(16);
  return cookie!;
}

it('initiations of one peer are answered once per 20 ms (row 6, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  const answered = [0, 19, 1, 10, 9, 1].map((wait) => {
    pair.advance(wait);
    return answersTo(pair, 'bob', alice.initiate()).length;
  });
  expect(answered).toEqual([1, 0, 1, 0, 0, 1]);
  expect([...pair.bob.device.drops]).toEqual([['initiation-flood', 3]]);
});

it('a flood from one peer does not delay another peer (row 6, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  const privateKey = seededBytes(40, 32);
  const keys = { privateKey, publicKey: pair.crypto.publicKey(privateKey) };
  pair.bob.device.addPeer({ publicKey: keys.publicKey, allowedIps: [] }, pair.now);
  const other = new WhitepaperPeer(pair, 'alice', { keys });
  expect(answersTo(pair, 'bob', alice.initiate())).toHaveLength(1);
  expect(answersTo(pair, 'bob', other.initiate())).toHaveLength(1);
});

it('512 handshakes at once cause load: a message without mac2 gets a cookie instead of a handshake (row 7, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  load(pair, 'bob', strangersInitiation(pair, 'bob'), 510);
  expect(answersTo(pair, 'bob', alice.initiate()).map(({ type }) => type)).toEqual([RESPONSE]);
  pair.advance(1);
  load(pair, 'bob', strangersInitiation(pair, 'bob'), 1);
  const initiation = alice.initiate();
  const [reply] = answersTo(pair, 'bob', initiation);
  expect([reply!.type, reply!.bytes.length]).toEqual([COOKIE_REPLY, 64]);
  expect(readIndex(reply!.bytes, 4)).toBe(readIndex(initiation, 4));
  expect(pair.bob.device.drops.of('under-load')).toBe(1);
});

it('load lasts for a second after the last burst (row 7, responder)', () => {
  const { pair, alice } = loaded();
  const typesAfter = (wait: number) => {
    pair.advance(wait);
    return answersTo(pair, 'bob', alice.initiate()).map(({ type }) => type);
  };
  expect(typesAfter(999)).toEqual([COOKIE_REPLY]);
  expect(typesAfter(1)).toEqual([RESPONSE]);
});

it('mac1 is checked first: a flood without it causes no load, and under load it is dropped (row 7, responder)', () => {
  const pair = new WireguardPair();
  const forged = strangersInitiation(pair, 'bob');
  forged[130]! ^= 1;
  load(pair, 'bob', forged, 5_000);
  expect(pair.captured).toEqual([]);
  const alice = new WhitepaperPeer(pair, 'alice');
  expect(answersTo(pair, 'bob', alice.initiate()).map(({ type }) => type)).toEqual([RESPONSE]);
  load(pair, 'bob', strangersInitiation(pair, 'bob'));
  expect(answersTo(pair, 'bob', forged)).toEqual([]);
  expect(pair.bob.device.drops.of('bad-mac1')).toBe(5_001);
});

it('a response under load also needs a mac2 (row 7, initiator)', () => {
  const pair = new WireguardPair();
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  const bob = new WhitepaperPeer(pair, 'bob');
  const response = bob.respond(pair.sent(INITIATION)[0]!.bytes);
  load(pair, 'alice', strangersInitiation(pair, 'alice'));
  const [reply] = answersTo(pair, 'alice', response, pair.bob.endpoint);
  expect([reply!.type, reply!.destination]).toEqual([COOKIE_REPLY, pair.bob.endpoint]);
  expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
  pair.advance(1_000);
  pair.inject('alice', response);
  expect(pair.alice.peer.hasSession(pair.now)).toBe(true);
});

it('an established session continues under load (row 7, both roles)', () => {
  for (const side of ['alice', 'bob'] as const) {
    const pair = WireguardPair.established();
    load(pair, side, strangersInitiation(pair, side), 600);
    pair.send('alice');
    pair.send('bob');
    pair.settle();
    expect([pair.alice.received.length, pair.bob.received.length]).toEqual([1, 1]);
  }
});

/**
 * The number of initiations with a valid mac2, of `count`, that are admitted from `source` at once.
 */
function admitted(
  pair: WireguardPair,
  alice: WhitepaperPeer,
  source: { address: string; port: number },
  count = 10,
): number {
  const cookie = cookieAt(pair, alice, source);
  const initiation = alice.initiate({ cookie });
  const limited = pair.bob.device.drops.of('rate-limited');
  for (let index = 0; index < count; index++) pair.inject('bob', initiation, source);
  return count - (pair.bob.device.drops.of('rate-limited') - limited);
}

it('a source with a cookie may perform five handshakes at once, and twenty per second (row 8, responder)', () => {
  const { pair, alice } = loaded();
  expect(admitted(pair, alice, HERE)).toBe(5);
  const later: number[] = [];
  for (const wait of [49, 1, 50, 100]) {
    pair.advance(wait);
    later.push(admitted(pair, alice, HERE));
  }
  expect(later).toEqual([0, 1, 1, 2]);
});

it('each IPv4 address is a separate source, whatever its port (row 8, responder)', () => {
  const { pair, alice } = loaded();
  expect(admitted(pair, alice, HERE)).toBe(5);
  expect(admitted(pair, alice, { address: '192.0.2.1', port: 2 })).toBe(0);
  expect(admitted(pair, alice, { address: '192.0.2.2', port: 1111 })).toBe(5);
});

it('an IPv6 /64 is one source, with a zone or without (row 8, responder)', () => {
  const { pair, alice } = loaded();
  const from = (address: string) => admitted(pair, alice, { address, port: 1 });
  expect(from('2001:db8:0:1::1')).toBe(5);
  expect(from('2001:db8:0:1:ffff::2')).toBe(0);
  expect(from('2001:db8:0:2::1')).toBe(5);
  expect(from('fe80::1%eth0')).toBe(5);
  expect(from('fe80::2%eth0')).toBe(0);
});

it('a message without a valid mac2 does not count toward the limit (row 8, responder)', () => {
  const { pair, alice } = loaded();
  for (let index = 0; index < 20; index++) pair.inject('bob', alice.initiate(), HERE);
  expect(admitted(pair, alice, HERE)).toBe(5);
});

it('no source is limited without load (row 8, responder)', () => {
  const pair = new WireguardPair();
  const initiation = new WhitepaperPeer(pair, 'alice').initiate();
  for (let index = 0; index < 20; index++) pair.inject('bob', initiation, HERE);
  expect(pair.bob.device.drops.of('rate-limited')).toBe(0);
  expect(pair.bob.device.drops.of('replayed-initiation')).toBe(19);
});

it('a cookie is bound to the address and the UDP port (row 9, responder)', () => {
  const { pair, alice } = loaded();
  const cookie = cookieAt(pair, alice);
  const types = (source: { address: string; port: number }) =>
    answersTo(pair, 'bob', alice.initiate({ cookie }), source).map(({ type }) => type);
  expect(types({ ...HERE, port: 1112 })).toEqual([COOKIE_REPLY]);
  expect(types({ ...HERE, port: 1111 + 256 })).toEqual([COOKIE_REPLY]);
  expect(types({ ...HERE, address: '192.0.2.3' })).toEqual([COOKIE_REPLY]);
  expect(types(HERE)).toEqual([RESPONSE]);
});

it('a cookie is valid as long as its secret: 120 s from the first one (row 9, responder)', () => {
  const { pair, alice } = loaded();
  const first = cookieAt(pair, alice);
  const typesAfter = (wait: number, cookie: Uint8Array) => {
    pair.advance(wait);
    load(pair, 'bob', strangersInitiation(pair, 'bob'));
    return answersTo(pair, 'bob', alice.initiate({ cookie })).map(({ type }) => type);
  };
  expect(typesAfter(119_000, first)).toEqual([RESPONSE]);
  expect(typesAfter(999, first)).toEqual([RESPONSE]);
  expect(typesAfter(1, first)).toEqual([COOKIE_REPLY]);
  const second = cookieAt(pair, alice);
  expect(second).not.toEqual(first);
  expect(typesAfter(20, second)).toEqual([RESPONSE]);
});

it('a cookie reply is encrypted for the message that it answers, with its own nonce (row 9, responder)', () => {
  const { pair, alice } = loaded();
  const initiation = alice.initiate();
  const [reply, again] = [1, 2].map(() => answersTo(pair, 'bob', initiation)[0]!.bytes);
  const { publicKey } = pair.bob.device;
  const open = (mac1: Uint8Array) => readCookieReply(pair.crypto, publicKey, mac1, reply!);
  expect(open(mac1Of(initiation))).toHaveLength(16);
  expect(open(mac1Of(alice.initiate()))).toBeUndefined();
  expect(reply!.slice(8, 32)).not.toEqual(again!.slice(8, 32));
});

/** Alice has initiated, and Bob, played by hand, has sent her a cookie reply. */
function asked(): { pair: WireguardPair; initiation: Uint8Array; reply: Uint8Array } {
  const pair = new WireguardPair();
  pair.link = () => false;
  pair.send('alice');
  const initiation = pair.sent(INITIATION)[0]!.bytes;
  const reply = writeCookieReply(pair.crypto, {
    publicKey: pair.bob.device.publicKey,
    receiverIndex: readIndex(initiation, 4),
    mac1: mac1Of(initiation),
    cookie: seededBytes(8, 16),
  });
  return { pair, initiation, reply };
}

/** The mac2 that Alice must send: over all preceding bytes, keyed with the cookie. */
function expectedMac2(pair: WireguardPair, message: Uint8Array): Uint8Array {
  return pair.crypto.mac(seededBytes(8, 16), message.slice(0, -16));
}

it('a cookie is kept for the next retry, which is not sooner; no other state changes (row 10, initiator)', () => {
  const { pair, reply } = asked();
  const known = pair.alice.peer.endpoint;
  pair.inject('alice', reply, { address: '203.0.113.9', port: 9 });
  pair.advance(4_999);
  expect(pair.captured).toHaveLength(1);
  expect(pair.alice.peer.endpoint).toBe(known);
  expect(pair.alice.peer.rxBytes).toBe(0);
  pair.advance(334);
  const retry = pair.sent(INITIATION)[1]!;
  expect(retry.destination).toEqual(known);
  expect(mac2Of(retry.bytes)).toEqual(expectedMac2(pair, retry.bytes));
});

it('a cookie reply to an unknown message is refused, and so is a second one (row 10, initiator)', () => {
  const { pair, initiation, reply } = asked();
  const { publicKey } = pair.bob.device;
  const receiverIndex = readIndex(initiation, 4);
  const cookie = seededBytes(8, 16);
  const mac1 = mac1Of(initiation);
  const refused = [
    writeCookieReply(pair.crypto, { publicKey, receiverIndex, mac1: seededBytes(1, 16), cookie }),
    writeCookieReply(pair.crypto, {
      publicKey,
      receiverIndex: (receiverIndex ^ 1) >>> 0,
      mac1,
      cookie,
    }),
    writeCookieReply(pair.crypto, {
      publicKey: pair.alice.device.publicKey,
      receiverIndex,
      mac1,
      cookie,
    }),
  ];
  for (const bytes of refused) pair.inject('alice', bytes);
  expect(pair.alice.peer.cookieReceivedAt).toBeUndefined();
  pair.inject('alice', reply);
  expect(pair.alice.peer.cookieReceivedAt).toBe(pair.now);
  pair.advance(1);
  pair.inject('alice', reply);
  expect(pair.alice.peer.cookieReceivedAt).toBe(pair.now - 1);
  expect([...pair.alice.device.drops]).toEqual([['bad-cookie', 4]]);
});

it('a cookie for a response is kept for the next one, and the response is not repeated (row 10, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  const [response] = answersTo(pair, 'bob', alice.initiate());
  const reply = writeCookieReply(pair.crypto, {
    publicKey: pair.alice.device.publicKey,
    receiverIndex: readIndex(response!.bytes, 4),
    mac1: mac1Of(response!.bytes),
    cookie: seededBytes(8, 16),
  });
  pair.inject('bob', reply, { address: '203.0.113.9', port: 9 });
  pair.advance(20_000);
  expect(pair.captured).toHaveLength(1);
  expect(pair.bob.peer.endpoint).toEqual(HERE);
  const [next] = answersTo(pair, 'bob', alice.initiate());
  expect(mac2Of(next!.bytes)).toEqual(expectedMac2(pair, next!.bytes));
});

it('mac2 is zero without a cookie, and again when the cookie is 115 s old (row 11, initiator)', () => {
  const { pair, initiation, reply } = asked();
  expect(mac2Of(initiation)).toEqual(NO_MAC2);
  pair.inject('alice', reply);
  const mac2After = (wait: number) => {
    pair.advance(wait);
    pair.alice.device.discardSessions();
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    return mac2Of(pair.sent(INITIATION).at(-1)!.bytes);
  };
  expect(mac2After(0)).not.toEqual(NO_MAC2);
  expect(mac2After(114_999)).not.toEqual(NO_MAC2);
  expect(mac2After(1)).toEqual(NO_MAC2);
});

it('mac2 of a response is zero without a cookie, and again when it is 115 s old (row 11, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  const response = (wait: number) => {
    pair.advance(wait);
    return answersTo(pair, 'bob', alice.initiate())[0]!.bytes;
  };
  const first = response(0);
  expect(mac2Of(first)).toEqual(NO_MAC2);
  const reply = writeCookieReply(pair.crypto, {
    publicKey: pair.alice.device.publicKey,
    receiverIndex: readIndex(first, 4),
    mac1: mac1Of(first),
    cookie: seededBytes(8, 16),
  });
  pair.inject('bob', reply);
  expect(mac2Of(response(114_999))).not.toEqual(NO_MAC2);
  pair.advance(1);
  expect(mac2Of(response(20))).toEqual(NO_MAC2);
});
