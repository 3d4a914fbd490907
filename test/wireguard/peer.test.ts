import { WireguardPair } from '../support/wireguard-pair.js';
import { seededBytes } from '../support/seeded-entropy.js';

it('begins with nothing', () => {
  const { peer } = new WireguardPair().alice;
  expect([peer.rxBytes, peer.txBytes, peer.handshakeAttempts, peer.stagedPackets]).toEqual([
    0, 0, 0, 0,
  ]);
  expect([peer.lastHandshakeAt, peer.lastHandshakeUnix, peer.cookieReceivedAt]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(peer.hasSession(0)).toBe(false);
});

it('has a session for 180 s', () => {
  const pair = WireguardPair.established();
  const { peer } = pair.alice;
  const begin = peer.lastHandshakeAt!;
  expect(peer.hasSession(begin + 179_999)).toBe(true);
  expect(peer.hasSession(begin + 180_000)).toBe(false);
});

it('a responder has none before the initiator has used it', () => {
  const pair = new WireguardPair();
  pair.alice.device.initiateHandshake(pair.alice.peer, pair.now);
  pair.advance(15);
  expect(pair.bob.peer.keypairs.next).toBeDefined();
  expect(pair.bob.peer.hasSession(pair.now)).toBe(false);
  pair.settle();
  expect(pair.bob.peer.hasSession(pair.now)).toBe(true);
});

it('takes a pre-shared key of 32 bytes, or none', () => {
  const { peer } = new WireguardPair().alice;
  expect(() => peer.setPresharedKey(seededBytes(1, 33))).toThrow(RangeError);
  peer.setPresharedKey(seededBytes(1, 32));
  peer.setPresharedKey(undefined);
});

it('zeroKeyMaterial ends the session; wipe ends the peer', () => {
  const pair = WireguardPair.established();
  pair.alice.peer.zeroKeyMaterial();
  expect(pair.alice.peer.hasSession(pair.now)).toBe(false);
  expect(pair.alice.peer.handshake.isPossible).toBe(true);
  pair.bob.peer.wipe();
  expect(pair.bob.peer.handshake.isPossible).toBe(false);
  expect(pair.bob.peer.isRemoved).toBe(true);
});
