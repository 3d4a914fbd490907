/**
 * Rows 15 to 17, 33 and 37: when a session is renewed, when it ends, and what it leaves in memory.
 */
import type { Crypto } from '../../../src/crypto/crypto.js';
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { DATA, INITIATION, RESPONSE } from '../../support/message-types.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';
import { WireguardPair, ipv4, prefixes, type Side } from '../../support/pairs/wireguard-pair.js';
import { WhitepaperPeer } from './whitepaper-peer.js';

const REJECT_AFTER_MESSAGES = 2 ** 53 - 2 ** 13 - 1;

function other(side: Side): Side {
  return side === 'alice' ? 'bob' : 'alice';
}

/** The number of initiations from `side` when it sends a packet under a session of `age` ms. */
function rekeysOnSend(side: Side, age: number): number {
  const pair = WireguardPair.established();
  // Alice's session is then 10 ms old, and Bob's 20 ms.
  pair.advance(age - (side === 'alice' ? 10 : 20));
  pair.send(side);
  expect(pair.sent(DATA, side)).toHaveLength(1);
  return pair.sent(INITIATION, side).length;
}

it('a packet sent under a key of 120 s or older renews it (row 15, initiator)', () => {
  expect([rekeysOnSend('alice', 119_999), rekeysOnSend('alice', 120_000)]).toEqual([0, 1]);
  expect(rekeysOnSend('alice', 179_999)).toBe(1);
});

it('a keepalive sent under a key of 120 s or older renews it as well (row 15, initiator)', () => {
  const pair = WireguardPair.established({ aliceKeepalive: 50_000 });
  pair.advance(140_000);
  expect(pair.sent(INITIATION)).toEqual([]);
  pair.advance(20_000);
  expect(pair.sent(INITIATION, 'alice')).toHaveLength(1);
});

it('a responder does not renew by age (row 15, responder)', () => {
  expect([rekeysOnSend('bob', 120_000), rekeysOnSend('bob', 179_999)]).toEqual([0, 0]);
});

function expectRekeyByMessages(side: Side): void {
  const pair = WireguardPair.established();
  pair.advance(5_000);
  const keypair = pair[side].peer.keypairs.current!;
  keypair.sendingCounter = 2 ** 49 - 1;
  pair.send(side);
  pair.settle();
  expect(pair.sent(INITIATION)).toEqual([]);
  pair.send(side);
  expect(pair.sent(INITIATION, side)).toHaveLength(1);
  pair.settle();
  expect(pair[other(side)].received).toHaveLength(2);
  expect(pair[side].peer.keypairs.current).not.toBe(keypair);
}

it('a key is renewed after too many messages, whatever its age (row 15, initiator)', () => {
  expectRekeyByMessages('alice');
});

it('a key is renewed after too many messages, whatever its age (row 15, responder)', () => {
  expectRekeyByMessages('bob');
});

/** The number of initiations from `side` when it receives a packet under a session of `age` ms. */
function rekeysOnReceive(side: Side, age: number, keepalive = false): number {
  const pair = WireguardPair.established();
  pair.advance(age - (side === 'alice' ? 20 : 30));
  const { sending, remoteIndex } = pair[other(side)].peer.keypairs.current!;
  if (keepalive) {
    const message = new Uint8Array(32);
    message[0] = DATA;
    new DataView(message.buffer).setUint32(4, remoteIndex, true);
    message[8] = 9;
    sending.seal(message, 16, 0, 9);
    pair.advance(10);
    pair.inject(side, message);
  } else {
    pair.link = ({ from }) => from !== side;
    pair.send(other(side));
    pair.settle();
    expect(pair[side].received).toHaveLength(1);
  }
  return pair.sent(INITIATION, side).length;
}

it('a packet received under a key of 165 s or older renews it (row 16, initiator)', () => {
  expect([rekeysOnReceive('alice', 164_999), rekeysOnReceive('alice', 165_000)]).toEqual([0, 1]);
  expect(rekeysOnReceive('alice', 165_000, true)).toBe(1);
});

