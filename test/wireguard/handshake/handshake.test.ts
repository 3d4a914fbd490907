/** The code around the Noise pattern: layouts, timestamps, floods, states. */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import { Handshake, openInitiation } from '../../../src/wireguard/handshake/handshake.js';
import { Identity } from '../../../src/wireguard/handshake/identity.js';
import { fromHex, toHex } from '../../support/hex.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';
import { SecretWatch } from '../support/secret-watch.js';

const nodeCrypto = createNodeCrypto();
const ZERO_PRIVATE = new Uint8Array(32);

function create(crypto = nodeCrypto) {
  const [alice, bob] = [1, 2].map((seed) => new Identity(crypto, seededBytes(seed, 32))) as [
    Identity,
    Identity,
  ];
  const released: number[] = [];
  const release = (index: number) => released.push(index);
  return {
    crypto,
    bob,
    released,
    initiator: new Handshake(crypto, alice, bob.publicKey, release),
    responder: new Handshake(crypto, bob, alice.publicKey, release),
  };
}

type Pair = ReturnType<typeof create>;

function initiation(pair: Pair, seed: number, unix = seed * 1_000): Uint8Array {
  return pair.initiator.createInitiation(seededBytes(seed, 32), seed, unix, 0)!;
}

function consume(pair: Pair, message: Uint8Array, now: number): string | undefined {
  const opened = openInitiation(pair.crypto, pair.bob, message)!;
  return pair.responder.consumeInitiation(opened, message, now);
}

describe('an initiation that crosses a local one', () => {
  const CREATED = 60_000;

  /** The local initiation has the sender index 7, and is `age` ms old. */
  function cross(theirIndex: number, age = 0) {
    const pair = create();
    const now = CREATED + age;
    const { crypto, responder } = pair;
    const theirs = responder.createInitiation(seededBytes(8, 32), theirIndex, 0, now)!;
    const ours = pair.initiator.createInitiation(seededBytes(7, 32), 7, 0, CREATED)!;
    const opened = openInitiation(crypto, new Identity(crypto, seededBytes(1, 32)), theirs)!;
    expect(pair.initiator.consumeInitiation(opened, theirs, now)).toBeUndefined();
    expect(pair.initiator.createResponse(seededBytes(9, 32), 9)).toBeDefined();
    const session = pair.initiator.beginSession(0);
    expect(session).toMatchObject({ isInitiator: false, localIndex: 9, remoteIndex: theirIndex });
    return { ...pair, ours };
  }

  it('keeps the local one if its index is smaller', () => {
    const { crypto, bob, initiator, responder, released, ours } = cross(8);
    expect(initiator.awaitsResponse).toBe(true);
    const toBob = openInitiation(crypto, bob, ours)!;
    expect(responder.consumeInitiation(toBob, ours, 0)).toBeUndefined();
    expect(responder.awaitsResponse).toBe(false);
    const response = responder.createResponse(seededBytes(10, 32), 10)!;
    expect(initiator.consumeResponse(response)).toBe(true);
    expect(initiator.beginSession(0)).toMatchObject({
      isInitiator: true,
      localIndex: 7,
      remoteIndex: 10,
    });
    expect(released).toEqual([8]);
  });

  it.each([6, 7])('voids the local one if the peer’s index is not larger: %i', (theirIndex) => {
    const { initiator, released } = cross(theirIndex);
    expect(initiator.awaitsResponse).toBe(false);
    expect(released).toEqual([7]);
  });

  it('voids a local one that is due for its retry, since they did not cross', () => {
    expect(cross(8, 4_999).initiator.awaitsResponse).toBe(true);
    expect(cross(8, 5_000).initiator.awaitsResponse).toBe(false);
  });
});

it('writes timestamps later than all previous ones and the floor', () => {
  const pair = create();
  initiation(pair, 1, 50_000);
  const first = pair.initiator.lastSentTimestamp!;
  initiation(pair, 2, 10_000);
  const second = pair.initiator.lastSentTimestamp!;
  expect(Buffer.compare(second, first)).toBe(1);
  pair.initiator.lastSentTimestamp = fromHex('400000010000000000000000');
  initiation(pair, 3, 60_000);
  expect(toHex(pair.initiator.lastSentTimestamp)).toBe('400000010000000001000000');
});

it('releases the index of an abandoned handshake', () => {
  const pair = create();
  initiation(pair, 1);
  initiation(pair, 2);
  expect(pair.released).toEqual([1]);
  expect(pair.initiator.awaitsResponse).toBe(true);
  pair.initiator.clear();
  expect(pair.released).toEqual([1, 2]);
  expect(pair.initiator.awaitsResponse).toBe(false);
});

it('abandons an initiation created at or before a given time, but no later one', () => {
  const pair = create();
  pair.initiator.createInitiation(seededBytes(1, 32), 1, 0, 100);
  pair.initiator.abandonInitiation(99);
  expect(pair.initiator.awaitsResponse).toBe(true);
  pair.initiator.abandonInitiation(100);
  expect(pair.initiator.awaitsResponse).toBe(false);
  expect(pair.released).toEqual([1]);
});

