import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Keypair, Keypairs } from '../../../src/wireguard/data/keypair.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';

const crypto = createNodeCrypto();

function keypair(localIndex: number, isInitiator: boolean, createdAt = 0): Keypair {
  return new Keypair(crypto, {
    isInitiator,
    localIndex,
    remoteIndex: 99,
    createdAt,
    sendingKey: seededBytes(localIndex, 32),
    receivingKey: seededBytes(localIndex + 1, 32),
  });
}

function slots(keypairs: Keypairs): (number | undefined)[] {
  return [keypairs.previous, keypairs.current, keypairs.next].map((entry) => entry?.localIndex);
}

function create(): { keypairs: Keypairs; released: number[] } {
  const released: number[] = [];
  return { keypairs: new Keypairs((index) => released.push(index)), released };
}

it('a responder waits for the first message under the new session', () => {
  const { keypairs, released } = create();
  keypairs.add(keypair(1, true));
  keypairs.add(keypair(2, true));
  const next = keypair(3, false);
  keypairs.add(next);
  expect(slots(keypairs)).toEqual([undefined, 2, 3]);
  expect(released).toEqual([1]);
  expect(keypairs.received(keypairs.current!)).toBe(false);
  expect(keypairs.received(next)).toBe(true);
  expect(slots(keypairs)).toEqual([2, 3, undefined]);
  expect(keypairs.received(next)).toBe(false);
});

it('a session that a local one superseded still receives, but does not send', () => {
  const { keypairs } = create();
  const waiting = keypair(3, false, 10);
  keypairs.add(waiting);
  keypairs.add(keypair(4, true, 20));
  expect(keypairs.received(waiting)).toBe(false);
  expect(slots(keypairs)).toEqual([undefined, 4, 3]);
  // The next session is not affected.
  const next = keypair(5, false, 30);
  keypairs.add(next);
  expect(keypairs.received(next)).toBe(true);
  expect(slots(keypairs)).toEqual([4, 5, undefined]);
});

it('a session that can no longer receive is released when a local session begins', () => {
  const { keypairs, released } = create();
  keypairs.add(keypair(1, true));
  keypairs.add(keypair(2, false, 1));
  keypairs.add(keypair(3, true, 180_000));
  expect([slots(keypairs), released]).toEqual([[undefined, 3, 2], [1]]);
  keypairs.add(keypair(4, true, 180_001));
  expect([slots(keypairs), released]).toEqual([
    [3, 4, undefined],
    [1, 2],
  ]);
});

it('a session that can no longer receive is released when the peer begins a session', () => {
  const { keypairs, released } = create();
  keypairs.add(keypair(1, true));
  keypairs.add(keypair(2, false, 179_999));
  expect(slots(keypairs)).toEqual([undefined, 1, 2]);
  keypairs.add(keypair(3, false, 180_000));
  expect(slots(keypairs)).toEqual([undefined, undefined, 3]);
  expect(released).toEqual([2, 1]);
});

it('a session of an old key pair is not used', () => {
  const { keypairs } = create();
  const waiting = keypair(1, false);
  keypairs.add(waiting);
  keypairs.expireSending();
  expect(keypairs.received(waiting)).toBe(false);
  expect(keypairs.current).toBeUndefined();
});

it('wiping releases all sessions', () => {
  const { keypairs, released } = create();
  keypairs.add(keypair(1, true));
  keypairs.add(keypair(2, true));
  const next = keypair(3, false);
  keypairs.add(next);
  keypairs.wipe();
  expect(slots(keypairs)).toEqual([undefined, undefined, undefined]);
  expect(released).toEqual([1, 2, 3]);
  expect(next.canSend(0)).toBe(false);
});

it('a session is usable for 180 s, and not after the last message', () => {
  const pair = keypair(1, true, 1_000);
  expect([pair.canSend(180_999), pair.canSend(181_000)]).toEqual([true, false]);
  expect([pair.canReceive(180_999), pair.canReceive(181_000)]).toEqual([true, false]);
  pair.sendingCounter = 2 ** 53 - 2 ** 13 - 2;
  expect(pair.canSend(1_000)).toBe(true);
  pair.sendingCounter++;
  expect(pair.canSend(1_000)).toBe(false);
});