it('each key is renewed once on receive (row 16, initiator)', () => {
  const pair = WireguardPair.established();
  for (const session of [1, 2, 3]) {
    pair.advance(166_000);
    pair.send('bob');
    pair.settle();
    expect(pair.sent(INITIATION, 'alice')).toHaveLength(session);
  }
  pair.advance(166_000);
  pair.link = ({ type }) => type !== INITIATION;
  pair.send('bob');
  pair.advance(6_000);
  // The retries continue; another packet does not restart them.
  expect(pair.alice.peer.handshakeAttempts).toBe(1);
  pair.send('bob');
  pair.settle();
  expect(pair.alice.peer.handshakeAttempts).toBe(1);
});

it('a responder does not renew on receive (row 16, responder)', () => {
  expect([rekeysOnReceive('bob', 165_000), rekeysOnReceive('bob', 179_990)]).toEqual([0, 0]);
});

/** Whether `side` sends under a session of `age` ms, and accepts messages under it. */
function usesSessionAt(side: Side, age: number): { sends: boolean; reads: boolean } {
  const pair = WireguardPair.established();
  pair.link = () => false;
  pair.advance(age - (side === 'alice' ? 10 : 20));
  const { sending, remoteIndex } = pair[other(side)].peer.keypairs.current!;
  const message = new Uint8Array(16 + 96 + 16);
  message[0] = DATA;
  new DataView(message.buffer).setUint32(4, remoteIndex, true);
  message[8] = 5;
  message.set(
    side === 'alice' ? ipv4('10.0.0.2', '10.0.0.1', 96) : ipv4('10.0.0.1', '10.0.0.2', 96),
    16,
  );
  sending.seal(message, 16, 96, 5);
  pair.inject(side, message);
  pair.captured.length = 0;
  pair.send(side);
  expect(pair.sent(INITIATION, side).length + pair.sent(DATA, side).length).toBeGreaterThan(0);
  return { sends: pair.sent(DATA, side).length === 1, reads: pair[side].received.length === 1 };
}

it('a session is unused after 180 s, in both directions (row 17, initiator)', () => {
  expect(usesSessionAt('alice', 179_999)).toEqual({ sends: true, reads: true });
  expect(usesSessionAt('alice', 180_000)).toEqual({ sends: false, reads: false });
});

it('a session is unused after 180 s, in both directions (row 17, responder)', () => {
  expect(usesSessionAt('bob', 179_999)).toEqual({ sends: true, reads: true });
  expect(usesSessionAt('bob', 180_000)).toEqual({ sends: false, reads: false });
});

/** The last message that `side` may send, and the handshake that replaces the next one. */
function expectLastMessage(side: Side): void {
  const pair = WireguardPair.established();
  pair.advance(5_000);
  pair[side].peer.keypairs.current!.sendingCounter = REJECT_AFTER_MESSAGES - 1;
  pair.link = ({ type }) => type === DATA;
  pair.send(side);
  expect(pair.sent(DATA, side)).toHaveLength(1);
  pair.settle();
  expect(pair[other(side)].received).toHaveLength(1);
  expect(pair[side].peer.hasSession(pair.now)).toBe(false);
  pair.send(side);
  expect(pair.sent(DATA, side)).toHaveLength(1);
  pair.link = () => true;
  pair.advance(5_400);
  expect(pair[other(side)].received).toHaveLength(2);
}

it('no message is sent with a counter of REJECT_AFTER_MESSAGES or more (row 17, initiator)', () => {
  expectLastMessage('alice');
});

it('no message is sent with a counter of REJECT_AFTER_MESSAGES or more (row 17, responder)', () => {
  expectLastMessage('bob');
});