it('releases the index if the response cannot be created', () => {
  let fails = false;
  const pair = create({
    ...nodeCrypto,
    dh: (privateKey, publicKey) => (fails ? undefined : nodeCrypto.dh(privateKey, publicKey)),
  });
  expect(consume(pair, initiation(pair, 1), 0)).toBeUndefined();
  fails = true;
  const ephemeral = seededBytes(9, 32);
  expect(pair.responder.createResponse(ephemeral, 2)).toBeUndefined();
  expect(ephemeral).toEqual(ZERO_PRIVATE);
  expect(pair.released).toEqual([2]);
  expect(() => pair.responder.createResponse(seededBytes(9, 32), 3)).toThrow(RangeError);
});

it('a new key pair ends handshakes in progress, and applies to later ones', () => {
  const pair = create();
  initiation(pair, 1);
  const carol = new Identity(nodeCrypto, seededBytes(3, 32));
  pair.initiator.setIdentity(carol);
  expect(pair.released).toEqual([1]);
  expect(pair.initiator.awaitsResponse).toBe(false);
  const second = initiation(pair, 2);
  expect(openInitiation(nodeCrypto, pair.bob, second)?.initiatorStatic).toEqual(carol.publicKey);
  const forCarol = new Handshake(nodeCrypto, pair.bob, carol.publicKey, () => undefined);
  const opened = openInitiation(nodeCrypto, pair.bob, second)!;
  expect(forCarol.consumeInitiation(opened, second, 0)).toBeUndefined();
});

describe('secrets', () => {
  const psk = seededBytes(8, 32);

  it('of the handshake are wiped when the session begins', () => {
    const watch = new SecretWatch();
    const pair = create(watch.crypto);
    pair.responder.setPresharedKey(psk);
    pair.initiator.setPresharedKey(psk);
    expect(watch.unwiped).toBe(2);
    consume(pair, initiation(pair, 1), 0);
    const response = pair.responder.createResponse(seededBytes(9, 32), 2)!;
    expect(pair.initiator.consumeResponse(response)).toBe(true);
    pair.initiator.beginSession(0);
    pair.responder.beginSession(0);
    expect(watch.count).toBeGreaterThan(30);
    // Each side keeps the DH of the static keys, and the pre-shared key, for the next handshake.
    expect(watch.unwiped).toBe(2);
    const mixed = watch.input(psk)!;
    for (const handshake of [pair.initiator, pair.responder]) handshake.wipe();
    expect(watch.unwiped).toBe(0);
    expect(pair.initiator.isPossible).toBe(false);
    expect(mixed).toBeDefined();
    expect(watch.input(psk)).toBeUndefined();
  });

  it('of an abandoned handshake are wiped as well', () => {
    const watch = new SecretWatch();
    const pair = create(watch.crypto);
    consume(pair, initiation(pair, 1), 0);
    initiation(pair, 2);
    pair.initiator.clear();
    pair.responder.clear();
    expect(watch.unwiped).toBe(2);
  });

  it('of an unauthentic handshake are wiped', () => {
    const watch = new SecretWatch();
    const pair = create(watch.crypto);
    const message = initiation(pair, 1);
    pair.initiator.clear();
    message[50]! ^= 1;
    expect(openInitiation(watch.crypto, pair.bob, message)).toBeUndefined();
    expect(watch.unwiped).toBe(2);
  });
});

it('mixes in the pre-shared key', () => {
  const pair = create();
  pair.responder.setPresharedKey(seededBytes(8, 32));
  consume(pair, initiation(pair, 1), 0);
  const response = pair.responder.createResponse(seededBytes(9, 32), 2)!;
  expect(pair.initiator.consumeResponse(response)).toBe(false);
  pair.initiator.setPresharedKey(seededBytes(8, 32));
  expect(pair.initiator.consumeResponse(response)).toBe(true);
});

it('does not mix in a removed pre-shared key', () => {
  const pair = create();
  pair.responder.setPresharedKey(seededBytes(8, 32));
  pair.responder.setPresharedKey(undefined);
  consume(pair, initiation(pair, 1), 0);
  const response = pair.responder.createResponse(seededBytes(9, 32), 2)!;
  expect(pair.initiator.consumeResponse(response)).toBe(true);
});

it('throws if it is used out of order', () => {
  const { initiator } = create();
  expect(() => initiator.createResponse(ZERO_PRIVATE, 1)).toThrow(
    new RangeError('there is no initiation to answer'),
  );
  expect(() => initiator.consumeResponse(new Uint8Array(92))).toThrow(
    new RangeError('no response is expected'),
  );
  expect(() => initiator.beginSession(0)).toThrow(new RangeError('the handshake is not finished'));
});
