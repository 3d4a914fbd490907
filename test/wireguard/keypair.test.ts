import { createNodeCrypto } from '../../src/crypto/node.js';
import { Keypair, Keypairs } from '../../src/wireguard/keypair.js';
import { seededBytes } from '../support/seeded-entropy.js';

const crypto = createNodeCrypto();

function keypair(
  localIndex: number,
  isInitiator: boolean,
  createdAt = 0,
  remoteIndex = 99,
): Keypair {
  return new Keypair(crypto, {
    isInitiator,
    localIndex,
    remoteIndex,
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

it('an initiator uses a new session at once; the current becomes the previous', () => {
  const { keypairs, released } = create();
  for (const index of [1, 2, 3]) keypairs.add(keypair(index, true));
  expect(slots(keypairs)).toEqual([2, 3, undefined]);
  expect(released).toEqual([1]);
});

it('a responder waits for the first message under the new session', () => {
  const { keypairs, released } = create();
  keypairs.add(keypair(1, true));
  keypairs.add(keypair(2, true));
  const next = keypair(3, false, 10);
  keypairs.add(next);
  expect(slots(keypairs)).toEqual([undefined, 2, 3]);
  expect(released).toEqual([1]);
  expect(keypairs.received(keypairs.current!)).toBe(false);
  expect(keypairs.received(next)).toBe(true);
  expect(slots(keypairs)).toEqual([2, 3, undefined]);
  expect(keypairs.received(next)).toBe(false);
});

it('a new session replaces one that waits', () => {
  const { keypairs, released } = create();
  keypairs.add(keypair(1, false));
  keypairs.add(keypair(2, false));
  expect(slots(keypairs)).toEqual([undefined, undefined, 2]);
  expect(released).toEqual([1]);
});

it('an initiator keeps the session in use, and the one that waits, beside a new one', () => {
  const { keypairs, released } = create();
  for (const index of [1, 2]) keypairs.add(keypair(index, true));
  const waiting = keypair(3, false, 10);
  keypairs.add(waiting);
  keypairs.add(keypair(4, true, 20));
  expect(slots(keypairs)).toEqual([2, 4, 3]);
  expect(released).toEqual([1]);
});

describe('of two sessions that were begun at once', () => {
  /** The slots once the peer has used the session that it began, of which it chose the index. */
  function afterUse(theirs: number, apart: number, isInitiator = true) {
    const { keypairs, released } = create();
    keypairs.add(keypair(1, true));
    const waiting = keypair(3, false, 10_000, theirs);
    keypairs.add(waiting);
    keypairs.add(keypair(50, isInitiator, 10_000 + apart));
    expect(keypairs.received(waiting)).toBe(true);
    return { slots: slots(keypairs), released };
  }

  it('the one with the smaller index of its initiator is used', () => {
    expect(afterUse(51, 20)).toEqual({ slots: [3, 50, undefined], released: [1] });
    expect(afterUse(49, 20)).toEqual({ slots: [50, 3, undefined], released: [1] });
    expect(afterUse(49, 0)).toEqual({ slots: [50, 3, undefined], released: [1] });
  });

  it('ours is used where the other one is older than any answer takes to come', () => {
    expect(afterUse(49, 4_999).slots).toEqual([50, 3, undefined]);
    expect(afterUse(49, 5_000).slots).toEqual([3, 50, undefined]);
  });

  it('theirs is used where it is the later one', () => {
    const { keypairs } = create();
    keypairs.add(keypair(1, true, 10_000));
    const waiting = keypair(3, false, 10_001, 51);
    keypairs.add(waiting);
    keypairs.received(waiting);
    expect(slots(keypairs)).toEqual([1, 3, undefined]);
  });
});

it('releases all when wiped', () => {
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

it('may be used for 180 s, and not after the last message', () => {
  const pair = keypair(1, true, 1_000);
  expect([pair.canSend(180_999), pair.canSend(181_000)]).toEqual([true, false]);
  expect([pair.canReceive(180_999), pair.canReceive(181_000)]).toEqual([true, false]);
  pair.sendingCounter = 2 ** 53 - 2 ** 13 - 2;
  expect(pair.canSend(1_000)).toBe(true);
  pair.sendingCounter++;
  expect(pair.canSend(1_000)).toBe(false);
});

it('has nothing to expire before the first session', () => {
  const { keypairs, released } = create();
  keypairs.expireSending();
  keypairs.wipe();
  expect(slots(keypairs)).toEqual([undefined, undefined, undefined]);
  expect(released).toEqual([]);
});

it('expireSending ends sending but not receiving', () => {
  const { keypairs } = create();
  keypairs.add(keypair(1, true));
  keypairs.add(keypair(2, false));
  keypairs.expireSending();
  expect(keypairs.current!.canSend(0)).toBe(false);
  expect(keypairs.next!.canSend(0)).toBe(false);
  expect(keypairs.current!.canReceive(0)).toBe(true);
});