it('no message is accepted with a counter of REJECT_AFTER_MESSAGES or more, however large (row 17, both roles)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  pair.inject('bob', alice.initiate());
  alice.complete(pair.sent(RESPONSE, 'bob')[0]!.bytes);
  const begun = new WireguardPair();
  const bob = new WhitepaperPeer(begun, 'bob');
  begun.alice.device.initiateHandshake(begun.alice.peer, begun.now);
  begun.inject('alice', bob.respond(begun.sent(INITIATION, 'alice')[0]!.bytes));
  const limit = BigInt(REJECT_AFTER_MESSAGES);
  for (const counter of [
    limit,
    2n ** 53n + 1n,
    2n ** 60n,
    2n ** 64n - 2n ** 13n - 2n,
    2n ** 64n - 1n,
  ]) {
    pair.inject('bob', alice.seal(ipv4('10.0.0.1', '10.0.0.2', 96), counter));
    begun.inject('alice', bob.seal(ipv4('10.0.0.2', '10.0.0.1', 96), counter));
  }
  expect([pair.bob.received, begun.alice.received]).toEqual([[], []]);
  expect([...pair.bob.device.drops]).toEqual([['expired-session', 5]]);
  pair.inject('bob', alice.seal(ipv4('10.0.0.1', '10.0.0.2', 96), limit - 1n));
  begun.inject('alice', bob.seal(ipv4('10.0.0.2', '10.0.0.1', 96), limit - 1n));
  expect([pair.bob.received.length, begun.alice.received.length]).toEqual([1, 1]);
});

/** `side` gets a new key pair, which is also set on the other side. */
function expectKeyChange(side: Side): void {
  const pair = WireguardPair.established();
  const { device } = pair[side];
  device.setPrivateKey(seededBytes(77, 32));
  // No message is sent under the old session; a handshake may begin at once.
  pair.send(side);
  expect(pair.captured.map(({ from, type }) => [from, type])).toEqual([[side, INITIATION]]);
  const there = pair[other(side)];
  there.device.removePeer(there.peer);
  const inner = side === 'alice' ? '10.0.0.1/32' : '10.0.0.2/32';
  there.peer = there.device.addPeer(
    { publicKey: device.publicKey, allowedIps: prefixes(inner) },
    pair.now,
  );
  pair.settle();
  expect(there.received).toHaveLength(1);
  expect(there.peer.hasSession(pair.now)).toBe(true);
}

it('a new private key ends sending under the old sessions, and a handshake may begin at once (row 33, initiator)', () => {
  expectKeyChange('alice');
});

it('a new private key ends sending under the old sessions, and a handshake may begin at once (row 33, responder)', () => {
  expectKeyChange('bob');
});

it('a new private key ends the handshake in progress and invalidates the mac1 of the old key (row 33, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  const old = alice.initiate();
  pair.bob.device.setPrivateKey(seededBytes(77, 32));
  pair.inject('bob', old);
  expect([...pair.bob.device.drops]).toEqual([['bad-mac1', 1]]);
  const renewed = new WhitepaperPeer(pair, 'alice');
  pair.inject('bob', renewed.initiate());
  expect(renewed.complete(pair.sent(RESPONSE)[0]!.bytes)).toBe(true);
});

it('a new private key ends the handshake in progress: its response is refused (row 33, initiator)', () => {
  const pair = new WireguardPair();
  const bob = new WhitepaperPeer(pair, 'bob');
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  const response = bob.respond(pair.sent(INITIATION)[0]!.bytes);
  pair.alice.device.setPrivateKey(seededBytes(77, 32));
  pair.inject('alice', response);
  expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
});

it('a session that the old key began is not used after a new key is set (row 33, responder)', () => {
  const pair = new WireguardPair();
  const alice = new WhitepaperPeer(pair, 'alice');
  pair.inject('bob', alice.initiate());
  expect(alice.complete(pair.sent(RESPONSE)[0]!.bytes)).toBe(true);
  pair.bob.device.setPrivateKey(seededBytes(77, 32));
  pair.inject('bob', alice.seal(ipv4('10.0.0.1', '10.0.0.2', 96)));
  expect(pair.bob.peer.keypairs.current).toBeUndefined();
});

