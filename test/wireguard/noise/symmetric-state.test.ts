import { createNodeCrypto } from '../../../src/crypto/node.js';
import { SymmetricState } from '../../../src/wireguard/noise/symmetric-state.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';
import { SecretWatch } from '../support/secret-watch.js';

const crypto = createNodeCrypto();
const NAME = new TextEncoder().encode('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s');

function keyed(): SymmetricState {
  const state = new SymmetricState(crypto, NAME);
  state.mixKey(seededBytes(1, 32));
  return state;
}

it('a clone is independent', () => {
  const state = keyed();
  const clone = state.clone();
  expect(clone.split()).toEqual(state.split());
  clone.mixKeyAndHash(seededBytes(3, 32));
  expect(clone.handshakeHash).not.toEqual(state.handshakeHash);
  expect(clone.split()).not.toEqual(state.split());
});

it('is unaffected when its clone is used and wiped', () => {
  const [state, twin] = [keyed(), keyed()];
  const clone = state.clone();
  clone.mixKeyAndHash(seededBytes(3, 32));
  clone.wipe();
  state.clone().wipe();
  expect(state.handshakeHash).toEqual(twin.handshakeHash);
  expect(state.split()).toEqual(twin.split());
  expect(state.encryptAndHash(seededBytes(2, 12))).toEqual(twin.encryptAndHash(seededBytes(2, 12)));
});

it('wipes each key when the next one replaces it', () => {
  const watch = new SecretWatch();
  const state = new SymmetricState(watch.crypto, NAME);
  state.mixKey(seededBytes(1, 32));
  expect([watch.count, watch.unwiped]).toEqual([3, 2]);
  state.mixKeyAndHash(seededBytes(2, 32));
  expect([watch.count, watch.unwiped]).toEqual([7, 2]);
  state.wipe();
  expect(watch.unwiped).toBe(0);
});

it('contains no secret after a wipe', () => {
  const state = keyed();
  state.wipe();
  expect(state.handshakeHash).toEqual(new Uint8Array(32));
});
