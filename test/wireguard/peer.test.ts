import { createNodeCrypto } from '../../src/crypto/node.js';
import { Identity } from '../../src/wireguard/handshake/identity.js';
import { Peer, type PeerOptions } from '../../src/wireguard/peer.js';
import { WireguardPair } from '../support/pairs/wireguard-pair.js';
import { seededBytes, seededEntropy } from '../support/fakes/seeded-entropy.js';

const crypto = createNodeCrypto();

function create(options: Partial<PeerOptions> = {}): Peer {
  return new Peer(
    { publicKey: crypto.publicKey(seededBytes(2, 32)), allowedIps: [], ...options },
    {
      crypto,
      entropy: seededEntropy(1),
      identity: new Identity(crypto, seededBytes(1, 32)),
      releaseIndex: () => undefined,
      staged: { packets: 0 },
    },
  );
}

it.each([-1, NaN])('refuses a persistent keepalive of %d ms', (persistentKeepalive) => {
  expect(() => create({ persistentKeepalive })).toThrow(
    new RangeError('the persistent keepalive must be 0 ms or more'),
  );
});

it('requires a public key of 32 bytes, and copies it', () => {
  expect(() => create({ publicKey: new Uint8Array(31) })).toThrow(
    new RangeError('a key must be 32 bytes long'),
  );
  const publicKey = seededBytes(3, 32);
  const peer = create({ publicKey });
  publicKey.fill(0);
  expect(peer.publicKey).toEqual(seededBytes(3, 32));
});

it('accepts a pre-shared key of 32 bytes, or none', () => {
  const { peer } = new WireguardPair().alice;
  expect(() => peer.setPresharedKey(seededBytes(1, 33))).toThrow(RangeError);
  peer.setPresharedKey(seededBytes(1, 32));
  peer.setPresharedKey(undefined);
});

describe('a handshake is wanted', () => {
  it('by a waiting packet, even after the handshake was wiped', () => {
    const pair = new WireguardPair();
    pair.send('alice');
    pair.alice.peer.discardSessions();
    expect(pair.alice.peer.handshakeBeganAt).toBeUndefined();
    expect(pair.alice.peer.isHandshakeWanted).toBe(true);
  });
});

it('discardSessions ends the session and all expectations of the peer', () => {
  const pair = WireguardPair.established();
  const { peer, device } = pair.alice;
  pair.link = () => false;
  pair.advance(121_000);
  pair.send('alice');
  expect(peer.handshakeBeganAt).toBe(pair.now);
  expect(peer.unansweredDataSince).toBe(pair.now);
  peer.discardSessions();
  expect(peer.hasSession(pair.now)).toBe(false);
  expect(peer.handshakeBeganAt).toBeUndefined();
  expect(peer.unansweredDataSince).toBeUndefined();
  pair.captured.length = 0;
  device.initiateHandshake(peer, pair.now);
  expect(pair.captured).toHaveLength(1);
});

it('zeroKeyMaterial ends the session; wipe also wipes the peer', () => {
  const pair = WireguardPair.established();
  pair.alice.peer.zeroKeyMaterial();
  expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
  expect(pair.alice.peer.handshake.isPossible).toBe(true);
  pair.bob.peer.wipe();
  expect(pair.bob.peer.handshake.isPossible).toBe(false);
  expect(pair.bob.peer.isRemoved).toBe(true);
});

it('reports the round trip of the last handshake, only on its initiator', () => {
  const pair = new WireguardPair({ latency: 30 });
  expect(pair.alice.peer.handshakeRoundTrip).toBeUndefined();
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  expect(pair.alice.peer.handshakeRoundTrip).toBe(60);
  expect(pair.bob.peer.handshakeRoundTrip).toBeUndefined();
});

it('measures a round trip from the retry that was answered', () => {
  const pair = new WireguardPair({ latency: 30 });
  pair.link = () => false;
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.advance(1_000);
  pair.link = () => true;
  pair.advance(9_000);
  expect(pair.alice.peer.handshakeRoundTrip).toBe(60);
});

it('reports the share of lost data messages in the current sessions', () => {
  const pair = new WireguardPair();
  expect(pair.bob.peer.receivedLoss).toBeUndefined();
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  // The keepalive that confirms the session.
  expect(pair.bob.peer.receivedLoss).toBe(0);
  expect(pair.alice.peer.receivedLoss).toBeUndefined();
  for (let index = 0; index < 4; index++) {
    pair.link = () => index >= 2;
    pair.send('alice');
  }
  pair.settle();
  expect(pair.bob.peer.receivedLoss).toBe(2 / 5);
  pair.advance(6_000);
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.settle();
  expect(pair.bob.peer.receivedLoss).toBe(2 / 6);
  pair.bob.peer.discardSessions();
  expect(pair.bob.peer.receivedLoss).toBeUndefined();
});