it('a peer with the local key is refused, and a peer whose key becomes the local key is removed (row 33, both roles)', () => {
  const pair = WireguardPair.established();
  const { device } = pair.alice;
  const ours = { publicKey: device.publicKey, allowedIps: [] };
  expect(() => device.addPeer(ours, pair.now)).toThrow(RangeError);
  device.setPrivateKey(pair.bob.privateKey);
  expect([...device.peers]).toEqual([]);
  expect(pair.alice.peer.isRemoved).toBe(true);
  pair.send('alice');
  expect(pair.captured).toEqual([]);
});

it('a new pre-shared key applies from the next handshake on, and to one in progress (row 33, both roles)', () => {
  const psk = seededBytes(4, 32);
  const pair = WireguardPair.established();
  pair.alice.peer.setPresharedKey(psk);
  pair.bob.peer.setPresharedKey(psk);
  pair.send('alice');
  pair.send('bob');
  pair.settle();
  expect([pair.alice.received.length, pair.bob.received.length]).toEqual([1, 1]);
  pair.advance(5_000);
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  const bob = new WhitepaperPeer(pair, 'bob', { presharedKey: psk });
  const initiation = pair.sent(INITIATION)[0]!.bytes;
  pair.alice.peer.setPresharedKey(undefined);
  pair.inject('alice', bob.respond(initiation));
  expect(pair.alice.peer.responsesRejected).toBe(1);
  pair.alice.peer.setPresharedKey(psk);
  pair.inject('alice', bob.respond(initiation));
  expect(pair.alice.peer.responsesRejected).toBe(1);
});

/** A backend that records every secret that it has returned. */
class RecordingCrypto {
  readonly crypto: Crypto;
  /** Results of DH and of the key derivation: chaining keys and keys. */
  readonly secrets: Uint8Array[] = [];
  /** Private keys whose public keys were asked for. */
  readonly ephemeralKeys: Uint8Array[] = [];
  readonly transportKeys: { wiped: boolean }[] = [];

  constructor() {
    const inner = createNodeCrypto();
    const basePoint = Uint8Array.of(9, ...new Uint8Array(31));
    this.crypto = {
      ...inner,
      dh: (privateKey, publicKey) => {
        const result = inner.dh(privateKey, publicKey);
        if (Buffer.compare(publicKey, basePoint) === 0) this.ephemeralKeys.push(privateKey);
        else if (result !== undefined) this.secrets.push(result);
        return result;
      },
      hmac: (key, ...parts) => {
        const result = inner.hmac(key, ...parts);
        this.secrets.push(result);
        return result;
      },
      transportKey: (key) => {
        const transportKey = inner.transportKey(key);
        const record = { wiped: false };
        this.transportKeys.push(record);
        return {
          seal: (...parameters) => transportKey.seal(...parameters),
          open: (...parameters) => transportKey.open(...parameters),
          wipe: () => {
            record.wiped = true;
            transportKey.wipe();
          },
        };
      },
    };
  }

  /** The number of secrets that are not yet wiped. */
  get left(): number {
    return this.secrets.filter((secret) => secret.some((byte) => byte !== 0)).length;
  }

  /** The number of transport keys that are not yet wiped. */
  get keysLeft(): number {
    return this.transportKeys.filter(({ wiped }) => !wiped).length;
  }
}

it('a finished handshake leaves only the transport keys (row 37, both roles)', () => {
  const recording = new RecordingCrypto();
  const pair = new WireguardPair({ crypto: recording.crypto });
  pair.send('alice');
  // Each side keeps the DH of the static keys for all handshakes.
  expect(recording.secrets.length).toBeGreaterThan(8);
  pair.settle();
  expect(pair.bob.received).toHaveLength(1);
  expect([recording.left, recording.keysLeft]).toEqual([2, 4]);
});

it('a refused initiation leaves no secret (row 37, responder)', () => {
  const recording = new RecordingCrypto();
  const pair = new WireguardPair({ crypto: recording.crypto });
  const alice = new WhitepaperPeer(pair, 'alice');
  const [wrongStatic, wrongStamp, replayed] = [
    alice.initiate(),
    alice.initiate(),
    alice.initiate(),
  ];
  pair.inject('bob', alice.initiate());
  const privateKey = seededBytes(40, 32);
  const keys = { privateKey, publicKey: pair.crypto.publicKey(privateKey) };
  const stranger = new WhitepaperPeer(pair, 'alice', { keys }).initiate();
  const before = recording.secrets.length;
  for (const message of [damaged(pair, wrongStatic, 50), damaged(pair, wrongStamp, 90)]) {
    pair.inject('bob', message);
  }
  for (const message of [stranger, replayed]) pair.inject('bob', message);
  expect([...pair.bob.device.drops]).toEqual([
    ['bad-handshake', 2],
    ['unknown-peer', 1],
    ['replayed-initiation', 1],
  ]);
  const secrets = recording.secrets.slice(before);
  expect(secrets.length).toBeGreaterThan(8);
  expect(secrets.filter((secret) => secret.some((byte) => byte !== 0))).toEqual([]);
});

/** The message with one byte changed and a valid mac1. */
function damaged(pair: WireguardPair, message: Uint8Array, offset: number): Uint8Array {
  const copy = message.slice();
  copy[offset]! ^= 1;
  const key = pair.crypto.hash(new TextEncoder().encode('mac1----'), pair.bob.device.publicKey);
  copy.set(pair.crypto.mac(key, copy.slice(0, 116)), 116);
  return copy;
}

it('a refused response leaves no secret, and the handshake continues (row 37, initiator)', () => {
  const recording = new RecordingCrypto();
  const pair = new WireguardPair({ crypto: recording.crypto });
  const bob = new WhitepaperPeer(pair, 'bob', { presharedKey: seededBytes(3, 32) });
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  const response = bob.respond(pair.sent(INITIATION)[0]!.bytes);
  const before = recording.secrets.length;
  const left = recording.left;
  pair.inject('alice', response);
  expect(pair.alice.peer.responsesRejected).toBe(1);
  expect(recording.secrets.length).toBeGreaterThan(before);
  expect(recording.left).toBe(left);
});

it('a replaced session is wiped; a closed one leaves no secret (row 37, both roles)', () => {
  const recording = new RecordingCrypto();
  const pair = WireguardPair.established({ crypto: recording.crypto });
  for (let session = 0; session < 4; session++) {
    pair.advance(5_000);
    pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
    pair.settle();
  }
  // The current and the previous session on each side, with two keys each.
  expect([recording.transportKeys.length, recording.keysLeft]).toEqual([20, 8]);
  pair.alice.device.close();
  expect([recording.left, recording.keysLeft]).toEqual([1, 4]);
  pair.bob.device.close();
  expect([recording.left, recording.keysLeft]).toEqual([0, 0]);
});

it('an ephemeral key is overwritten when the handshake is complete (row 37, both roles)', () => {
  const recording = new RecordingCrypto();
  const made: Uint8Array[] = [];
  const pair = new WireguardPair({
    crypto: recording.crypto,
    onEphemeralKey: (key) => {
      expect(key).not.toEqual(new Uint8Array(32));
      made.push(key);
    },
  });
  pair.send('alice');
  pair.settle();
  // One private key on each side, and the copy used in the computation.
  const keys = [...made, ...recording.ephemeralKeys];
  expect(keys).toEqual(new Array(4).fill(new Uint8Array(32)));
});
